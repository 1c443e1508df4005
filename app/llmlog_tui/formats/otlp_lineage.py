"""Trees of a log's traces: places of spans that were given out, and ancestors."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from llmlog_tui.formats.otlp_node import Node

MAX_REMEMBERED: Final = 200_000
"""Maximum spans whose place in a tree is remembered after they were given out."""

MAX_DEPTH: Final = 256
"""Maximum ancestors of a span that are looked at for what it inherits."""


@dataclass(slots=True)
class Place:
    """Position of a span that was given out, kept for spans that come later."""

    parent_id: str
    record_id: str
    is_call: bool
    session_id: str | None
    begin: int = 0
    step: int | None = None
    """Rank by `begin`; None for a record that keeps its own step, or has none."""


@dataclass(slots=True)
class Tree:
    """State of one trace, whichever file its spans are in."""

    next_step: int = 0
    newest_begin: int = 0
    is_listed: bool = False
    is_partial: bool = False
    """Whether places were forgotten, so that ranks are unknown."""
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
        place = Place(
            node.parent_id,
            str(node.record.get("span_id", node.span_id)),
            node.is_call,
            node.record.get("session_id"),
            node.begin,
            None if node.is_own else node.record.get("step"),
        )
        for key in {node.span_id, node.key}:
            self._size += key not in tree.places
            tree.places[key] = place
        while self._size > MAX_REMEMBERED and len(self._trees) > 1:
            _, oldest = self._trees.popitem(last=False)
            self._size -= len(oldest.places) + 1
        if self._size > MAX_REMEMBERED:
            tree.is_partial = True
            forgotten = next(iter(tree.places))
            del tree.places[forgotten]
            tree.above_calls.discard(forgotten)
            tree.above_records.discard(forgotten)
            self._size -= 1


class Lineage:
    """The ancestors of a trace's spans, held and remembered ones."""

    def __init__(self, tree: Tree, nodes: Sequence[Node]) -> None:
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
        return self.session_above(node.span_id, node.parent_id)

    def session_above(self, span_id: str, parent_id: str) -> str | None:
        """Return the session of the nearest ancestor of any span."""
        for ancestor in islice(self._above(span_id, parent_id), MAX_DEPTH):
            if (held := self._held.get(ancestor)) is not None:
                session = held.record.get("session_id")
            else:
                place = self._tree.places.get(ancestor)
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
        return self._above(node.span_id, node.parent_id)

    def _above(self, span_id: str, parent_id: str) -> Iterator[str]:
        seen = {span_id}
        while parent_id and parent_id not in seen:
            yield parent_id
            seen.add(parent_id)
            parent = self._held.get(parent_id) or self._tree.places.get(parent_id)
            parent_id = parent.parent_id if parent is not None else ""
