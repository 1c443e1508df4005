"""Record README's animation: the dashboard on a simulated agent, walked through by its keys.

    python -m tests.pictures .github/images/demo.gif

Textual draws a frame as SVG, Chromium (which honours textLength, as browsers do) renders it, and
Pillow joins the frames to a GIF of one palette.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageColor
from textual.pilot import Pilot

from llmlog_tui.tui.app import LogApp
from llmlog_tui.tui.theme import DARK

_SIZE: Final = (124, 36)
_RATE: Final = "6"
_SEED: Final = "7"
_WIDTH: Final = 1_000
_COLOURS: Final = 64
_NAMED: Final = tuple(
    filter(None, (DARK.secondary, DARK.accent, DARK.warning, DARK.error, DARK.success))
)
"""Colours of signs, which few cells have."""


@dataclass(frozen=True)
class Scene:
    """Keys pressed at once, then what is on screen for `seconds`, in `frames` pictures."""

    keys: tuple[str, ...]
    seconds: float
    frames: int = 1


_SCENES: Final = (
    Scene((), 4.0, 8),  # runs arrive
    Scene(("E",), 1.5),  # the newest failed call
    Scene(("t",), 2.0),  # its run
    Scene(("enter",), 1.5),  # replayed
    Scene(("space",), 3.0, 6),
    Scene(("escape", "3"), 3.0),
    Scene(("4",), 3.0),
    Scene(("5", *["ctrl+o"] * 5, "ctrl+r"), 1.5),  # latency over time, by model
    Scene(("escape", "v"), 3.0),  # as a chart
    Scene(("1", "end"), 2.0, 4),
)


@contextlib.contextmanager
def _demo_log() -> Iterator[Path]:
    """Write records of the demo, live, and yield their log."""
    with tempfile.TemporaryDirectory(prefix="llmlog-pictures-") as folder:
        out = Path(folder, "calls.jsonl")
        program = "import sys; from llmlog_tui.cli import headless; sys.exit(headless())"
        arguments = ["demo", "--out", str(out), "--rate", _RATE, "--seed", _SEED]
        demo = subprocess.Popen([sys.executable, "-c", program, *arguments])
        try:
            yield out
        finally:
            demo.terminate()
            demo.wait()


async def _until(pilot: Pilot[Any], is_so: Callable[[], bool]) -> None:
    while not is_so():
        await pilot.pause(0.1)


def _walk(log: Path, warm_up_traces: int) -> list[tuple[str, float]]:
    """Return the frames as SVG, each with the seconds it is shown."""
    app = LogApp([log])
    frames: list[tuple[str, float]] = []

    async def look(pilot: Pilot[Any]) -> None:
        await _until(pilot, lambda: _traces_in(log) >= warm_up_traces)
        for scene in _SCENES:
            await pilot.press(*scene.keys)
            for _ in range(scene.frames):
                await pilot.pause(scene.seconds / scene.frames)
                frames.append((app.export_screenshot(), scene.seconds / scene.frames))
        app.exit()

    app.run(headless=True, size=_SIZE, auto_pilot=look)
    return frames


def _traces_in(log: Path) -> int:
    text = log.read_bytes() if log.exists() else b""
    return len(set(re.findall(rb'"trace_id":\s*"(\w+)"', text)))


def _rendered(svg: str, folder: Path) -> Image.Image:
    """Return an SVG as Chromium shows it, without the frame of a window around it."""
    source, picture = folder / "frame.svg", folder / "frame.png"
    source.write_text(svg)
    match = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert match is not None
    width, height = (round(float(number)) for number in match.groups())
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    shot = [f"--window-size={width},{height}", f"--screenshot={picture}", str(source)]
    subprocess.run([*command, *shot], check=True, capture_output=True)
    return Image.open(picture).convert("RGB")


def _gif(frames: list[tuple[str, float]], out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="llmlog-frames-") as folder:
        pictures = [_rendered(svg, Path(folder)) for svg, _ in frames]
    height = round(pictures[0].height * _WIDTH / pictures[0].width)
    pictures = [picture.resize((_WIDTH, height), Image.Resampling.LANCZOS) for picture in pictures]
    palette = _palette(pictures)
    indexed = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    durations = [round(seconds * 1_000) for _, seconds in frames]
    out.parent.mkdir(parents=True, exist_ok=True)
    indexed[0].save(
        out, save_all=True, append_images=indexed[1:], duration=durations, loop=0, optimize=True
    )


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """Return a palette of the theme's colours, which are rare, and of the most frequent ones."""
    background, *named = (ImageColor.getrgb(name) for name in (DARK.background or "#000", *_NAMED))
    mixed = [
        tuple((one + other) // 2 for one, other in zip(colour, background, strict=True))
        for colour in named
    ]
    frequent = _joined(pictures).quantize(_COLOURS, dither=Image.Dither.NONE).getpalette() or []
    rare = [part for colour in (*named, *mixed) for part in colour]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*rare, *frequent[: 3 * _COLOURS]])
    return palette


def _joined(pictures: list[Image.Image]) -> Image.Image:
    """Return the pictures below each other, so that one palette serves all."""
    width, height = pictures[0].size
    joined = Image.new("RGB", (width, height * len(pictures)))
    for number, picture in enumerate(pictures):
        joined.paste(picture, (0, height * number))
    return joined


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path, help="GIF to write")
    options.add_argument("--warm-up", type=int, default=60, help="runs before the first frame")
    given = options.parse_args()
    with _demo_log() as log:
        frames = _walk(log, given.warm_up)
    _gif(frames, given.out)
    sys.stdout.write(
        f"{given.out}: {len(frames)} frames, {given.out.stat().st_size / 1e6:.2f} MB\n"
    )


if __name__ == "__main__":
    main()
