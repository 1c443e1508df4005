"""The texts of two steps as rows, what differs marked in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

from textual.content import Content

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize
from llmlog_tui.tui.render.conversation_rows import NumberedRows
from llmlog_tui.tui.render.record_text import CONTENT_HINT
from llmlog_tui.tui.widgets.column_layout import lay_out
from llmlog_tui.tui.widgets.folded_text import Line, wrap_spans
from llmlog_tui.tui.widgets.row_source import UNMARKED, CellSpan, Row

if TYPE_CHECKING:
    from llmlog_tui.analysis.traces.text_diff import DiffLine, Run
    from llmlog_tui.tui.queries import TextDiffResult

_SIDE_BY_SIDE_FROM: Final = 96
"""Minimum columns for the texts beside each other."""
_CONTEXT: Final = 2
"""Equal lines shown before and after a difference."""
_MAX_LINE: Final = 20_000
"""Maximum characters of a line that are shown."""
_MARKS: Final = {"a": ("[-", "-]"), "b": ("{+", "+}")}
"""Signs around what only A, or only B, has: colour never carries meaning alone."""
_RULE: Final = CellSpan(" │ ", "muted")
_GAP: Final = CellSpan(" ")
_NOT_TEXT: Final = 5
"""Cells of the rule, and of a gap at both ends of a line."""
_CHANGED: Final = CellSpan("≠", "warning")


class _TextRow(NamedTuple):
    """A row, and whether a difference begins in it."""

    line: Line
    is_changed: bool = False
    begins: bool = False


class TextDiffRows(NumberedRows):
    """Rows of all places that differ, equal lines far from a difference left out.

    With `by_words` only the words that differ are marked, else the whole lines.
    """

    def __init__(self, result: TextDiffResult, width: int, *, by_words: bool) -> None:
        self._rows = list(_rows(result, width - 1, by_words=by_words))
        self.differences = [n for n, row in enumerate(self._rows) if row.begins]

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, start: int, stop: int, widths: Sequence[int]) -> list[Row]:  # noqa: ARG002
        return [
            Row([[_GAP, *row.line]], _CHANGED if row.is_changed else UNMARKED)
            for row in self._rows[start:stop]
        ]


def title(result: TextDiffResult) -> str:
    """Return where two steps part: `Step 3 · message 4 (user) differs`."""
    found, more = result.found, len(result.found.more)
    if not found.places:  # the text tells why
        return f"Step {result.step}"
    differs = " differs" if found.places and found.a != found.b else ""
    others = f", and {humanize.plural(more, 'more place')}" if more else ""
    return f"Step {result.step} · {found.what}{differs}{others}"


def footer(result: TextDiffResult) -> str:
    """Return how much is the same before the difference."""
    same = result.found.same
    return "" if not same else f"same before: {humanize.plural(same, 'message')}"


def sides(result: TextDiffResult, width: int) -> Content:
    """Return tokens, latency and cost of both steps, in one line."""
    texts = [f"{side} {_figures(record)}" for side, record in zip("AB", result.sides, strict=True)]
    half = max(1, (width - _NOT_TEXT) // 2)  # as wide as a side below, so that the rules align
    if all(len(text) <= half for text in texts):
        half += len(_RULE.text)
        return Content.assemble((texts[0].ljust(half), "bold"), ("│ ", "$text-muted"), texts[1])
    return Content.assemble((texts[0], "bold"), "\n", texts[1])


def _figures(record: Mapping[str, object]) -> str:
    cost = record.get("cost_usd")
    shown = [sanitize(humanize.short_id(str(record.get("trace_id") or "")), 8)]
    for label, name in (("in", "prompt_tokens"), ("out", "completion_tokens")):
        if isinstance(count := record.get(name), int):
            shown.append(f"{label} {humanize.count(count)}")
    if isinstance(latency := record.get("latency_ms"), int | float):
        shown.append(f"{humanize.integer(latency)} ms")
    if isinstance(cost, int | float):
        shown.append(humanize.money(cost))
    return "  ".join(shown)


def _rows(result: TextDiffResult, width: int, *, by_words: bool) -> Iterator[_TextRow]:
    if not result.diffs:
        hint = [CellSpan(CONTENT_HINT, "muted")] if result.found.is_without_content else []
        for spans in ([CellSpan(sanitize(result.found.what, 400))], hint):
            yield from (_TextRow(line) for line in wrap_spans(spans, width))
        return
    for n, (name, lines) in enumerate(result.diffs):
        if n:
            yield _TextRow([])
        yield _TextRow([CellSpan(sanitize(name, 200), "strong")])
        yield from _place(lines, width, by_words=by_words)


def _place(lines: Sequence[DiffLine], width: int, *, by_words: bool) -> Iterator[_TextRow]:
    near = _near(lines)
    skipped, was_changed = 0, False
    for line, is_near in zip(lines, near, strict=True):
        if not is_near:
            skipped += 1
            continue
        if skipped:
            yield _skipped(skipped)
            skipped = 0
        drawn = _beside if width >= _SIDE_BY_SIDE_FROM else _below
        for n, row in enumerate(drawn(line, width, by_words=by_words)):
            yield _TextRow(row, line.differs, line.differs and not was_changed and not n)
        was_changed = line.differs
    if skipped:
        yield _skipped(skipped)


def _near(lines: Sequence[DiffLine]) -> list[bool]:
    """Return for each line whether it differs, or is close to one that does."""
    near = [False] * len(lines)
    for n, line in enumerate(lines):
        if line.differs:
            for m in range(max(0, n - _CONTEXT), min(len(lines), n + _CONTEXT + 1)):
                near[m] = True
    return near


def _skipped(count: int) -> _TextRow:
    return _TextRow([CellSpan(f"⋮ {humanize.plural(count, 'line')} as in both", "muted")])


def _beside(line: DiffLine, width: int, *, by_words: bool) -> Iterator[Line]:
    half = (width - len(_RULE.text)) // 2
    left = wrap_spans(_spans(line.a, "a", line, by_words=by_words), half)
    right = wrap_spans(_spans(line.b, "b", line, by_words=by_words), half)
    nothing: Line = []
    for one, other in zip_longest(left, right, fillvalue=nothing):
        yield [*lay_out(one or [CellSpan("")], half, "left"), _RULE, *other]


def _below(line: DiffLine, width: int, *, by_words: bool) -> Iterator[Line]:
    if not line.differs:
        for row in wrap_spans(_spans(line.a, "a", line, by_words=by_words), width - 2):
            yield [CellSpan("  "), *row]
        return
    for side, runs in (("a", line.a), ("b", line.b)):
        if runs is not None:
            for row in wrap_spans(_spans(runs, side, line, by_words=by_words), width - 2):
                yield [CellSpan(f"{side.upper()} ", "muted"), *row]


def _spans(
    runs: tuple[Run, ...] | None, side: str, line: DiffLine, *, by_words: bool
) -> list[CellSpan]:
    before, after = _MARKS[side]
    if runs is not None and line.differs and not by_words:
        text = _printable("".join(run.text for run in runs))
        return [CellSpan(f"{before}{text}{after}", "error" if side == "a" else "success")]
    spans = []
    for text, differs in runs or ():
        shown = _printable(text)
        if differs:
            tone = "error" if side == "a" else "success"
            spans.append(CellSpan(f"{before}{shown}{after}", tone))  # type: ignore[arg-type]
        else:
            spans.append(CellSpan(shown))
    return spans


def _printable(text: str) -> str:
    return sanitize(text.replace("\t", "    "), _MAX_LINE)
