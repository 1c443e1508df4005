"""Draw every view at every size and theme, as contact sheets to look at.

    python -m tests.pictures.views /tmp/sheets --size 80x24 --theme dark

One PNG has some views of one size and theme; Chromium draws it from the SVGs of Textual.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import html
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from textual.pilot import Pilot

from llmlog_tui.config.settings import Settings
from llmlog_tui.tui.app import LogApp

SIZES: Final = {"80x24": 6, "120x35": 2, "160x50": 1, "250x60": 1}
"""Size -> views a sheet, so that text stays readable."""
THEMES: Final = ("dark", "light", "no-color")
_SHEET_WIDTH: Final = 1_560
_SAMPLES: Final = Path(__file__).parents[2] / "sample_logs"


@dataclass(frozen=True)
class Scene:
    """A view of one of the logs, reached from the Overview by `keys`."""

    name: str
    keys: Sequence[str] = ()
    log: str = "sample"


SCENES: Final = (
    Scene("overview"),
    Scene("overview by session", ("B",)),
    Scene("overview find", ("/", *"gpt", "enter")),
    Scene("overview filter", ("f", *"latency_ms > 3000", "enter")),
    Scene("zoomed traces", ("z",)),
    Scene("zoomed timeline", ("tab", "z")),
    Scene("zoomed calls", ("tab", "tab", "z")),
    Scene("zoomed alerts", ("tab", "tab", "tab", "z")),
    Scene("calls", ("2",)),
    Scene("calls drawer", ("2", "enter")),
    Scene("record", ("2", "enter", "r")),
    Scene("columns", ("2", "S")),
    Scene("trends", ("3",)),
    Scene("trends cursor", ("3", *"hhhhhhhh")),
    Scene("alerts", ("4",)),
    Scene("sql", ("5",)),
    Scene("sql result", ("5", "ctrl+o", "ctrl+r")),
    Scene("sql chart", ("5", *["ctrl+o"] * 5, "ctrl+r", "escape", "v")),
    Scene("server without", ("6",)),
    Scene("replay", ("enter",)),
    Scene("diff", ("d", "k", "k", "d")),
    Scene("copy menu", ("y",)),
    Scene("bookmarks", ("m", "'")),
    Scene("saved filters", ("F",)),
    Scene("help", ("?",)),
    Scene("palette", (":",)),
    Scene("help, next page", ("?", "pagedown")),
    Scene("find typed", ("/", *"gpt")),
    Scene("filter typed", ("f", *"extra.")),
    Scene("filter refused", ("f", *"nope > 1", "enter")),
    Scene("filter saved", ("f", *"latency_ms > 900", "ctrl+s", *"slow", "enter")),
    Scene("trends by tag", ("3", "b", "M")),
    Scene("sql bars", ("5", "ctrl+r", "escape", "v")),
    Scene("sql columns", ("5", "ctrl+t")),
    Scene("raw line", ("2", "enter", "v")),
    Scene("in flight", log="flight"),
    Scene("in flight by session", ("B",), log="flight"),
    Scene("as written", ("enter", "tab", "v"), log="content"),
    Scene("demo overview", log="demo"),
    Scene("demo calls", ("2", "G"), log="demo"),
    Scene("demo trends", ("3",), log="demo"),
    Scene("demo alerts", ("4",), log="demo"),
    Scene("demo replay", ("enter", "h"), log="demo"),
    Scene("content overview", log="content"),
    Scene("conversation", ("enter", "tab"), log="content"),
    Scene("conversation zoomed", ("enter", "tab", "z"), log="content"),
    Scene("content search", ("/", *"refund", "enter"), log="content"),
    Scene("content diff", ("d", "k", "d", "enter"), log="content"),
    Scene("server", ("6", *"hhhhhhhhhhhhhhhhhhhh"), log="server"),
    Scene("server values", ("6", "v", "v", "v"), log="server"),
    Scene("server slow call", ("2", "P", "enter"), log="server"),
    Scene("torn log", log="torn"),
    Scene("empty log", log="empty"),
    Scene("no log yet", log="absent"),
)


def _write_logs(folder: Path) -> dict[str, Path]:
    """Write the logs of the scenes; return them by name."""
    program = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"
    demo = folder / "demo.jsonl"
    arguments = ["demo", "--out", str(demo), "--runs", "200", "--seed", "3"]
    subprocess.run([sys.executable, "-c", program, *arguments], check=True, capture_output=True)
    for name in ("content", "server", "empty", "flight"):
        (folder / f"{name}.jsonl").touch()
    (folder / "content.jsonl").write_bytes(b"".join(_content_lines()))
    (folder / "flight.jsonl").write_bytes(b"".join(_flight_lines()))
    calls, samples = _server_lines()
    (folder / "server.jsonl").write_bytes(b"".join(calls))
    (folder / "server.jsonl.metrics").write_bytes(b"".join(samples))
    for name in ("calls", "torn"):
        (folder / f"{name}.jsonl").write_bytes((_SAMPLES / f"{name}.jsonl").read_bytes())
    names = ("demo", "content", "server", "empty", "torn", "absent", "flight")
    return {"sample": folder / "calls.jsonl", **{name: folder / f"{name}.jsonl" for name in names}}


def _line(**fields: object) -> bytes:
    known = {"event": "chat_completion", "session_id": "5e551011", "status": "ok"}
    return json.dumps({**known, **fields}).encode() + b"\n"


def _content_lines() -> Iterator[bytes]:
    """Yield three runs of an agent with tools, named and with content."""
    system = {"role": "system", "content": "You are a refund agent. Follow the policy. " * 8}
    arguments = json.dumps({"query": "refund policy"})
    call = {"id": "call-1", "function": {"name": "search_docs", "arguments": arguments}}
    for run, order in enumerate(("4711", "4712", "4713")):
        user = {
            "role": "user",
            "content": f"My order {order} arrived broken. I want my money back.",
        }
        asks = {"role": "assistant", "content": None, "tool_calls": [call]}
        found = {"role": "tool", "tool_call_id": "call-1", "content": "3 documents on refunds"}
        answer = {
            "role": "assistant",
            "reasoning_content": "The customer wants a refund. The policy allows 30 days.",
            "content": f"# Refund of {order}\nYour order can be **refunded** within *30 days*.\n\n"
            "| step | who |\n|---|---|\n| label | us |\n| parcel | you |\n\n```sh\ncurl -X POST"
            f" https://shop.example/refunds/{order}\n```",
        }
        ids = {"trace_id": f"a9e47{run:03}", "trace_name": "refund-agent"}
        usage = {"prompt_tokens": 812, "completion_tokens": 61, "model": "gpt-5-mini"}
        yield _line(
            **ids, **usage, ts=f"2026-11-23T09:{run:02}:00Z", step=0, latency_ms=740,
            span_id=f"{run}1", finish_reason="tool_calls", tool_calls=["search_docs"],
            input=[system, user], output=asks,
        )  # fmt: skip
        yield _line(
            **ids, event="tool_call", ts=f"2026-11-23T09:{run:02}:01Z", step=1, latency_ms=220,
            span_id=f"{run}2", tool_name="search_docs", tool_call_id="call-1",
            input={"query": "refund policy"}, output="3 documents on refunds",
        )  # fmt: skip
        yield _line(
            **ids, **usage, ts=f"2026-11-23T09:{run:02}:02Z", step=2, latency_ms=2_900 - run * 900,
            span_id=f"{run}3", finish_reason="length" if run == 1 else "stop", output=answer,
            input=[system, user, asks, found], max_tokens=61 if run == 1 else 400,
        )  # fmt: skip


def _flight_lines() -> Iterator[bytes]:
    """Yield a run that ended, one whose calls and tools run, and one whose process is gone."""
    now = datetime.now(UTC)
    known = {"session_id": "5e551011", "requested_model": "gpt-5-mini"}
    begun: tuple[tuple[int, int, dict[str, object]], ...] = (
        (7_200, 0, {"event": "start", "trace_name": "nightly-import"}),
        (95, 0, {"latency_ms": 1_840, "model": "gpt-5-mini", "trace_name": "refund-agent"}),
        (9, 0, {"latency_ms": 2_100, "model": "gpt-5-mini", "trace_name": "refund-agent"}),
        (6, 1, {"event": "start", "tool_name": "search_docs"}),
        (4, 2, {"event": "start"}),
    )
    for run, (seconds, step, fields) in enumerate(begun):
        ts = (now - timedelta(seconds=seconds)).isoformat()
        ids = {"trace_id": f"f119{min(run, 2):04}", "span_id": f"f{run}", "step": step}
        yield _line(**{**known, **ids, "ts": ts, **fields})


def _server_lines() -> tuple[list[bytes], list[bytes]]:
    """Return ten minutes of calls to a server that fills up, and its samples."""
    calls, samples = [], []
    for second in range(0, 600, 2):
        ts = f"2026-11-23T09:{second // 60:02}:{second % 60:02}Z"
        waiting = max(0, min(14, (second - 240) // 15)) if second < 480 else 0
        ids = {"trace_id": f"7ace{second // 8:04}", "step": second // 2 % 4, "span_id": f"{second}"}
        calls.append(
            _line(
                **ids, ts=ts, provider="10.0.0.7", stream=True, ttft_ms=120 + 310 * waiting,
                latency_ms=300 + second % 14 * 10 + 320 * waiting, model="gpt-oss-120b",
                completion_tokens=80, prompt_tokens=900, finish_reason="stop",
            )
        )  # fmt: skip
        sample = {
            "ts": ts,
            "url": "http://10.0.0.7:8000/metrics",
            "kind": "vLLM",
            "running": min(8, 2 + second // 60 % 3 + waiting),
            "waiting": waiting,
            "kv_cache": min(0.97, 0.3 + 0.06 * waiting),
            "preemptions": int(waiting > 10),
            "tokens_per_sec": 400 + 220 * min(8, waiting),
            "prompt_tokens_per_sec": 900.0,
            "ttft_p95_ms": 180 + 330 * waiting,
            "queue_p95_ms": 10 + 300 * waiting,
        }
        samples.append(json.dumps(sample).encode() + b"\n")
    return calls, samples


@contextlib.asynccontextmanager
async def _running(log: Path, size: tuple[int, int], theme: str) -> AsyncIterator[Pilot[Any]]:
    app = LogApp([log], settings=Settings(theme="light" if theme == "light" else "dark"))
    async with app.run_test(size=size, notifications=True) as pilot:
        yield pilot


async def _settled(pilot: Pilot[Any]) -> None:
    """Wait until the log is read and all questions are answered."""
    app = pilot.app
    assert isinstance(app, LogApp)
    for _ in range(100):
        await pilot.pause(0.05)
        waits = app.overview is None and app.status.progress.there
        if not waits and not app.busy:
            break
    await pilot.pause(0.2)


async def _draw(scene: Scene, log: Path, size: tuple[int, int], theme: str) -> str:
    """Return a view as SVG."""
    async with _running(log, size, theme) as pilot:
        await _settled(pilot)
        for key in scene.keys:
            await pilot.press(_NAMES.get(key, key))
            await pilot.pause(0.05)
            if key in _ASKS:  # the next key is for its result
                await _settled(pilot)
        await _settled(pilot)
        return str(pilot.app.export_screenshot())


_NAMES: Final = {
    "/": "slash",
    "?": "question_mark",
    ":": "colon",
    "'": "apostrophe",
    " ": "space",
    ">": "greater_than_sign",
    ".": "full_stop",
    "_": "underscore",
}


_ASKS: Final = ("enter", "ctrl+r")
"""Keys whose results take a while."""


def _sheet(pictures: Mapping[str, str], columns: int, height: int, out: Path) -> None:
    """Write pictures as one PNG, `height` pixels each, with their names above them."""
    width = _SHEET_WIDTH // columns
    with tempfile.TemporaryDirectory(prefix="llmlog-sheet-") as folder:
        cells = []
        for n, (name, svg) in enumerate(pictures.items()):
            Path(folder, f"{n}.svg").write_text(svg)
            title = f"<div style='font:14px sans-serif'>{html.escape(name)}</div>"
            image = f"<img src='{n}.svg' width={width - 4} height={height - 4}>"
            cells.append(f"<div style='width:{width}px'>{title}{image}</div>")
        body = f"<div style='display:flex;flex-wrap:wrap;width:{_SHEET_WIDTH}px'>{''.join(cells)}"
        page = Path(folder, "sheet.html")
        page.write_text(f"<meta charset=utf-8><body style='margin:0;background:#888'>{body}</div>")
        rows = math.ceil(len(pictures) / columns)
        window = f"--window-size={_SHEET_WIDTH},{rows * (height + 18)}"
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        shot = [window, f"--screenshot={out}", page.as_uri()]
        subprocess.run([*command, *shot], check=True, capture_output=True)


def _draw_all(
    size: str, theme: str, only: str, logs: Mapping[str, Path]
) -> Iterator[tuple[str, str]]:
    columns, _, rows = size.partition("x")
    for scene in SCENES:
        if only in scene.name:
            yield (
                scene.name,
                asyncio.run(_draw(scene, logs[scene.log], (int(columns), int(rows)), theme)),
            )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path, help="folder of the sheets")
    options.add_argument("--size", choices=SIZES, action="append")
    options.add_argument("--theme", choices=THEMES, action="append")
    options.add_argument("--only", default="", help="part of a view's name")
    options.add_argument("--per-sheet", type=int, default=0)
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="llmlog-views-") as folder:
        logs = _write_logs(Path(folder))
        os.chdir(folder)
        os.environ["XDG_CONFIG_HOME"] = folder  # filters of the user's own are none of these
        for theme in given.theme or THEMES:
            os.environ.pop("NO_COLOR", None)
            if theme == "no-color":
                os.environ["NO_COLOR"] = "1"
            for size in given.size or SIZES:
                pictures = [*_draw_all(size, theme, given.only, logs)]
                many = given.per_sheet or SIZES[size]
                columns = 1 if many <= 2 else 2 if many <= 6 else 3
                wide, high = (int(part) for part in size.split("x"))
                height = round(_SHEET_WIDTH / columns / (wide * 12.2 + 20) * (high * 24.4 + 60))
                for at in range(0, len(pictures), many):
                    out = given.out / f"{size}-{theme}-{at // many:02}.png"
                    _sheet(dict(pictures[at : at + many]), columns, height, out)
                    sys.stdout.write(
                        f"{out}: {', '.join(n for n, _ in pictures[at : at + many])}\n"
                    )


if __name__ == "__main__":
    main()
