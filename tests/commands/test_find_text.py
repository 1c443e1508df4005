"""`llmlog find --text`: words in content and error texts, newest first, whatever the notation."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Done, Run, Written, is_refused

from llmlog_tui.analysis.traces.text_search import TextQuery
from llmlog_tui.log import line_search
from llmlog_tui.log.text_scan import scan


def call(number: int, content: object = None, **fields: object) -> dict[str, Any]:
    messages = None if content is None else [{"role": "user", "content": content}]
    return {
        "ts": "2026-11-23T09:00:00Z", "event": "chat_completion", "session_id": "s",
        "trace_id": "t", "step": number, "model": "m", "latency_ms": 5, "input": messages,
        **fields,
    }  # fmt: skip


def found(done: Done) -> list[dict[str, Any]]:
    assert (done.code, done.err) == (0, ""), done.err
    return [json.loads(line) for line in done.out.splitlines()]


def steps(done: Done) -> list[int]:
    return [record["step"] for record in found(done)]


def test_content_and_error_texts_are_searched_and_nothing_else(
    llmlog: Run, written: Written
) -> None:
    log = written(
        [
            call(0, "where is the Zebra crossing?"),
            call(1, output={"role": "assistant", "content": [{"type": "text", "text": "a zebra"}]}),
            call(2, status="error", error_message="no such zebra"),
            call(3, event="tool_call", tool_name="look", output={"found": ["ZEBRA"]}),
            call(4, model="zebra", extra={"tier": "zebra"}, trace_id="zebra"),
            call(5, messages=[{"content": "zebra of a logger that names its fields otherwise"}]),
        ]
    )
    done = llmlog("find", "--text", "zebra", log, "--json")
    assert steps(done) == [5, 3, 2, 1, 0]
    assert [record["found_in"] for record in found(done)] == [
        *("messages", "output", "error_message", "output", "input")
    ]
    assert found(done)[-1]["excerpt"] == "where is the Zebra crossing?"
    assert (found(done)[0]["line"], found(done)[0]["file"]) == (6, str(log))


ASKED = {"role": "user", "content": [{"type": "text", "text": "hello"}]}
CALLED = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "look"}}]}
ITEM = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "hi"}]}
GEMINI = {"role": "model", "parts": [{"text": "hello"}]}


@pytest.mark.parametrize(
    "word", ["user", "assistant", "developer", "model", "text", "function", "message", "input_text"]
)
def test_the_role_and_the_type_of_a_message_are_no_text(
    llmlog: Run, written: Written, word: str
) -> None:
    calls = [call(n, [each]) for n, each in enumerate((ASKED, CALLED, ITEM, GEMINI))]
    log = written([*calls, call(4, [{"role": "user", "content": f"which {word}?"}])])
    assert steps(llmlog("find", "--text", word, log, "--json")) == [4]


def test_a_role_or_type_among_the_arguments_of_a_tool_is_text(
    llmlog: Run, written: Written
) -> None:
    arguments = {"name": "Ada", "role": "user", "type": "text-only"}
    log = written([call(0, [ASKED]), call(1, event="tool_call", tool_name="add", input=arguments)])
    for word in ("user", "text-only"):
        assert steps(llmlog("find", "--text", word, log, "--json")) == [1]


@pytest.mark.parametrize("name", ["litellm", "langfuse", "helicone", "bedrock", "openai_batch"])
def test_roles_are_no_text_in_other_tools_logs_either(
    llmlog: Run, tmp_path: Path, root: Path, name: str
) -> None:
    log = tmp_path / f"{name}.jsonl"
    shutil.copy(root / f"tests/formats/samples/{name}.jsonl", log)
    assert b"assistant" in log.read_bytes()
    assert llmlog("find", "--text", "assistant", log).code == 1


def test_the_text_lists_records_with_place_and_excerpt(llmlog: Run, written: Written) -> None:
    log = written([call(7, "one " * 50 + "zebra\n\x1b[31mcrossed" + " two" * 50)])
    lines = llmlog("find", "--text", "zebra", log).out.splitlines()
    assert lines[1].split()[2:5] == ["t", "7", "m"]
    assert lines[2].strip().startswith(f"{log}:1 input: …")
    assert "one zebra ␛[31mcrossed two" in lines[2]
    assert len(lines) == 3


NOTATIONS = [
    ("zebra crossed", "a zebra\n  crossed it"),
    ("ÉCOLE", "une école"),
    ("école", "une ÉCOLE"),
    ("日本", "in 日本 now"),
    ("😀 ok", "😀 ok"),
    ('say "hi"', 'they say "hi" there'),
    ("C:\\temp", "in C:\\temp now"),
    ("a/b", "path a/b"),
    ("<b>&", "some <b>&</b>"),
    ("f(x) [1]", "call f(x) [1]"),
    ("\x1b[31mred \x08 \x7f", "a \x1b[31mred\u00a0\x08\u2028\x7f"),
    ("a+b=`c`", "that a+b=`c`"),
    ("istanbul", "in \u0130stanbul"),
    ("300 k", "at 300 \u212a"),
    ("οδος", "η ΟΔΟΣ"),
    ("straße", "eine STRAẞE"),
]


@pytest.mark.parametrize(("words", "content"), NOTATIONS)
@pytest.mark.parametrize("notation", ["escaped", "utf-8", "slashes", "numbers"])
def test_words_are_found_in_every_notation_of_json(
    llmlog: Run, tmp_path: Path, words: str, content: str, notation: str
) -> None:
    line = json.dumps(call(0, content), ensure_ascii=notation != "utf-8")
    if notation == "slashes":
        line = line.replace("/", "\\/")
    if notation == "numbers":
        line = line.replace('\\"', "\\u0022").replace("\\\\", "\\u005c").replace("\\b", "\\u0008")
        for sign in "/<>&'+=`\x7f":
            line = line.replace(sign, f"\\u{ord(sign):04X}")
    log = tmp_path / "calls.jsonl"
    log.write_text(line + "\n" + json.dumps(call(1, "other")) + "\n", encoding="utf-8")
    assert steps(llmlog("find", "--text", words, log, "--json")) == [0]


def test_arguments_are_found_in_json_within_json(llmlog: Run, written: Written) -> None:
    asked = {"tool_calls": [{"function": {"arguments": json.dumps({"q": "the zebra\ncrossed"})}}]}
    log = written([call(0, output=asked)])
    for words in ("the zebra", '"q": "the'):
        assert steps(llmlog("find", "--text", words, log, "--json")) == [0]


def test_a_line_that_only_looks_alike_is_no_match(llmlog: Run, written: Written) -> None:
    log = written(
        [call(0, "zebra", model="m", name="crossed"), call(1, extra={"input": "zebra x"})]
    )
    done = llmlog("find", "--text", "zebra x", log, "--json")
    assert (done.code, done.out) == (1, "")
    assert "no content and no error text contains zebra x" in done.err


def test_blocks_lines_across_them_and_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    lines = [("zebra " if n % 7 == 0 else "") + "x" * (n * 13 % 90) for n in range(300)]
    expected = [(n + 1, lines[n].encode()) for n in range(299, -1, -1) if n % 7 == 0]
    for end in ("\n", ""):
        log.write_text("\n".join(lines) + end)
        for size in (1, 50, 64, 1_000, 2**18):
            monkeypatch.setattr(line_search, "BLOCK_BYTES", size)
            assert [tuple(each) for part in scan(log, "zebra") for each in part] == expected


def test_bytes_that_are_no_utf_8_hide_nothing(llmlog: Run, tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    torn = b'{"model": "m", "input": "\xff\xfe"}\n{"torn\n'
    log.write_bytes(b"\xef\xbb\xbf" + json.dumps(call(0, "a zebra")).encode() + b"\n" + torn)
    assert steps(llmlog("find", "--text", "zebra", log, "--json")) == [0]
    assert line_search.matching_lines(log.read_bytes(), "torn") == [(2, b'{"torn')]


def test_a_text_cut_inside_an_emoji_is_printed_as_json(llmlog: Run, written: Written) -> None:
    cut = {"role": "user", "content": "a zebra \ud83d"}
    log = written([call(0, "zebra"), call(1, [cut], error_message="half \udc00")])
    raw = log.with_name("raw")
    assert llmlog("archive", log, "--to", raw, "--raw").code == 0
    for name in (log, raw):
        last, first = found(llmlog("find", "--text", "zebra", "--json", name))
        assert (last["excerpt"], first["excerpt"]) == ("a zebra \ufffd", "zebra")
        assert len(found(llmlog("find", "--text", "half", "--json", name))) == 1
        (run,) = found(llmlog("traces", "--json", name))
        assert run["name"] == "zebra"


def test_a_run_whose_first_words_are_cut_inside_an_emoji_has_a_name(
    llmlog: Run, written: Written
) -> None:
    log = written([call(0, "a zebra \ud83d")])
    assert "a zebra \ufffd" in llmlog("traces", log).out


def test_rotated_and_compressed_parts_are_searched_newest_file_first(
    llmlog: Run, tmp_path: Path
) -> None:
    text = [json.dumps(call(n, f"zebra {n}")) + "\n" for n in range(6)]
    with gzip.open(tmp_path / "calls.jsonl.2.gz", "wt") as file:
        file.writelines(text[:2])
    (tmp_path / "calls.jsonl.1").write_text("".join(text[2:4]))
    (tmp_path / "calls.jsonl").write_text("".join(text[4:]))
    for age, name in enumerate(["calls.jsonl", "calls.jsonl.1", "calls.jsonl.2.gz"]):
        os.utime(tmp_path / name, (10_000 - age, 10_000 - age))
    assert steps(llmlog("find", "--text", "zebra", tmp_path, "--json")) == [5, 4, 3, 2, 1, 0]
    (record, *_) = found(llmlog("find", "--text", "zebra 1", tmp_path, "--json"))
    assert (Path(record["file"]).name, record["line"]) == ("calls.jsonl.2.gz", 2)


def test_other_tools_logs_are_searched_by_their_formats(
    llmlog: Run, tmp_path: Path, root: Path
) -> None:
    log = tmp_path / "litellm.jsonl"
    shutil.copy(root / "tests/formats/samples/litellm.jsonl", log)
    words = json.loads(log.read_text().splitlines()[0])["messages"][0]["content"]
    done = llmlog("find", "--text", words[:20], log, "--json")
    record = json.loads(done.out.splitlines()[0])
    assert (record["format"], record["found_in"]) == ("LiteLLM", "input")


def test_where_narrows_the_matches(llmlog: Run, written: Written) -> None:
    log = written([call(n, "zebra", latency_ms=n) for n in range(5)])
    done = llmlog("find", "--text", "zebra", log, "--json", "--where", "latency_ms > 2")
    assert steps(done) == [4, 3]
    average = "latency_ms > avg(latency_ms)"
    assert is_refused(llmlog("find", "--text", "zebra", log, "--where", average), "no aggregates")
    assert is_refused(llmlog("find", "--text", "zebra", log, "--where", "nope = 1"), "no column")


@pytest.mark.parametrize("name", ["calls.jsonl", "calls.jsonl.gz", ""])
def test_last_narrows_the_records_that_are_searched(llmlog: Run, tmp_path: Path, name: str) -> None:
    text = "".join(json.dumps(call(n, "zebra" if n % 2 else "horse")) + "\n" for n in range(6))
    (tmp_path / (name or "calls.jsonl")).write_bytes(
        gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    )
    last = ("find", "--text", "zebra", tmp_path / name, "--json", "--last", "4")
    assert steps(llmlog(*last)) == [5, 3]
    assert steps(llmlog(*last, "--where", "step > 3")) == [5]


def test_a_log_is_calls_jsonl_if_none_is_named(
    llmlog: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_refused(llmlog("find", "--text", "zebra"), "there is no calls.jsonl here")
    Path("calls.jsonl").write_text(json.dumps(call(0, "zebra")) + "\n")
    assert steps(llmlog("find", "--text", "zebra", "--json")) == [0]


def test_bad_usage_is_one_line(llmlog: Run, written: Written, tmp_path: Path) -> None:
    log = written([call(0)])
    assert is_refused(llmlog("find", "--text", " ", log), "no words to search for")
    assert is_refused(llmlog("find"), "Missing argument 'ID'")
    assert is_refused(llmlog("find", "--text", "x", tmp_path / "none.jsonl"), "none.jsonl")


def test_an_excerpt_is_short() -> None:
    excerpt = TextQuery("b").excerpt({"input": "a" * 500 + "b" + "c" * 500})
    assert excerpt is not None
    assert excerpt.text == "…" + "a" * 60 + "b" + "c" * 60 + "…"
