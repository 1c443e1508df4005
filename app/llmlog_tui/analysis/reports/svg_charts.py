"""Charts as inline SVG: series over time, and the timeline of one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from llmlog_tui import humanize, scale
from llmlog_tui.analysis.reports.html_page import Html, element, joined
from llmlog_tui.analysis.traces.timeline import Step, Timeline

_WIDTH, _HEIGHT = 560, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 8, 24, 22
"""Pixels around the area of a chart, for labels and the legend."""

_STYLES: Final = ("blue", "green dashed", "purple dotted", "bad")
"""Classes of series, which differ without colour, too."""


@dataclass(frozen=True)
class Series:
    """Values over time, one per slice, None where unknown; `is_bad` draws them as failures."""

    name: str
    values: Sequence[float | None]
    is_bad: bool = False


@dataclass(frozen=True)
class TimeAxis:
    """The time from `begin` to `end`, and the times of alerts in it."""

    begin: datetime
    end: datetime
    marks: Sequence[datetime] = ()

    def x(self, when: datetime) -> float:
        share = (when - self.begin) / (self.end - self.begin)
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def chart(
    title: str,
    series: Sequence[Series],
    axis: TimeAxis,
    label: Callable[[float], str],
    *,
    bars: bool = False,
) -> Html:
    """Return a figure of series on one scale from zero, as lines or bars.

    With `bars`, a second series is a part of the first, drawn in front of it.
    """
    known = [value for each in series for value in each.values if value is not None]
    if not known:
        return _figure(title, element("p", "no values", _class="dim"))
    top = scale.round_up(max(known))
    drawn = _bars if bars else _lines
    parts = [
        *_grid(top, label),
        *_times(axis),
        *drawn(series, top),
        *(
            element("line", x1=_px(x), x2=_px(x), y1=_TOP, y2=_HEIGHT - _BOTTOM, _class="mark")
            for x in map(axis.x, axis.marks)
        ),
        *_legend(series, bars=bars),
    ]
    return _figure(title, _svg(_WIDTH, _HEIGHT, parts, title))


def _figure(title: str, content: Html) -> Html:
    return element("figure", element("figcaption", title), content)


def _svg(width: int, height: int, parts: Sequence[Html], title: str) -> Html:
    return element("svg", *parts, viewBox=f"0 0 {width} {height}", role="img", aria_label=title)


def _px(number: float) -> str:
    return f"{number:.1f}"


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - min(value / top, 1) * (_HEIGHT - _TOP - _BOTTOM)


def _grid(top: float, label: Callable[[float], str]) -> Iterator[Html]:
    for share in (0, 0.5, 1):
        y = _y(top * share, top)
        yield element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=_px(y), y2=_px(y), _class="grid")
        shown = "0" if share == 0 else label(top * share)
        yield element("text", shown, x=_LEFT - 6, y=_px(y + 4), text_anchor="end")


def _lines(series: Sequence[Series], top: float) -> Iterator[Html]:
    for style, each in zip(_styles(series), series, strict=True):
        for points in _runs(each.values):
            line = " ".join(f"{_px(x)},{_px(_y(value, top))}" for x, value in points)
            yield element("polyline", points=line, _class=f"line {style}")
            if len(points) == 1:
                (x, value), fill = points[0], f"fill-{style.split()[0]}"
                yield element(
                    "circle", cx=_px(x), cy=_px(_y(value, top)), r=2, _class=f"point {fill}"
                )


def _styles(series: Sequence[Series]) -> list[str]:
    calm = iter(_STYLES)
    return ["bad dotted" if each.is_bad else next(calm) for each in series]


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[float, float]]]:
    """Yield (x, value) of each stretch of known values."""
    run: list[tuple[float, float]] = []
    for index, value in enumerate(values):
        if value is not None and math.isfinite(value):
            run.append((_slice_x(index + 0.5, len(values)), value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _slice_x(index: float, slices: int) -> float:
    return _LEFT + index / slices * (_WIDTH - _LEFT - _RIGHT)


def _bars(series: Sequence[Series], top: float) -> Iterator[Html]:
    for each in series:
        width = max((_WIDTH - _LEFT - _RIGHT) / len(each.values) - 1, 0.5)
        for index, value in enumerate(each.values):
            if value:
                y = _y(value, top)
                yield element(
                    "rect", x=_px(_slice_x(index, len(each.values))), y=_px(y), width=_px(width),
                    height=_px(_HEIGHT - _BOTTOM - y),
                    _class="fill-bad" if each.is_bad else "fill-blue",
                )  # fmt: skip


def _legend(series: Sequence[Series], *, bars: bool) -> Iterator[Html]:
    """Yield the names of several series, each with a sample, above the chart."""
    x = float(_LEFT)
    for style, each in zip(_styles(series), series, strict=True):
        if len(series) == 1:
            return
        if bars:
            yield element(
                "rect", x=_px(x), y=6, width=12, height=8, _class=f"fill-{style.split()[0]}"
            )
        else:
            yield element("line", x1=_px(x), x2=_px(x + 22), y1=10, y2=10, _class=f"line {style}")
        x += 18 if bars else 28
        yield element("text", each.name, x=_px(x), y=14, _class="name")
        x += 7 * len(each.name) + 18


_MAX_LABELS: Final = 6


def _times(axis: TimeAxis) -> Iterator[Html]:
    """Yield labels at round local times."""
    begin, end = humanize.local(axis.begin), humanize.local(axis.end)
    for when in scale.round_times(begin, end, _MAX_LABELS):
        shown = scale.time_tick(when, begin, end)
        x = axis.x(when)
        yield element("line", x1=_px(x), x2=_px(x), y1=_HEIGHT - _BOTTOM,
                      y2=_HEIGHT - _BOTTOM + 4, _class="grid")  # fmt: skip
        yield element("text", shown, x=_px(x), y=_HEIGHT - 6, text_anchor=_anchor(x))


def _anchor(x: float) -> str:
    near = 30
    return "end" if x > _WIDTH - _RIGHT - near else "middle"


_ROW: Final = 20
_NAMES: Final = 240
_TIMELINE_WIDTH: Final = 1_100
_MAX_NAME: Final = 34
MAX_STEPS: Final = 300
"""Maximum steps that a timeline draws."""


def timeline_chart(timeline: Timeline) -> Html:
    """Return the steps of a run as bars: wait, time to first token, answer."""
    steps = timeline.steps[:MAX_STEPS]
    span = max((step.end for step in timeline.steps), default=0.0) or 1.0
    rows = [joined(_step_row(step, index, span)) for index, step in enumerate(steps, 1)]
    height = len(steps) * _ROW + _ROW + 24
    axis = [_time_label(share, span, height) for share in (0, 0.25, 0.5, 0.75, 1)]
    return element(
        "figure", _svg(_TIMELINE_WIDTH, height, [*_key(), *rows, *axis], "timeline of the run")
    )


_KEY: Final = (
    ("fill-blue", "answer"),
    ("fill-green", "tool"),
    ("fill-purple", "until the first token"),
    ("fill-grey", "waiting for a retry"),
    ("fill-bad", "failed"),
)
"""Classes of the parts of a step, and their names."""


def _key() -> Iterator[Html]:
    x = _NAMES
    for style, name in _KEY:
        yield element("rect", x=x, y=4, width=12, height=8, _class=style)
        yield element("text", name, x=x + 18, y=12)
        x += 6 * len(name) + 42


def _time_label(share: float, span: float, height: int) -> Html:
    shown = humanize.duration(span * share) if share else "0"
    anchor = "end" if share == 1 else "middle"
    return element("text", shown, x=_px(_at(span * share, span)), y=height - 6, text_anchor=anchor)


def _at(ms: float, span: float) -> float:
    return _NAMES + ms / span * (_TIMELINE_WIDTH - _NAMES - _RIGHT)


def _step_row(step: Step, index: int, span: float) -> Iterator[Html]:
    y = index * _ROW
    mark = "✗ " if step.failed else "┤ " if step.cut_off else ""
    number = "" if step.step is None else f"{step.step} "
    name = f"{number}{step.branch}{mark}{step.name}"
    shown = name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"
    yield element("text", shown, x=0, y=y + 14, _class="name")
    answer = (
        "fill-bad" if step.failed else "fill-green" if step.event == "tool_call" else "fill-blue"
    )
    parts = (
        (step.start, step.waited, "fill-grey"),
        (step.waited, step.answer, "fill-purple"),
        (step.answer, step.end, answer),
    )
    for begin, end, style in parts:
        if end > begin or (style == answer and step.end == step.start):
            x = _at(begin, span)
            width = max(_at(end, span) - x, 1.5)
            yield element(
                "rect", x=_px(x), y=y + 4, width=_px(width), height=_ROW - 8, _class=style
            )
    took = humanize.duration(step.latency_ms)
    end, gap = _at(step.end, span), 6
    fits = end + gap + 7 * len(took) < _TIMELINE_WIDTH
    x = end + gap if fits else _at(step.start, span) - gap
    yield element("text", took, x=_px(x), y=y + 14, text_anchor="start" if fits else "end")
