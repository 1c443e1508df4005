"""OTLP traces: spans of any GenAI instrumentation, in files of a collector or SDK."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from llmlog_tui.formats import FormatWithoutCalls, Found, Item, LogState, Record
from llmlog_tui.formats.otlp_content import content_of
from llmlog_tui.formats.otlp_envelope import Span, has_metrics, has_spans, spans_in
from llmlog_tui.formats.otlp_fields import fields_of
from llmlog_tui.formats.otlp_kinds import event_of
from llmlog_tui.formats.otlp_node import node_of
from llmlog_tui.formats.otlp_streams import StreamJoin, is_pending
from llmlog_tui.formats.otlp_tree import Forest

BAD_SPAN: Final = "bad span"
"""Kind of fault: a span without ids."""


class SpanConverter:
    """Converter of one file's spans; `lost` counts unreadable ones."""

    def __init__(self, log: LogState, *, reserves_steps: bool = False) -> None:
        self.lost: Counter[str] = Counter()
        self._forest = Forest(log, reserves_steps=reserves_steps)
        self.corrections = self._forest.corrections
        self._streams = StreamJoin()

    def feed(self, line: int, item: Item) -> list[Found]:
        """Take an envelope of spans; return the records of traces that are settled."""
        spans, bad = spans_in(item)
        if bad:
            self.lost[BAD_SPAN] += bad
        self.add(line, spans)
        return self.settled()

    def add(self, line: int, spans: Sequence[Span]) -> None:
        """Hold decoded spans until settled() or flush() gives out their records."""
        for span in spans:
            if is_pending(span):
                continue
            node = node_of(line, span, event_of(span))
            if self._forest.add(span.trace_id, node):
                self._streams.add(span, node)

    def settled(self) -> list[Found]:
        """Return the records of traces that are settled now that one more object was added."""
        self._streams.join(self._forest)
        return list(self._forest.settled())

    def flush(self) -> list[Found]:
        """Return the records of all traces that are held."""
        self._streams.join(self._forest)
        self._streams.clear()
        return list(self._forest.flush())


class OtlpTraces:
    """OTLP traces as a format."""

    name = "OTLP traces"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether any of the objects is an envelope of spans."""
        return any(map(has_spans, items))

    def converter(self, log: LogState) -> SpanConverter:
        """Return a converter for one file."""
        return SpanConverter(log)

    def content(self, item: Item, record: Record) -> Record:
        """Return input, output and error message of the record's span."""
        span = _span_of(spans_in(item)[0], record)
        return {} if span is None else content_of(span)


class OtlpMetrics(FormatWithoutCalls):
    """OTLP metrics, which hold sums and no calls."""

    name = "OTLP metrics"
    hint = "holds metrics, no calls: open the traces or logs of the same program"

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether the objects are envelopes of metrics, and none of spans."""
        return any(map(has_metrics, items)) and not any(map(has_spans, items))


def _span_of(spans: Sequence[Span], record: Record) -> Span | None:
    """Return the span of a record; of a joined stream, the log."""
    own = record.get("span_id")
    for span in spans:
        if own in (span.span_id, span.attributes.get("llmlog.span_id")):
            return span
    if (answer := record.get("id")) is None:
        return None
    return next(
        (span for span in spans if fields_of(span, event_of(span)).get("id") == answer), None
    )


TRACES: Final = OtlpTraces()
METRICS: Final = OtlpMetrics()
