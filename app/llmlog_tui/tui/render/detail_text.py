"""A record's detail as lines of text: latency by phase, slow reason, tokens, ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render.timeline_bars import ANSWER, FIRST_TOKEN, WAIT

if TYPE_CHECKING:
    from llmlog_tui.analysis.calls.detail import Detail

_LABEL: Final = 12
_BAR: Final = 40
_MUTED: Final = "$text-muted"
_IDS: Final = {
    "id": "id",
    "request_id": "request_id",
    "span_id": "span_id",
    "parent_span_id": "under span",
    "tool_call_id": "tool call",
    "error_code": "error_code",
}
"""Field -> label of at most 12 cells."""


def lines(detail: Detail, begin_offset_ms: float | None, width: int) -> Iterator[Content]:
    """Yield lines of at most `width` cells; `begin_offset_ms` is since the run's begin."""
    for line in _lines(detail, begin_offset_ms, width):
        yield from _wrapped(line, width)


def _wrapped(line: Content, width: int) -> Iterator[Content]:
    """Yield a line in parts of at most `width` cells, indented below its text."""
    room = width - _LABEL
    if line.cell_length <= width or room < _LABEL:
        yield line
        return
    yield line[:_LABEL] + (parts := line[_LABEL:].wrap(room))[0]
    for part in parts[1:]:
        yield Content(" " * _LABEL) + part


def _lines(detail: Detail, begin_offset_ms: float | None, width: int) -> Iterator[Content]:
    record = detail.record
    yield _title(record)
    when = "" if record["ts"] is None else f"{humanize.local(record['ts']):%H:%M:%S.%f}"[:-3]
    into = "" if begin_offset_ms is None else f"{humanize.duration(begin_offset_ms)} into the run"
    parts = (when, into, sanitize(record["provider"] or "", 40))
    yield Content.styled("   ".join(part for part in parts if part), _MUTED)
    yield Content("")
    yield from _latency(detail, min(_BAR, width - _LABEL - 1))
    yield from _reasons(detail)
    if detail.is_call:
        yield from _tokens(detail, min(_BAR - 16, width - _LABEL - 22))
    yield Content("")
    yield from _facts(record)


def _title(record: Any) -> Content:  # noqa: ANN401 - a row of the frame
    name = record["tool_name"] or record["name"] or record["model"] or record["requested_model"]
    requested = record["requested_model"]
    is_other = requested and requested != record["model"]
    other = f"   asked for {sanitize(requested, 40)}" if is_other else ""
    return Content.assemble(
        (sanitize(record["event"] or "", 30), _MUTED),
        "  ",
        (sanitize(name or humanize.UNKNOWN, 60), "bold"),
        (other, _MUTED),
    )


def _line(label: str, *text: str | tuple[str, str]) -> Content:
    return Content.assemble((f"{label:<{_LABEL}}", _MUTED), *text)


def _latency(detail: Detail, cells: int) -> Iterator[Content]:
    latency = detail.record["latency_ms"]
    usual = (
        ""
        if detail.baseline is None
        else f"   usual {humanize.duration(detail.baseline.latency_ms)}"
    )
    derived = "   from timestamps" if detail.record["timing"] == "derived" else ""
    yield _line("latency", (humanize.duration(latency), "bold"), (derived + usual, _MUTED))
    last = "attempt" if detail.record["status"] == "error" else "answer"
    parts = (
        (WAIT, "retry wait", detail.waited_ms, "$text-warning"),
        (FIRST_TOKEN, "first token", detail.first_ms, "$text-primary"),
        (ANSWER, last, detail.answer_ms, "$text-primary"),
    )
    phases = [part for part in parts if part[2]]
    if not latency or not detail.is_call or cells < len(phases):
        return
    bar, legend = [], []
    for glyph, name, ms, tone in phases:
        bar.append((glyph * max(1, round((ms or 0) / latency * cells)), tone))
        legend.append(f"{glyph} {name} {humanize.duration(ms)}")
    yield _line("", *bar)
    yield _line("", ("   ".join(legend), _MUTED))
    split = detail.split
    # The bar has the waiting, if there was any.
    waited = None if detail.waited_ms else split.retry_wait_ms or None
    known = (
        ("server", split.server_ms),
        ("retry wait", waited),
        ("rest", split.rest_ms),
    )
    shares = [f"{name} {humanize.duration(ms)}" for name, ms in known if ms is not None]
    if shares:
        yield _line("", ("   ".join(shares), _MUTED))


def _reasons(detail: Detail) -> Iterator[Content]:
    record = detail.record
    if detail.why_slow:
        yield _line("why slow", (detail.why_slow, "$text-warning bold"))
    if detail.server_load:
        yield _line("server load", detail.server_load)
    if detail.cut_off:
        yield _line("cut off", (f"┤ {detail.cut_off}", "$text-warning"))
    if record["status"] == "error":
        kind, status = record["error_type"] or "failed", record["error_status"]
        yield _line(
            "error", (f"✗ {sanitize(kind, 60)}{f', {status}' if status else ''}", "$text-error")
        )
    if record["retries"]:
        yield _line("retries", (f"↻ {record['retries']}", "$text-warning"))


def _tokens(detail: Detail, cells: int) -> Iterator[Content]:
    record = detail.record
    given, cached = record["prompt_tokens"], record["cached_tokens"]
    output, thought = record["completion_tokens"], record["reasoning_tokens"]
    yield Content("")
    most = max(given or 0, output or 0, detail.most_tokens or 0)
    for label, total, share in (
        ("in", given, ("cached", cached, "$text-success")),
        ("out", output, ("rsn", thought, "$text-accent")),
    ):
        # One scale for all calls of the trace: a bar half as long has half the tokens.
        yield _share(label, total, share, max(1, round(cells * (total or 0) / (most or 1))))
    speed = record["tokens_per_sec"]
    if speed is not None:
        usual = None if detail.baseline is None else detail.baseline.tokens_per_sec
        yield _line("speed", f"{speed:,.0f} tok/s", (f"   usual {humanize.integer(usual)}", _MUTED))
    saved, cost = record["saved_usd"], record["cost_usd"]
    caching = f"   {humanize.caching(saved)}" if saved else ""
    tone = "$text-warning" if (saved or 0) < 0 else "$text-success"
    has_tokens = None not in (given, output)
    unpriced = "   no price: add one to [prices] of --rules" if cost is None and has_tokens else ""
    yield _line("cost", humanize.money(cost), (caching, tone), (unpriced, _MUTED))


def _share(
    label: str, total: int | None, share: tuple[str, int | None, str], cells: int
) -> Content:
    """Return a number of tokens, a bar with a coloured share, and the share."""
    name, part, tone = share
    shown = f"{humanize.count(total):>7} "
    if not total or cells < 1:
        return _line(label, shown)
    filled = min(cells, round((part or 0) / total * cells))
    return _line(
        label,
        shown,
        ("▓" * filled, tone),
        ("█" * (cells - filled), "$text-primary"),
        (f"  {name} {humanize.count(part)}" if part is not None else "", tone),
    )


def _facts(record: Any) -> Iterator[Content]:  # noqa: ANN401 - a row of the frame
    if record["finish_reason"]:
        yield _line("finish", sanitize(record["finish_reason"], 40))
    if record["stream_end"]:
        yield _line("stream", sanitize(record["stream_end"], 40))
    if record["tool_calls"]:
        named = ", ".join(name for name in record["tool_calls"] if name)
        broken = "" if record["tool_args_ok"] is not False else "  broken arguments"
        yield _line("tool calls", sanitize(named, 80), (broken, "$text-warning"))
    if record["system_fingerprint"]:
        changed = "  ≠ changed" if record["changed"] else ""
        yield _line(
            "fingerprint", sanitize(record["system_fingerprint"], 40), (changed, "$text-accent")
        )
    for name, label in _IDS.items():
        if record[name]:
            yield _line(label, sanitize(record[name], 60))
    for kind in ("requests", "tokens"):
        limit, left = record[f"ratelimit_limit_{kind}"], record[f"ratelimit_remaining_{kind}"]
        if limit and left is not None:
            reset = record[f"ratelimit_reset_{kind}_ms"]
            soon = "" if reset is None else f", resets in {humanize.duration(reset)}"
            yield _line("limits", f"{kind} {humanize.percent(left / limit)} left{soon}")
