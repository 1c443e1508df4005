"""Trees of spans: which spans are records, what encloses a call, and each record's step.

A trace's spans come in any order, over several objects, children before parents as a rule. They
are held until the trace is settled or flush() is called, and are then numbered by their starts:
- A call that has a call below it is a span: a wrapper, or a second instrumentation of one call.
- A span is kept if it is an LLM library's own, or has a record below it.
- A trace without a call or a tool execution has no records, however many spans.
- A span that comes again, from an exporter's second attempt, counts once: the last complete copy
  that comes before the span is given out.
When a span comes after ones that began later, the steps of those are corrected.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final

from llmlog_tui.formats import Found, Key, LogState
from llmlog_tui.formats.otlp_lineage import Lineage, Memory, Place, Tree
from llmlog_tui.formats.otlp_node import Node
from llmlog_tui.formats.shared_state import is_live
from llmlog_tui.formats.vocabulary import Record

SETTLED_AFTER: Final = 32
"""Objects without a span of a trace until it is settled, root included."""

STALE_AFTER: Final = 1_024
"""Objects without a span of a trace until it is settled, root missing."""

MAX_HELD: Final = 50_000
"""Maximum spans held; beyond it the traces that have waited longest are settled."""


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
        self.corrections: dict[Key, Record] = {}
        """Fields that records given out before have by now: steps, and sessions."""
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
        self._number(trace_id, tree, lineage, kept)
        has_session = any(node.record.get("session_id") is not None for node in nodes)
        if has_session and not self._reserves_steps:
            self._correct_sessions(trace_id, tree, lineage)
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

    def _number(self, trace_id: str, tree: Tree, lineage: Lineage, kept: Sequence[Node]) -> None:
        in_order = sorted(kept, key=lambda node: node.begin)
        ranked = [node for node in in_order if not node.is_own]
        is_late = bool(ranked) and ranked[0].begin < tree.newest_begin
        if is_late and not self._reserves_steps and not tree.is_partial:
            self._rank(trace_id, tree, ranked)
        for node in in_order:
            record = node.record
            tree.newest_begin = max(tree.newest_begin, node.begin)
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

    def _rank(self, trace_id: str, tree: Tree, late: Sequence[Node]) -> None:
        """Number a trace of which records that began later were given out."""
        given = [place for place in tree.places.values() if place.step is not None]
        tree.next_step = len(given) + len(late)
        both: list[Place | Node] = [*sorted(given, key=lambda place: place.step or 0), *late]
        for step, each in enumerate(sorted(both, key=lambda each: each.begin)):
            if isinstance(each, Node):
                each.record["step"] = step
            elif each.step != step:
                each.step = step
                self.corrections.setdefault((trace_id, each.record_id), {})["step"] = step

    def _correct_sessions(self, trace_id: str, tree: Tree, lineage: Lineage) -> None:
        """Let records that were given out inherit the sessions of spans that came later."""
        for span_id, place in tree.places.items():
            if place.session_id is None and place.step is not None:
                place.session_id = lineage.session_above(span_id, place.parent_id)
                if place.session_id is not None:
                    correction = self.corrections.setdefault((trace_id, place.record_id), {})
                    correction["session_id"] = place.session_id
