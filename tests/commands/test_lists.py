"""`llmlog find`, `slow`, `traces`, `session`, `trace`: records and runs, found and listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog_tui.log.schema import COLUMNS

Rows: TypeAlias = Callable[..., list[dict[str, Any]]]

RECORD_KEYS = [*COLUMNS, "file", "line"]
TRACE_KEYS = [
    "trace_id", "session_id", "ts", "steps", "time_ms", "tokens", "cost_usd", "saved_usd",
    "unpriced_calls", "failed", "truncated", "retried", "changed", "models",
    "trace_name", "name",
]  # fmt: skip


@pytest.fixture
def rows(llmlog: Run) -> Rows:
    """The objects that a command prints with --json."""

    def of(*arguments: str | Path) -> list[dict[str, Any]]:
        done = llmlog(*arguments, "--json")
        assert (done.code, done.err) == (0, "")
        return [json.loads(line) for line in done.out.splitlines()]

    return of


def at(second: int, trace: str, step: int, **fields: object) -> dict[str, Any]:
    return {
        "ts": f"2026-11-23T09:00:{second:02}Z", "session_id": f"s-{trace}", "trace_id": trace,
        "step": step, **fields,
    }  # fmt: skip


@pytest.fixture
def two_runs(written: Written) -> Path:
    return written(
        [
            at(1, "trace-a", 1, tool_name="search", latency_ms=100, status="error"),
            at(0, "trace-a", 0, model="m", latency_ms=900, request_id="req_1"),
            at(2, "trace-b", 0, model="m", latency_ms=700.5, reasoning_tokens=9,
               completion_tokens=10, request_id="req_2"),
        ]
    )  # fmt: skip


def test_find_gives_the_record_with_its_place(rows: Rows, two_runs: Path) -> None:
    (found,) = rows("find", "req_2", two_runs)
    assert list(found) == [*RECORD_KEYS, "format"]
    expected = {
        "ts": "2026-11-23T09:00:02.000000Z", "event": "chat_completion", "status": "ok",
        "latency_ms": 700.5, "model": "m", "step": 0, "id": None,
        "file": str(two_runs), "line": 3, "format": "llmlog",
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


def test_find_shows_one_record_whole_with_its_grep(llmlog: Run, two_runs: Path) -> None:
    lines = llmlog("find", "req_1", two_runs).out.splitlines()
    assert lines[0] == f"{two_runs}:2"
    assert "latency_ms                      900" in lines
    assert lines[-1] == f'grep \'"request_id": "req_1"\' {two_runs}'


def test_find_lists_several_records(llmlog: Run, two_runs: Path) -> None:
    lines = llmlog("find", "trace-a", two_runs).out.splitlines()
    assert [line.split()[2:5] for line in lines[1:]] == [
        ["trace-a", "1", "search"],
        ["trace-a", "0", "m"],
    ]


def test_slow_calls_stand_by_how_slow_they_were(rows: Rows, two_runs: Path) -> None:
    found = rows("slow", two_runs)
    assert [list(call) for call in found] == [[*RECORD_KEYS, "why"]] * 2
    assert [(call["latency_ms"], call["why"]) for call in found] == [
        (900, "unexplained"),
        (700.5, "reasoning 90% of output"),
    ]
    assert [call["latency_ms"] for call in rows("slow", two_runs, "--over", "700.5")] == [900]


def test_slow_begins_with_the_verdict(llmlog: Run, two_runs: Path) -> None:
    assert llmlog("slow", two_runs).out.startswith("1 of 2 slow calls are mostly reasoning\n")
    assert llmlog("slow", two_runs, "--over", "2000").out == "no call took over 2.00 s\n"


@pytest.mark.parametrize(
    "command", [["stats"], ["trace", "trace-a"], ["find", "trace-a"], ["find", "--text", "boom"]]
)
def test_rotated_parts_that_are_not_read_are_one_line_of_chatter(
    llmlog: Run, written: Written, command: list[str]
) -> None:
    error = {"status": "error", "error_message": "boom"}
    log = written([{"model": "m", "trace_id": "trace-a", "step": 0} | error])
    alone = llmlog(*command, log)
    log.with_name(f"{log.name}.1").touch()
    done = llmlog(*command, log)
    assert (done.code, done.out, alone.err) == (0, alone.out, "")
    assert done.err == (f"1 rotated part beside {log.name} not read; all of it is '{log}*'\n")


def test_slow_lists_the_slowest_up_to_a_limit(rows: Rows, llmlog: Run, two_runs: Path) -> None:
    assert [call["latency_ms"] for call in rows("slow", two_runs, "--limit", "1")] == [900]
    assert len(llmlog("slow", two_runs, "--limit", "1").out.splitlines()) == 3
    assert len(rows("slow", two_runs, "--limit", "9")) == 2


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"error_type": "APITimeoutError"}, "✗ APITimeoutError"),
        ({"error_type": "CancelledError"}, "✗ CancelledError"),
        ({"error_type": "ServerError", "error_status": 503}, "✗ ServerError, 503"),
        ({"error_status": 503}, "✗ 503"),
        ({"error_status": 429}, "✗ 429"),
        ({}, "✗ failed"),
    ],
)
def test_each_failure_has_its_mark_and_is_told_once(
    llmlog: Run, written: Written, error: dict[str, object], text: str
) -> None:
    call = {"model": "m", "trace_id": "trace-1", "step": 0, "latency_ms": 9_000, "status": "error"}
    log = written([call | error])
    assert llmlog("slow", log).out.splitlines()[-1].endswith(f"  {text}")
    of_trace = text.replace(", ", "  ")
    assert llmlog("trace", "trace-1", log).out.splitlines()[-1].endswith(f"  {of_trace}")


def test_traces_are_one_a_run(rows: Rows, two_runs: Path) -> None:
    a, b = rows("traces", two_runs)
    assert list(a) == list(b) == TRACE_KEYS
    # From 0 s to the latest end, 1.1 s.
    assert (a["trace_id"], a["steps"], a["time_ms"], a["failed"]) == ("trace-a", 2, 1_100, True)
    assert (b["tokens"], b["models"], b["ts"]) == (None, ["m"], "2026-11-23T09:00:02.000000Z")


def test_a_trace_stands_in_the_order_of_its_steps(rows: Rows, two_runs: Path) -> None:
    found = rows("trace", "trace-a", two_runs)
    assert [(step["step"], step["line"]) for step in found] == [(0, 2), (1, 1)]
    assert [list(step) for step in found] == [[*RECORD_KEYS, "cost_usd", "cache"]] * 2


def test_a_trace_says_why_a_prompt_was_not_cached(
    rows: Rows, llmlog: Run, written: Written
) -> None:
    call = {"model": "m", "prompt_tokens": 100, "cached_tokens": 0}
    path = written(
        [
            at(0, "t", 0, **call, prefix_hashes=["a", "b", "c", "d"]),
            at(1, "t", 1, **call, prefix_hashes=["a", "b", "c", "x", "y"]),
        ]
    )
    why = "prefix changed at message 3"
    assert [step["cache"] for step in rows("trace", "t", path)] == [None, why]
    assert llmlog("trace", "t", path).out.splitlines()[-1].endswith(why)


def test_a_session_is_its_traces_in_order_each_in_steps(rows: Rows, written: Written) -> None:
    path = written(
        {"event": "span", "session_id": "s", "trace_id": trace, "step": step}
        for trace, step in (("b", 1), ("a", 0), ("b", 0), (None, 7), ("a", None))
    )
    found = rows("session", "s", path)
    assert [(step["trace_id"], step["step"]) for step in found] == [
        ("b", 0), ("b", 1), ("a", 0), ("a", None), (None, 7),
    ]  # fmt: skip
    assert [list(step) for step in found] == [[*RECORD_KEYS, "cost_usd"]] * 5


def test_a_session_is_shown_run_by_run(llmlog: Run, two_runs: Path) -> None:
    totals, _, blank, head, _, titles, *steps = llmlog(
        "session", "s-trace-a", two_runs
    ).out.splitlines()
    assert (totals, blank) == ("session s-trace-a: 1 run, took 1.10 s", "")
    assert head == "trace trace-a search, session s-trace-a, began 2026-11-23 09:00:00, took 1.10 s"
    assert titles.split() == ["step", "what", "began", "ms", "ms", "notes"]
    assert [step.split()[:4] for step in steps] == [
        ["0", "m", "0", "900"],
        ["1", "search", "1,000", "100"],
    ]


def test_records_of_several_files_name_theirs(rows: Rows, two_runs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('\n{"event": "response", "request_id": "req_9"}\n')
    (found,) = rows("find", "req_9", two_runs, other)
    assert (found["file"], found["line"]) == (str(other), 2)


@pytest.mark.parametrize("command", ["session", "trace", "bundle"])
def test_an_unknown_id_is_one_line(llmlog: Run, two_runs: Path, command: str) -> None:
    assert is_refused(llmlog(command, "nothing", two_runs), "nothing")


@pytest.mark.parametrize("wanted", ["span-1234", "span-1", "call_x1y2z3", "call_x"])
def test_find_takes_the_ids_of_spans_and_tool_calls(
    rows: Rows, written: Written, wanted: str
) -> None:
    tool = {"event": "tool_call", "trace_id": "t"}
    ids = {"span_id": "span-1234", "tool_call_id": "call_x1y2z3"}
    log = written([tool | ids | {"step": 0}, tool | {"step": 1, "span_id": "other"}])
    (found,) = rows("find", wanted, log)
    assert (found["step"], found["line"]) == (0, 1)


def test_find_without_a_match_exits_with_1(llmlog: Run, two_runs: Path) -> None:
    for options in ([], ["--json"]):
        done = llmlog("find", "nothing", two_runs, *options)
        assert (done.code, done.out) == (1, "")
        ids = "no id, request_id, trace_id, session_id, span_id or tool_call_id"
        expected = f"{ids} is or begins with 'nothing'"
        assert done.err == f"llmlog: {expected}\n"


def test_an_id_with_spaces_around_it_is_the_id(llmlog: Run, two_runs: Path) -> None:
    for words in (["find"], ["trace"], ["session"], ["bundle"], ["diff", "trace-b"]):
        ids = "s-trace-a" if words == ["session"] else "trace-a"
        plain, pasted = (llmlog(*words, wanted, two_runs) for wanted in (ids, f" {ids} \n"))
        assert (pasted.code, pasted.out, pasted.err) == (plain.code, plain.out, plain.err)
        assert pasted.code == 0


def test_an_unknown_trace_of_two_is_one_line_that_says_which_there_are(
    llmlog: Run, two_runs: Path
) -> None:
    done = llmlog("diff", "trace-a", "trace-x", two_runs)
    assert is_refused(done, "no trace_id is or begins with 'trace-x'", "trace-a, trace-b")


def test_an_id_that_begins_several_is_one_line(llmlog: Run, two_runs: Path) -> None:
    done = llmlog("trace", "trace-", two_runs)
    assert is_refused(done, "'trace-' begins 2 trace_ids: trace-a, trace-b")


WHERE = "model = 'm' and latency_ms > 800"


@pytest.mark.parametrize(
    ("arguments", "records"),
    [(["slow"], 1), (["traces"], 1), (["find", "trace-a"], 1), (["session", "s-trace-a"], 1)],
)
def test_where_narrows_what_is_looked_at(
    rows: Rows, two_runs: Path, arguments: list[str], records: int
) -> None:
    assert len(rows(*arguments, two_runs, "--where", WHERE)) == records


def test_where_narrows_the_figures_of_stats(rows: Rows, two_runs: Path) -> None:
    (found,) = rows("stats", two_runs, "--where", "latency_ms > 100")
    assert (found["records"], found["calls"], found["tools"], found["traces"]) == (3, 2, 0, 2)


@pytest.mark.parametrize(
    "time",
    [
        "'2026-11-23T09:00:01Z'",
        "'2026-11-23 09:00:01'",
        "timestamp '2026-11-23 09:00:01'",
        "'2026-11-23T09:00:01Z'::timestamp",
    ],
)
def test_where_compares_times_and_text(rows: Rows, two_runs: Path, time: str) -> None:
    later = f"ts >= {time} and upper(event) like 'CHAT%' -- a remark"
    assert [call["trace_id"] for call in rows("slow", two_runs, "--where", later)] == ["trace-b"]


@pytest.mark.parametrize("command", [["stats"], ["slow"], ["traces"], ["find", "trace-a"]])
@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("modle = 'm'", "no column modle; the nearest is model"),
        ("latency_ms >", "latency_ms >"),
        ("latency_ms", "oolean"),
        ("count(*) > 3", "one answer for all records"),
        ("latency_ms > 5 and count(*) > 3", "one answer for all records"),
        ("latency_ms > 5 order by ts", "order"),
        ("true limit 1", "limit"),
        ("model > 5", "string"),
        ("", "parse"),
    ],
)
def test_a_bad_predicate_is_one_line(
    llmlog: Run, two_runs: Path, command: list[str], where: str, says: str
) -> None:
    assert is_refused(llmlog(*command, two_runs, "--where", where), says)


@pytest.mark.parametrize(
    "arguments", [["slow"], ["traces"], ["sql", "select * from calls"], ["slow", "--json"]]
)
def test_where_no_line_is_a_record_the_way_to_the_reason_is_shown(
    llmlog: Run, tmp_path: Path, arguments: list[str]
) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_text("no json\n")
    done = llmlog(*arguments, path)
    assert (done.code, done.err) == (0, "no line is a record; see llmlog health\n")
    path.write_text("")
    assert llmlog(*arguments, path).err == ""


@pytest.mark.parametrize("command", ["find", "trace", "session"])
def test_an_empty_id_is_one_line_that_says_so(llmlog: Run, two_runs: Path, command: str) -> None:
    assert is_refused(llmlog(command, "", two_runs), "is a variable empty?")


@pytest.mark.parametrize(
    "arguments",
    [["slow"], ["traces"], ["find", "trace"], ["find", "req"], ["trace", "trace\x1b[31m\n`|"]],
)
def test_values_of_a_log_are_shown_and_not_obeyed(
    llmlog: Run, written: Written, arguments: list[str]
) -> None:
    hostile = "\x1b[31m\n`|\u202e"
    record = {
        name: f"{name[:5]}{hostile}"
        for name in ("trace_id", "session_id", "model", "event", "tool_name", "error_type", hostile)
    }
    path = written([{**record, "event": "chat_completion", "request_id": "req", "latency_ms": 900}])
    if arguments[0] == "trace":
        arguments = ["trace", record["trace_id"]]
    if arguments == ["find", "trace"]:
        arguments = ["find", record["trace_id"]]
    done = llmlog(*arguments, path)
    assert done.code == 0
    assert not {"\x1b", "\u202e"} & set(done.out)


@pytest.mark.parametrize(
    "arguments",
    [
        *(["traces"], ["traces", "--by", "trace_name"], ["trace", "huge"], ["session", "one"]),
        *(["stats"], ["slow"], ["diff", "huge", "small"], ["bundle", "huge"], ["status"]),
        ["export", "--to", "spans.otlp.jsonl"],
    ],
    ids=" ".join,
)
def test_latencies_with_an_infinite_sum_end_no_command(
    llmlog: Run,
    written: Written,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    call = {"event": "chat_completion", "session_id": "one", "model": "m"}
    huge = [{**call, "trace_id": "huge", "step": n, "latency_ms": 1.7e308} for n in range(3)]
    path = written([*huge, {**call, "trace_id": "small", "step": 0, "latency_ms": 5}])
    done = llmlog(*arguments, path)
    assert (done.code, done.err.count("\n") <= 1) == (0, True)
