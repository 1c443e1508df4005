"""Files of other tools, and wrapped ones, on screen while they grow line by line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.formats.otlp import CHAT, ROOT, TRACE, envelope, span
from tests.formats.test_claude_code import answer, prompt, result, use
from tests.formats.wrappers import docker_split
from tests.tui.conftest import WIDE, Shown, Until, overview_of, record

from llmlog_tui.log import reader
from llmlog_tui.tui.app import LogApp

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _incomplete_records_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "QUIET_S", 0.0)


def append(log: Path, *lines: bytes | Json) -> None:
    written = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    with log.open("ab") as file:
        file.write(b"".join(line.rstrip(b"\n") + b"\n" for line in written))


def steps_by_start(app: LogApp, trace_id: str = TRACE) -> list[int]:
    assert app.overview is not None
    of_trace = app.overview.frame.filter(pl.col("trace_id") == trace_id)
    return of_trace.sort("ts", "row")["step"].to_list()


# By their starts: the root is 0, a call a tool's parent, and children come before parents.
SPANS: Sequence[Json] = [
    span({"gen_ai.conversation.id": "conv-1"}, 0, 20, spanId=ROOT, name="handle question"),
    span(CHAT, 1, 9, spanId="1" * 16, parentSpanId=ROOT),
    span({"gen_ai.operation.name": "execute_tool"}, 2, 3, spanId="2" * 16, parentSpanId="1" * 16),
    span(CHAT, 4, 5, spanId="3" * 16, parentSpanId=ROOT),
    span(CHAT, 6, 7, spanId="4" * 16, parentSpanId=ROOT),
]


@pytest.mark.parametrize("order", ["23140", "43210", "01234", "31204"])
async def test_spans_that_come_late_and_out_of_order_have_the_right_steps_in_the_end(
    tmp_path: Path, shown: Shown, until: Until, order: str
) -> None:
    log = tmp_path / "otel.jsonl"
    append(log, envelope(span(CHAT, -9, -8, traceId="a" * 32, spanId="9" * 16)))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 1)
        for each in map(int, order):
            # A batch that is sent twice, between spans of other libraries.
            other = span({"http.method": "GET"}, 30, 31, spanId=f"f{each}" * 8, parentSpanId=ROOT)
            append(log, envelope(SPANS[each], other), envelope(SPANS[each]))
            await until(pilot, lambda: not app_of(pilot).busy, "read so far")
        app = await shown(pilot, 6)
        assert steps_by_start(app) == [0, 1, 2, 3, 4]
        assert app.overview is not None
        of_trace = app.overview.frame.filter(pl.col("trace_id") == TRACE)
        assert of_trace["session_id"].unique().to_list() == ["conv-1"]
        assert app.overview.traces.height == 2
        rows = [step.step for step in app.overview.timeline(TRACE).steps]
        assert rows == [0, 1, 2, 3, 4]


def app_of(pilot: Any) -> LogApp:  # noqa: ANN401 - Pilot[None]
    assert isinstance(pilot.app, LogApp)
    return pilot.app


async def test_a_session_of_claude_code_is_on_screen_call_by_call_while_it_grows(
    tmp_path: Path, shown: Shown
) -> None:
    log = tmp_path / "session.jsonl"
    append(log, prompt("u-1", 0))
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        await shown(pilot, 0)
        append(log, answer("a-1", 2, "msg-1"))
        append(log, answer("a-2", 3, "msg-1", use("toolu-1", "Bash"), stop="tool_use", output=9))
        app = await shown(pilot, 1)
        append(log, result("u-2", 5, "toolu-1"))
        await shown(pilot, 2)
        append(log, answer("a-3", 7, "msg-2"))
        append(log, answer("a-3", 7, "msg-2"), answer("a-4", 8, "msg-2", stop="end_turn", output=4))
        await shown(pilot, 3)
        append(log, prompt("u-3", 20), answer("a-5", 21, "msg-3", stop="end_turn"))
        await shown(pilot, 4)
        assert app.overview is not None
        frame = app.overview.frame.sort("ts")
        assert frame["event"].to_list() == [
            "chat_completion", "tool_call", "chat_completion", "chat_completion",
        ]  # fmt: skip
        assert frame["step"].to_list() == [0, 1, 2, 0]
        assert frame["completion_tokens"].to_list() == [9, None, 4, 2]
        assert frame["trace_id"].n_unique() == 2
        assert overview_of(app).overview is app.overview


async def test_a_wrapped_log_of_ours_grows_by_parts_of_lines(
    tmp_path: Path, shown: Shown, until: Until
) -> None:
    log = tmp_path / "container-json.log"
    first, second = (docker_split(record(step=step).rstrip()) for step in range(2))
    append(log, *first, b'{"log":"listening on :80\\n","stream":"stdout","time":"x"}')
    async with LogApp([log]).run_test(size=WIDE) as pilot:
        app = await shown(pilot, 1)
        for part in second[:-1]:
            append(log, part)
        await until(pilot, lambda: not app.busy, "read so far")
        assert app.records_shown == 1, "half a record is none"
        append(log, second[-1])
        await shown(pilot, 2)
        assert steps_by_start(app, "t") == [0, 1]
        assert app.overview is not None
        counts = app.overview.snapshot.counts
        assert (counts.lines, counts.skipped.total()) == (len(first) + len(second) + 1, 1)
