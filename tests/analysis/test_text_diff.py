"""Text diffs, and the first difference of two steps."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.analysis.traces.step_diff import step_diff
from llmlog_tui.analysis.traces.text_diff import Run, text_diff


def marked(runs: tuple[Run, ...] | None) -> str | None:
    return None if runs is None else "".join(f"<{t}>" if d else t for t, d in runs)


def drawn(a: str, b: str) -> list[tuple[str | None, str | None]]:
    return [(marked(line.a), marked(line.b)) for line in text_diff(a, b)]


def test_only_the_words_that_differ_are_marked() -> None:
    assert drawn("30 days of delivery, with it", "30 days of purchase, with it") == [
        ("30 days of <delivery>, with it", "30 days of <purchase>, with it")
    ]


def test_a_line_that_was_added_is_beside_nothing_and_changed_lines_find_each_other() -> None:
    assert drawn("a\nsend us the photo\nz", "a\nnew\nsend us a photo\nz") == [
        ("a", "a"),
        (None, "<new>"),
        ("send us <the> photo", "send us <a> photo"),
        ("z", "z"),
    ]


def test_lines_with_little_alike_differ_as_a_whole() -> None:
    assert drawn("one two three", "four five six") == [("<one two three>", "<four five six>")]


@given(st.text("ab \n", max_size=40), st.text("ab \n", max_size=40))
def test_both_texts_are_complete_in_their_diff(a: str, b: str) -> None:
    lines = text_diff(a, b)
    for side, text in (("a", a), ("b", b)):
        found = [runs for line in lines if (runs := getattr(line, side)) is not None]
        assert "\n".join("".join(run.text for run in runs) for runs in found) == text
    for line in lines:
        if not line.differs:
            assert line.a == line.b


def call(said: list[str], answer: str = "x", **fields: object) -> bytes:
    messages = [{"role": "user", "content": text} for text in said]
    record = {"event": "chat_completion", "input": messages, "output": {"content": answer}}
    return json.dumps({**record, **fields}).encode()


def test_calls_differ_by_their_first_differing_message_then_by_others_and_the_answer() -> None:
    found = step_diff(call(["a", "b", "c"], "x"), call(["a", "B", "c", "d"], "y"))
    assert (found.what, found.a, found.b, found.same) == ("message 1 (user)", "b", "B", 1)
    assert found.more == (("message 3 (user)", "", "d"), ("answer", "x", "y"))
    same = step_diff(call(["a"]), call(["a"]))
    assert (same.what, same.a == same.b, same.more) == ("the content is the same", True, ())


def test_tools_and_embeddings_differ_by_input_and_output() -> None:
    def tool(query: str, result: str, event: str) -> bytes:
        return json.dumps({"event": event, "input": {"q": query}, "output": result}).encode()

    for event in ("tool_call", "embedding"):
        found = step_diff(tool("a", "1", event), tool("b", "2", event))
        assert (found.what, found.a, found.b) == ("input", "q: a", "q: b")
        assert found.more == (("output", "1", "2"),)


def test_without_content_it_is_what_the_hashes_tell() -> None:
    def hashed(*hashes: str) -> bytes:
        return json.dumps({"event": "chat_completion", "prefix_hashes": hashes}).encode()

    tells = [
        step_diff(hashed("a", "b"), hashed("a", "c")),
        step_diff(hashed("a"), hashed("a")),
        step_diff(hashed("a"), hashed("a", "b")),
        step_diff(b"{}", b"{}"),
        step_diff(call(["a"]), hashed("a")),
        step_diff(None, hashed("a")),
    ]
    assert [found.what for found in tells] == [
        "by their hashes, prompts differ from message 1 on",
        "by their hashes, the prompts are the same (1 message)",
        "by their hashes, B continues the other's prompt after message 0",
        "no content and no hashes were logged",
        "only A was logged with content",
        "the line of A can no longer be read",
    ]
    assert not any(found.is_without_content for found in tells), "llmlog did not write them"
    ours = b'{"v": 1, "event": "chat_completion"}'
    assert step_diff(ours, ours).is_without_content
    assert all(found.places == () for found in tells)
