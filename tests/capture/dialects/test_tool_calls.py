"""Good tool calls raise no alarm, broken ones do, and built-in tools are named."""

from __future__ import annotations

from typing import Any

from tests.capture.dialects.conftest import (
    Case,
    Dialect,
    cases,
    delta,
    happened,
    matrix,
    message,
    record_of_row,
    records_of,
    response,
)


def part(
    name: str | None = None, arguments: object = None, id_: str | None = None, **members: object
) -> dict[str, Any]:
    """Return a part of a tool call, without the members that are None."""
    function = {"name": name, "arguments": arguments}
    known = {key: value for key, value in function.items() if value is not None}
    return {**({"id": id_} if id_ is not None else {}), "function": known, **members}


def streamed(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a stream with one part per chunk, all at index 0 unless they have another."""
    chunks = [delta(tool_calls=[{"index": 0, **one}]) for one in parts]
    return [*chunks, delta("tool_calls")]


def names(*called: str, ok: bool | None = True) -> dict[str, Any]:
    return {"tool_calls": list(called), "tool_args_ok": ok}


def whole(*calls: dict[str, Any]) -> dict[str, Any]:
    return message("tool_calls", content=None, tool_calls=list(calls))


A, B = '{"a": 1}', '{"b": 2}'
CUSTOM = {"id": "a", "type": "custom", "custom": {"name": "run", "input": "ls -la"}}
ROWS = [
    Dialect("no arguments", whole(part("now", "", "a")), names("now", ok=None)),
    Dialect("blank arguments", whole(part("now", " ", "a")), names("now", ok=None)),
    Dialect("arguments left out", whole(part("now", None, "a")), names("now", ok=None)),
    Dialect("arguments as an object", whole(part("now", {"a": 1}, "a")), names("now", ok=None)),
    Dialect("one without, one with", whole(part("now", ""), part("look", A)), names("now", "look")),
    Dialect("a custom tool", whole(CUSTOM), names("run", ok=None)),
    Dialect("broken arguments", whole(part("look", '{"a"', "a")), names("look", ok=False)),
    Dialect("streamed without arguments", streamed(part("now", "", "a")), names("now", ok=None)),
    Dialect(
        "parallel calls at one index",
        streamed(part("look", A, "a"), part("look", B, "b")),
        names("look", "look"),
    ),
    Dialect(
        "parallel calls at one index, in parts",
        streamed(part("f", "", "a"), part(None, A), part("g", "", "b"), part(None, B)),
        names("f", "g"),
    ),
    Dialect(
        "parallel calls at one index without ids",
        streamed(part("f", A, ""), part("g", B, "")),
        names("f", "g"),
    ),
    Dialect(
        "the id repeated in each chunk",
        streamed(part("f", '{"a"', "a"), part("", ": ", "a"), part(None, "1}", "a")),
        names("f"),
    ),
    Dialect(
        "id and name repeated in each chunk",
        streamed(part("f", '{"a"', "a"), part("f", ": 1}", "a")),
        names("f"),
    ),
    Dialect(
        "the name repeated without an id",
        streamed(part("f", '{"a"'), part("f", ": 1}")),
        names("f"),
    ),
    Dialect("sent again at the end", streamed(part("f", A, "a"), part("f", A, "a")), names("f")),
    Dialect(
        "the arguments so far in each chunk",
        streamed(part("f", '{"a"', "a"), part(None, '{"a": 1', "a"), part(None, A, "a")),
        names("f"),
    ),
    Dialect(
        "a custom tool, streamed",
        streamed({**CUSTOM}, {"custom": {"input": " | wc"}}),
        names("run", ok=None),
    ),
    Dialect("broken off", streamed(part("f", '{"a"', "a")), names("f", ok=False)),
]


@matrix(cases(ROWS))
def test_tool_calls_are_told_apart_and_their_arguments_checked(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert record["status"] == "ok", variant
        assert {name: record[name] for name in case.row.fields} == case.row.fields, variant


def test_calls_at_one_index_are_kept_apart_in_the_content() -> None:
    row = Dialect("parallel", streamed(part("f", A, "a"), part("g", B, "b")), {})
    calls = record_of_row(row, "full")["output"]["tool_calls"]
    kept = [(call["id"], call["function"]) for call in calls]
    assert kept == [
        ("a", {"name": "f", "arguments": A}),
        ("b", {"name": "g", "arguments": B}),
    ]


def item(kind: str, **members: object) -> dict[str, Any]:
    return {"type": kind, "id": "i1", "status": "completed", **members}


BUILT_IN = [
    ([item("web_search_call")], ["web_search"], "stop"),
    (
        [item("file_search_call"), item("code_interpreter_call")],
        ["file_search", "code_interpreter"],
        "stop",
    ),
    ([item("mcp_call", name="roll", arguments="{}")], ["roll"], "stop"),
    ([item("image_generation_call", result="aGk=")], ["image_generation"], "stop"),
    ([item("computer_call", call_id="c1", action={})], ["computer"], "tool_calls"),
    ([item("local_shell_call", call_id="c1", action={})], ["local_shell"], "tool_calls"),
    ([item("custom_tool_call", call_id="c1", name="run", input="ls")], ["run"], "tool_calls"),
    ([item("mcp_approval_request", name="roll", arguments="{}")], ["roll"], "tool_calls"),
    ([item("function_call", call_id="c1", name="look", arguments="")], ["look"], "tool_calls"),
    ([item("tool_search_call", call_id=None, execution="server")], ["tool_search"], "stop"),
    ([item("function_call_output", call_id="c1", output="x"), item("reasoning")], None, "stop"),
]


def events(output: list[dict[str, Any]], *, repeats_output: bool) -> list[dict[str, Any]]:
    begun = response(status="in_progress", output=[], usage=None)
    done = [
        happened("response.output_item.done", item=one, output_index=n, sequence_number=n + 1)
        for n, one in enumerate(output)
    ]
    end = response(output=output if repeats_output else [])
    return [
        happened("response.created", response=begun, sequence_number=0),
        *done,
        happened("response.completed", response=end, sequence_number=len(done) + 1),
    ]


RESPONSES = [
    Dialect(
        f"{output[0]['type']}, {name}",
        answer,
        {"tool_calls": calls, "finish_reason": reason},
        "responses",
    )
    for output, calls, reason in BUILT_IN
    for name, answer in (
        ("whole", response(output=output)),
        ("streamed", events(output, repeats_output=True)),
        ("without output at the end", events(output, repeats_output=False)),
    )
]


@matrix(cases(RESPONSES))
def test_tools_of_responses_are_named_and_only_the_applications_await_it(case: Case) -> None:
    for variant, record in records_of(case).items():
        assert {name: record[name] for name in case.row.fields} == case.row.fields, variant
        assert record["tool_args_ok"] in (True, None), variant
