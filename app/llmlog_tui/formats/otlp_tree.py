"""Trees of spans: which spans are records, what encloses a call, and each record's step.

A trace's spans come in any order, over several objects, children before parents as a rule. They
are held until the trace is settled or flush() is called, and are then numbered by their starts:
- A call that has a call below it is a span: a wrapper, or a second instrumentation of one call.
- A span is kept if it is an LLM library's own, or has a record below it.
- A trace without a call or a tool execution has no records, however many spans.
- A span that comes again, from an exporter's second attempt, counts once: the last complete copy
  that comes before the span is given out.
What arrives after that is numbered on from the last step.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from llmlog.record import timestamp
from llmlog_tui.formats import Found, LogState
from llmlog_tui.formats.json_text import dump
from llmlog_tui.formats.otlp_attributes import CALLS, fields_of, has_failed, of_llm_library
from llmlog_tui.formats.otlp_envelope import Span
from llmlog_tui.formats.otlp_own import is_own, own_record
from llmlog_tui.formats.shared_state import is_live
from llmlog_tui.formats.vocabulary import Record, tokens_per_sec

SETTLED_AFTER: Final = 32
"""Objects without a span of a trace until it is settled, root included."""

STALE_AFTER: Final = 1_024
"""Objects without a span of a trace until it is settled, root missing."""

MAX_HELD: Final = 50_000
"""Maximum spans held; beyond it the traces that have waited longest are settled."""

MAX_REMEMBERED: Final = 200_000
"""Maximum spans whose place in a tree is remembered after they were given out."""

MAX_DEPTH: Final = 256
"""Maximum ancestors of a span that are looked at for what it inherits."""

_NS_PER_MS: Final = 1_000_000
_CORE: Final = ("ts", "trace_id", "span_id", "session_id", "trace_name", "status", "latency_ms")


@dataclass(slots=True)
class Node:
    """A span of a trace; `record` is complete but for step, parent and inherited fields."""

    line: int
    key: str
    """Identity of the span in its trace: its copies have the same."""
    span_id: str
    parent_id: str
    name: str
    begin: int
    end: int
    record: Record
    is_own: bool
    is_library: bool
    is_unfinished: bool = False
    """Whether it only opened a stream, of which nothing more came: no call yet."""
    is_joined: bool = False
    """Whether it has another span in it, which no copy of its own has."""

    @property
    def is_call(self) -> bool:
        """Whether it is a model call."""
        return self.record["event"] in CALLS

    @property
    def is_complete(self) -> bool:
        """Whether its end is known."""
        return self.end > 0 or self.is_own

    @property
    def is_work(self) -> bool:
        """Whether the trace is worth listing for this record."""
        return self.is_own or self.record["event"] != "span"

    def is_replaced_by(self, copy: Node) -> bool:
        """Return whether a copy of the span that came later counts instead."""
        return not self.is_joined and (copy.is_complete or not self.is_complete)

    def demote(self) -> None:
        """Make a span of a call: the call inside it counts."""
        kept = {name: self.record[name] for name in _CORE if name in self.record}
        self.record = kept | {"event": "span", "name": self.name}

    def set_times(self, begin: int, end: int) -> None:
        """Set when the span ran, and the fields that follow from it."""
        self.begin, self.end = begin, end
        if begin:
            self.record["ts"] = timestamp(begin)
        if "latency_ms" not in self.record and end >= begin > 0:
            self.record["latency_ms"] = round((end - begin) / _NS_PER_MS)
        if self.is_call and "tokens_per_sec" not in self.record:
            rate = tokens_per_sec(
                self.record.get("completion_tokens"), self.record.get("latency_ms")
            )
            if rate is not None:
                self.record["tokens_per_sec"] = rate


def node_of(line: int, span: Span, event: str) -> Node:
    """Return the node of a span that is this kind of event."""
    if is_own(span.attributes):
        return _node(line, span, own_record(span), is_own=True)
    record: Record = {
        "event": event,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "status": "error" if has_failed(span) else "ok",
    }
    node = _node(line, span, record | fields_of(span, event), is_own=False)
    node.set_times(span.begin, span.end)
    return node


def _node(line: int, span: Span, record: Record, *, is_own: bool) -> Node:
    # Records of llmlog's own may share their ids: a call and its start, or what an application
    # numbers as it likes. Only equal ones are copies.
    key = f"{span.span_id} {hash(dump(record))}" if is_own else span.span_id
    return Node(
        line,
        key,
        span.span_id,
        span.parent_id,
        span.name,
        span.begin,
        span.end,
        record,
        is_own=is_own,
        is_library=is_own or of_llm_library(span.attributes),
    )


@dataclass(slots=True)
class Place:
    """Position of a span that was given out, kept for spans that come later."""

    parent_id: str
    record_id: str
    is_call: bool
    session_id: str | None


@dataclass(slots=True)
class Tree:
    """State of one trace, whichever file its spans are in."""

    next_step: int = 0
    is_listed: bool = False
    places: dict[str, Place] = field(default_factory=dict)
    """By the ids of spans that were given out, and by their keys."""
    above_calls: set[str] = field(default_factory=set)
    """Ids of spans with a call below, also of ones still missing."""
    above_records: set[str] = field(default_factory=set)
    reserved: dict[str, int] = field(default_factory=dict)
    """Steps of spans still missing, by their ids."""


class Memory:
    """Trees of a log's traces: the oldest go beyond MAX_REMEMBERED spans."""

    def __init__(self) -> None:
        self._trees: OrderedDict[str, Tree] = OrderedDict()
        self._size = 0

    def tree(self, trace_id: str) -> Tree:
        """Return the tree of a trace, a new one if it is not remembered."""
        tree = self._trees.get(trace_id)
        if tree is None:
            tree = self._trees[trace_id] = Tree()
            self._size += 1
        self._trees.move_to_end(trace_id)
        return tree

    def has(self, trace_id: str, key: str) -> bool:
        """Return whether a span was given out and is remembered."""
        tree = self._trees.get(trace_id)
        return tree is not None and key in tree.places

    def remember(self, tree: Tree, node: Node) -> None:
        """Remember the place of a span in the tree that was asked for last."""
        record_id = str(node.record.get("span_id", node.span_id))
        place = Place(node.parent_id, record_id, node.is_call, node.record.get("session_id"))
        for key in {node.span_id, node.key}:
            self._size += key not in tree.places
            tree.places[key] = place
        while self._size > MAX_REMEMBERED and len(self._trees) > 1:
            _, oldest = self._trees.popitem(last=False)
            self._size -= len(oldest.places) + 1
        if self._size > MAX_REMEMBERED:
            forgotten = next(iter(tree.places))
            del tree.places[forgotten]
            tree.above_calls.discard(forgotten)
            tree.above_records.discard(forgotten)
            self._size -= 1


class _Trace:
    """Spans of one trace that are held in one file."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}  # by key
        self.has_root = False
        self.fed_at = 0


class Forest:
    """Traces of one file: takes spans in any order, gives out records with their steps.

    With `reserves_steps` a missing parent keeps a step in front of its first child: where records
    are given out before a trace is complete, parents come last, though they began first. Without
    it, spans that have not ended are held while their file may grow: their ends may follow.
    """

    def __init__(self, log: LogState, *, reserves_steps: bool = False) -> None:
        self._log = log
        self._reserves_steps = reserves_steps
        memory = log.setdefault("otlp_traces", Memory())
        self._memory: Memory = memory if isinstance(memory, Memory) else Memory()
        self._traces: OrderedDict[str, _Trace] = OrderedDict()
        self._rooted: OrderedDict[str, None] = OrderedDict()
        """Traces that wait, those fed longest ago first; all others wait in `_rootless`."""
        self._rootless: OrderedDict[str, None] = OrderedDict()
        self._running: OrderedDict[str, None] = OrderedDict()
        """Traces that were given out but for spans that have not ended."""
        self._held = 0
        self._fed = 0

    def add(self, trace_id: str, node: Node) -> bool:
        """Hold one span of a trace; return False for a superfluous copy."""
        if self._memory.has(trace_id, node.key):
            return False
        trace = self._traces.setdefault(trace_id, _Trace())
        self._traces.move_to_end(trace_id)
        before = trace.nodes.get(node.key)
        if before is not None and not before.is_replaced_by(node):
            return False
        trace.nodes[node.key] = node
        trace.has_root = trace.has_root or not node.parent_id
        trace.fed_at = self._fed
        self._held += before is None
        waiting = self._rooted if trace.has_root else self._rootless
        waiting[trace_id] = None
        waiting.move_to_end(trace_id)
        if trace.has_root:
            self._rootless.pop(trace_id, None)
        return True

    def holds(self, trace_id: str, node: Node) -> bool:
        """Return whether a span is held: not given out, and not replaced by a copy."""
        trace = self._traces.get(trace_id)
        return trace is not None and trace.nodes.get(node.key) is node

    def remove(self, trace_id: str, node: Node) -> None:
        """Remove a span that is part of another span."""
        if self.holds(trace_id, node):
            del self._traces[trace_id].nodes[node.key]
            self._held -= 1
            self._memory.remember(self._memory.tree(trace_id), node)

    def settled(self) -> Iterator[Found]:
        """Count one object as fed; give out the traces that are settled by now."""
        self._fed += 1
        for waiting, patience in ((self._rooted, SETTLED_AFTER), (self._rootless, STALE_AFTER)):
            while waiting:
                trace_id = next(iter(waiting))
                if self._traces[trace_id].fed_at > self._fed - patience:
                    break
                yield from self._give_out(trace_id)
        while self._held > MAX_HELD:
            trace_id = next(iter(self._traces))
            yield from self._give_out(trace_id, has_ended=True)
            self._running.pop(trace_id, None)
            self._held -= len(self._traces.pop(trace_id, _Trace()).nodes)

    def flush(self) -> Iterator[Found]:
        """Give out every trace, complete or not."""
        has_ended = not is_live(self._log)
        running = self._running if has_ended else ()
        for trace_id in dict.fromkeys([*self._rooted, *self._rootless, *running]):
            yield from self._give_out(trace_id, has_ended=has_ended)

    def _give_out(self, trace_id: str, *, has_ended: bool = False) -> Iterator[Found]:
        """Give out a trace; a span that has not ended only if its file has."""
        for waiting in (self._rooted, self._rootless, self._running):
            waiting.pop(trace_id, None)
        trace = self._traces[trace_id]
        tree = self._memory.tree(trace_id)
        # Another file of the log may have had a copy.
        nodes = [node for key, node in trace.nodes.items() if key not in tree.places]
        for node in nodes:
            if node.is_unfinished:
                node.demote()
        lineage = Lineage(tree, nodes)
        lineage.settle()
        tree.is_listed = tree.is_listed or any(node.is_work for node in nodes)
        gives_all = has_ended or self._reserves_steps
        kept: list[Node] = []
        held: dict[str, Node] = {}
        for node in nodes:
            is_record = node.is_work or node.is_library or node.span_id in tree.above_records
            if tree.is_listed and is_record and (gives_all or node.is_complete):
                kept.append(node)
            else:
                held[node.key] = node
        self._number(tree, lineage, kept)
        for node in kept:
            self._memory.remember(tree, node)
        # A span without a record below may be the parent of one that comes later.
        self._held -= len(trace.nodes) - len(held)
        trace.nodes = held
        if not held:
            del self._traces[trace_id]
        elif not all(node.is_complete for node in held.values()):
            self._running[trace_id] = None
        kept.sort(key=lambda node: node.end)
        yield from (Found(node.line, node.record) for node in kept)

    def _step_of(self, tree: Tree, lineage: Lineage, node: Node) -> int:
        if (step := tree.reserved.pop(node.span_id, None)) is not None:
            return step
        parent_id = node.parent_id
        if self._reserves_steps and parent_id not in tree.reserved and lineage.misses(parent_id):
            tree.reserved[parent_id] = tree.next_step
            tree.next_step += 1
        return tree.next_step

    def _number(self, tree: Tree, lineage: Lineage, kept: Iterable[Node]) -> None:
        for node in sorted(kept, key=lambda node: node.begin):
            record = node.record
            if "step" not in record and not node.is_own:
                record["step"] = self._step_of(tree, lineage, node)
            if isinstance(step := record.get("step"), int):
                tree.next_step = max(tree.next_step, step + 1)
            if node.parent_id and "parent_span_id" not in record:
                record["parent_span_id"] = lineage.record_id(node.parent_id)
            if "session_id" not in record and not node.is_own:
                session = lineage.session_id(node)
                if session is not None:
                    record["session_id"] = session


class Lineage:
    """The ancestors of a trace's spans, held and remembered ones."""

    def __init__(self, tree: Tree, nodes: list[Node]) -> None:
        self._tree = tree
        self._nodes = nodes
        self._held = {node.span_id: node for node in nodes}

    def settle(self) -> None:
        """Mark what has calls and records below it; make spans of the calls around calls."""
        above = self._tree.above_calls
        self._mark(above, lambda node: node.is_call)
        for node in self._nodes:
            if node.is_own or not node.is_call:
                continue
            # A wrapper that was given out as a call stays one: then the call in it is the span.
            if node.span_id in above or self._is_inside_call(node):
                node.demote()
        self._mark(self._tree.above_records, lambda node: node.is_work or node.is_library)

    def record_id(self, span_id: str) -> str:
        """Return the span_id that the record of a span has."""
        if (node := self._held.get(span_id)) is not None:
            return str(node.record.get("span_id", span_id))
        place = self._tree.places.get(span_id)
        return span_id if place is None else place.record_id

    def misses(self, span_id: str) -> bool:
        """Return whether a span has not come yet; False for no span."""
        return bool(span_id) and span_id not in self._held and span_id not in self._tree.places

    def session_id(self, node: Node) -> str | None:
        """Return the session of the nearest ancestor that has one."""
        for span_id in islice(self._upwards(node), MAX_DEPTH):
            if (held := self._held.get(span_id)) is not None:
                session = held.record.get("session_id")
            else:
                place = self._tree.places.get(span_id)
                session = None if place is None else place.session_id
            if session is not None:
                return str(session)
        return None

    def _is_inside_call(self, node: Node) -> bool:
        places = self._tree.places
        return any(
            (place := places.get(span_id)) is not None and place.is_call
            for span_id in islice(self._upwards(node), MAX_DEPTH)
            if span_id not in self._held
        )

    def _mark(self, above: set[str], counts: Callable[[Node], bool]) -> None:
        """Add the ids of the ancestors of each span that counts."""
        walked: set[str] = set()
        for node in self._nodes:
            if not counts(node) and node.span_id not in above:
                continue
            for span_id in self._upwards(node):
                if span_id in walked:
                    break
                walked.add(span_id)
                above.add(span_id)

    def _upwards(self, node: Node) -> Iterator[str]:
        """Yield the ids of the ancestors of a span, up to a missing one."""
        seen = {node.span_id}
        span_id = node.parent_id
        while span_id and span_id not in seen:
            yield span_id
            seen.add(span_id)
            parent = self._held.get(span_id) or self._tree.places.get(span_id)
            span_id = parent.parent_id if parent is not None else ""
