"""Texts of the Server view: status line, series of the charts, raw values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.widgets.plot import ChartLine

if TYPE_CHECKING:
    from llmlog_tui.analysis.reports.server_trends import ServerTrends
    from llmlog_tui.server.metrics import PollStatus, ServerMetrics
    from llmlog_tui.server.sample import Sample

NO_SERVER: Final = (
    "No server metrics. To poll an inference server:",  # lines that fit into 80 columns
    "  llmlog-tui calls.jsonl --metrics-url http://127.0.0.1:8000/metrics",
    "Its queue, cache and throughput are drawn on the time axis of the calls.",
    "vLLM, SGLang, llama.cpp and the LiteLLM proxy are known;",
    "of other servers, all values are listed.",
)
NOTE: Final = "▲ slow while requests waited"
NO_VALUES: Final = "no values in this time"
_FULL: Final = 0.9
"""Minimum share of the KV cache in use that is marked."""
_EPISODE_SLICES: Final = 16
_MAX_URL: Final = 60
_VALUE: Final = 18
"""Cells of a value, before its name."""
_WIDE_FROM: Final = 100
_NAMES: Final = ("running ", "waiting ", "KV cache ")
_MUTED: Final = "$text-muted"
_BAD: Final = "$text-warning"


def status(metrics: ServerMetrics, url: str, width: int) -> Content:
    """Return the line over the charts: the server, its last poll and sample."""
    poll, samples = metrics.polls.get(url), metrics.samples.get(url, ())
    right = _latest(samples[-1], is_narrow=width < _WIDE_FROM) if samples else Content("")
    urls = metrics.urls
    nth = f" ({urls.index(url) + 1} of {len(urls)})" if len(urls) > 1 else ""
    name = sanitize(url, _MAX_URL)
    short = name.partition("://")[2].removesuffix("/metrics") or name
    kind = f" · {sanitize(samples[-1].kind, 20)}" if samples else ""
    polled = _polled(poll, samples, is_narrow=width < _WIDE_FROM)
    problem = f" · {sanitize(metrics.problem, 60)}"
    warning = (problem if metrics.problem else "", _BAD)
    candidates = (
        Content.assemble((f" {name}", "bold"), (nth + kind, _MUTED), polled, warning),
        Content.assemble((f" {short}", "bold"), (nth + kind, _MUTED), polled, warning),
        Content.assemble((f" {short}", "bold"), (nth, _MUTED), polled),
        Content.assemble((f" {short}{nth}", "bold")),
    )
    room = width - right.cell_length - 2
    left = next((each for each in candidates if each.cell_length <= room), candidates[-1])
    return Content.assemble(left, " " * max(2, width - left.cell_length - right.cell_length), right)


def _polled(poll: PollStatus | None, samples: tuple[Sample, ...], *, is_narrow: bool) -> Content:
    """Return when the server was polled, or why it did not answer."""
    if poll is None and is_narrow:
        return Content.styled(" · recorded", _MUTED)
    if poll is None:
        begin, end = samples[0].ts, samples[-1].ts
        times = f"{humanize.time_point(begin, begin, end)} – {humanize.time_point(end, begin, end)}"
        return Content.styled(f" · recorded {times}, not polled now", _MUTED)
    if poll.polled is None:
        return Content.styled(" · waiting for its first answer", _MUTED)
    when = f"{humanize.local(poll.polled):%H:%M:%S}"
    if poll.why:
        return Content.assemble((f" · ✗ {sanitize(poll.why, 60)}, {when}", "$text-error"))
    return Content.styled(f" · {when}", _MUTED)


def _latest(sample: Sample, *, is_narrow: bool) -> Content:
    """Return `running 8   waiting 11 ▲   KV cache 97% ▲   2,140 tok/s`; ▲ marks trouble."""
    running, waiting, cache = ("run ", "wait ", "KV ") if is_narrow else _NAMES
    parts = (
        (running, sample.running, humanize.integer, False),
        (waiting, sample.waiting, humanize.integer, bool(sample.waiting)),
        (cache, sample.kv_cache, humanize.percent, (sample.kv_cache or 0) >= _FULL),
        ("", sample.tokens_per_sec, lambda value: f"{humanize.integer(value)} tok/s", False),
    )
    shown = [
        Content.assemble((name, _MUTED), (form(value) + " ▲" * bad, f"{_BAD if bad else ''} bold"))
        for name, value, form, bad in parts
        if value is not None
    ]
    return Content("  " if is_narrow else "   ").join(shown) + " "


def lines(trends: ServerTrends) -> tuple[tuple[ChartLine, ...], ...]:
    """Return the series of each chart: requests, cache, calls, waits, throughput."""
    figures, calls = trends.figures, trends.calls.figures
    blue, violet, green = "$text-primary", "$text-accent", "$text-success"
    prompts = figures["prompt_tokens_per_sec"]
    slow = [
        (n, worst)
        for n, (worst, count) in enumerate(zip(calls["worst"], calls["slow"], strict=True))
        if worst is not None and count
    ]
    return (
        (
            ChartLine("waiting", figures["waiting"], blue, stroke="bars"),
            ChartLine("running", figures["running"], green, stroke="thick"),
        ),
        (ChartLine("in use", figures["kv_cache"], green),),
        (
            ChartLine("slow", (), _BAD, stroke="crosses", points=slow),
            ChartLine("p95", calls["p95"], blue),
        ),
        (
            ChartLine("queue p95", figures["queue_p95_ms"], _BAD, stroke="thick"),
            ChartLine("first token p95", figures["ttft_p95_ms"], blue, stroke="dotted"),
        ),
        (
            ChartLine("generated", figures["tokens_per_sec"], blue, stroke="thick"),
            ChartLine("prompts", prompts, violet, humanize.count, stroke="dotted"),
        ),
    )


def first_of_episodes(slices: Iterable[int]) -> Iterator[int]:
    """Yield the first of slices that follow each other closely."""
    last: int | None = None  # a mark at each slice would be noise
    for n in slices:
        if last is None or n - last > _EPISODE_SLICES:
            yield n
        last = n


def values(poll: PollStatus | None) -> Iterator[Content]:
    """Yield the values of the last answer, as the server has them."""
    raw = () if poll is None else poll.raw
    if not raw:
        yield Content.styled("No values: the server has not answered since this began.", _MUTED)
        yield Content.styled("v goes back to the charts.", _MUTED)
    for name, value in raw:
        yield Content.assemble(f"{value:>{_VALUE},.10g}  ", (sanitize(name), _MUTED))
