"""Ambiguity of regular expressions: the number of ways to match the same text.

Python's `re` tries all of them before it gives up, and nothing can interrupt it. A pattern is
turned into an automaton of positions, one per character class, that counts paths: two paths over
the same text are two attempts. Repeated probe texts show whether their number grows.
"""

from __future__ import annotations

import functools
import itertools
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias, cast

_MAX_WAYS: Final = 200
"""Maximum ways to match a prefix; `x{1,100}x{1,100}` has 100."""

_PROBE_REPEATS: Final = 256
"""Repetitions of a probe; `x+x+` has about this number of ways."""

_MAX_COPIES: Final = 100
"""Maximum copies made of a limited repeat; above it, the repeat counts as unlimited."""

_MAX_POSITIONS: Final = 3_000
_MAX_PAIRED: Final = 12
"""Maximum kinds of characters of which pairs are probed."""

_MAX_RUNS: Final = 50
"""Maximum literal runs that are probed."""

_ALPHABET: Final = "".join(map(chr, range(128))) + "é日٣\u00a0ſ"
"""Characters by which classes are compared, beside those in the pattern itself."""

Node: TypeAlias = Any
"""A node of the standard library's parse tree: (operation, argument)."""


class TooLargeError(ValueError):
    """The pattern has too many positions to be analysed."""


@functools.lru_cache(256)
def is_ambiguous(pattern: re.Pattern[str]) -> bool:
    """Whether a text exists that takes `pattern` many attempts from a single start.

    Raise TooLargeError for a pattern that is too large to be analysed.
    """
    # Not public, but unchanged from Python 3.11 to 3.14, and part of `re` itself.
    tree = cast("Any", sys.modules["re._parser"]).parse(pattern.pattern, pattern.flags)
    if not _has_repeat(tree):  # a list of words may be long
        return False
    automaton = _Automaton(tree, pattern.flags)
    return any(automaton.ways(probe) > _MAX_WAYS for probe in automaton.probes())


class _Fragment(NamedTuple):
    """Part of an automaton; counters have the number of paths, `empty` those over no text."""

    empty: int
    first: Counter[int]
    last: Counter[int]
    final: frozenset[int]
    """Last positions after which the match cannot fail any more."""
    is_sure: bool
    """Whether the empty text always matches, as it does not where an assertion is."""


_NOTHING: Final = _Fragment(1, Counter(), Counter(), frozenset(), is_sure=True)
_ASSERTION: Final = _NOTHING._replace(is_sure=False)


class _Automaton:
    """Positions, the characters of each, and the number of ways from one to another."""

    def __init__(self, tree: Iterable[Node], flags: int) -> None:
        self._ignores_case = bool(flags & re.IGNORECASE)
        self._characters: list[frozenset[str]] = []
        self._follow: list[Counter[int]] = []
        self._runs: dict[str, None] = {}
        self._matched: dict[tuple[str, int], frozenset[str]] = {}
        self._alphabet = dict.fromkeys(_ALPHABET)
        _collect(tree, self._alphabet)
        self._asserted: list[frozenset[int]] = []
        self._final = self._sequence(tree).final.union(*self._asserted)
        self._by_character = {
            character: [n for n, matched in enumerate(self._characters) if character in matched]
            for character in self._alphabet
        }

    def probes(self) -> Iterator[str]:
        """Yield texts to repeat: one of each kind of character, pairs, and the literal runs."""
        kinds: dict[tuple[int, ...], str] = {}
        for character, positions in self._by_character.items():
            if positions:
                kinds.setdefault(tuple(positions), character)
        yield from kinds.values()
        yield from itertools.islice(self._runs, _MAX_RUNS)
        if len(kinds) <= _MAX_PAIRED:
            yield from map("".join, itertools.permutations(kinds.values(), 2))

    def ways(self, probe: str) -> int:
        """Return the maximum number of unfinished matches of a repeated probe."""
        most, seen = 0, set[int]()
        for start in self._by_character[probe[-1]]:
            # A position that an earlier start reached at the end of a probe has fewer ways.
            if start not in self._final and start not in seen:
                most = max(most, self._ways_from(start, probe, seen))
        return most

    def _ways_from(self, start: int, probe: str, seen: set[int]) -> int:
        paths, most = Counter({start: 1}), 1
        for number in range(_PROBE_REPEATS * len(probe)):
            character, after = probe[number % len(probe)], Counter[int]()
            for position, count in paths.items():
                for following, ways in self._follow[position].items():
                    if character in self._characters[following] and following not in self._final:
                        after[following] += count * ways
            paths, most = after, max(most, after.total())
            if not paths or most > _MAX_WAYS:
                break
            if (number + 1) % len(probe) == 0:
                seen.update(paths)
        return most

    # -- construction

    def _sequence(self, nodes: Iterable[Node]) -> _Fragment:
        whole, run = _NOTHING, ""
        for node in nodes:
            operation, argument = str(node[0]), node[1]
            if operation == "LITERAL":
                run += chr(argument)
            else:
                self._add_run(run)
                run = ""
            whole = self._joined(whole, self._fragment(operation, argument))
        self._add_run(run)
        return whole

    def _add_run(self, run: str) -> None:
        if len(run) > 1:
            self._runs[run] = None

    def _fragment(self, operation: str, argument: Any) -> _Fragment:  # noqa: ANN401 - as parsed
        match operation:
            case "MAX_REPEAT" | "MIN_REPEAT":
                found = self._repeat(*argument)
            case "SUBPATTERN":
                found = self._sequence(argument[-1])
            case "BRANCH" | "GROUPREF_EXISTS":
                found = self._either(
                    self._sequence(branch) for branch in _branches(operation, argument)
                )
            case "ATOMIC_GROUP":
                found = self._apart(argument)
            case "POSSESSIVE_REPEAT":
                found = self._apart(argument[2])
            case "ASSERT" | "ASSERT_NOT":
                self._asserted.append(self._sequence(argument[1]).final)
                found = _ASSERTION
            case "AT" | "FAILURE":
                found = _ASSERTION
            case "GROUPREF":
                found = self._either((self._position(frozenset(self._alphabet)), _NOTHING))
            case _:
                found = self._position(self._matched_by(operation, argument))
        return found

    def _apart(self, nodes: Iterable[Node]) -> _Fragment:
        """Return one position for nodes to which the search does not come back."""
        begin = len(self._characters)
        inner = self._sequence(nodes)
        self._asserted.append(inner.final)
        outer = self._position(frozenset[str]().union(*self._characters[begin:]))
        return self._either((outer, _NOTHING)) if inner.empty else outer

    def _repeat(self, least: int, most: int, nodes: Iterable[Node]) -> _Fragment:
        nodes = list(nodes)
        if most > _MAX_COPIES:
            whole = _NOTHING
            for _ in range(min(least, _MAX_COPIES) - 1):
                whole = self._joined(whole, self._sequence(nodes))
            return self._joined(whole, self._loop(nodes, is_optional=least == 0))
        optional = _NOTHING
        for _ in range(most - least):  # x{0,3} is (x(x(x)?)?)?
            optional = self._either((self._joined(self._sequence(nodes), optional), _NOTHING))
        whole = _NOTHING
        for _ in range(least):
            whole = self._joined(whole, self._sequence(nodes))
        return self._joined(whole, optional)

    def _loop(self, nodes: Iterable[Node], *, is_optional: bool) -> _Fragment:
        inner = self._sequence(nodes)
        self._connect(inner.last, inner.first)
        return self._either((inner, _NOTHING)) if is_optional else inner

    def _joined(self, before: _Fragment, after: _Fragment) -> _Fragment:
        self._connect(before.last, after.first)
        is_skipped = after.empty and after.is_sure
        return _Fragment(
            _few(before.empty * after.empty),
            before.first + _times(after.first, before.empty),
            after.last + _times(before.last, after.empty),
            after.final | before.final if is_skipped else after.final,
            before.is_sure and after.is_sure,
        )

    @staticmethod
    def _either(fragments: Iterable[_Fragment]) -> _Fragment:
        each = list(fragments)
        first, last = Counter[int](), Counter[int]()
        for fragment in each:
            first.update(fragment.first)
            last.update(fragment.last)
        return _Fragment(
            _few(sum(fragment.empty for fragment in each)),
            first,
            last,
            frozenset[int]().union(*(fragment.final for fragment in each)),
            any(fragment.empty and fragment.is_sure for fragment in each),
        )

    def _connect(self, before: Counter[int], after: Counter[int]) -> None:
        for position, ways in before.items():
            self._follow[position] += _times(after, ways)

    def _position(self, characters: frozenset[str]) -> _Fragment:
        number = len(self._characters)
        if number >= _MAX_POSITIONS:
            raise TooLargeError(f"more than {_MAX_POSITIONS} positions")
        self._characters.append(characters)
        self._follow.append(Counter())
        one = Counter({number: 1})
        return _Fragment(0, one, one, frozenset((number,)), is_sure=False)

    def _matched_by(self, operation: str, argument: Any) -> frozenset[str]:  # noqa: ANN401 - as parsed
        """Return the characters of the alphabet that match a node of one character."""
        key = operation, id(argument)  # copies of a repeat share their nodes
        if key not in self._matched:
            self._matched[key] = frozenset(
                character
                for character in self._alphabet
                if _is_matched(operation, argument, character)
                or (self._ignores_case and _is_matched(operation, argument, _other_case(character)))
            )
        return self._matched[key]


def _branches(operation: str, argument: Any) -> list[Any]:  # noqa: ANN401 - as parsed
    """Return the alternatives of `a|b`, or of `(?(1)a|b)`, whose second one may be missing."""
    if operation == "BRANCH":
        return _children(argument[1])
    _, first, second = argument
    return [first, second or ()]


def _is_matched(operation: str, argument: Any, character: str) -> bool:  # noqa: ANN401 - as parsed
    code = ord(character)
    match operation:
        case "LITERAL" | "NOT_LITERAL":
            found = (code == argument) == (operation == "LITERAL")
        case "RANGE":
            found = argument[0] <= code <= argument[1]
        case "CATEGORY":
            found = _is_of_category(str(argument), character)
        case "IN":
            is_negated = str(argument[0][0]) == "NEGATE"
            found = is_negated != any(
                _is_matched(str(item), value, character) for item, value in argument
            )
        case _:
            found = operation != "NEGATE"  # ANY: of a line break, too, which errs on the safe side
    return bool(found)


def _other_case(character: str) -> str:
    return character.swapcase()[0]


def _is_of_category(name: str, character: str) -> bool:
    is_negated = "_NOT_" in name
    kind = name.rpartition("_")[2]
    if kind == "DIGIT":
        found = character.isdecimal()
    elif kind == "SPACE":
        found = character.isspace()
    else:
        found = character.isalnum() or character == "_"
    return found != is_negated


def _has_repeat(tree: Node) -> bool:
    """Whether anything in a parse tree may be matched a different number of times."""
    children = _children(tree)
    if isinstance(tree, tuple) and str(children[0]) in _REPEATS:
        least, most, _ = children[1]
        if least != most:
            return True
    return any(map(_has_repeat, children))


_REPEATS: Final = frozenset(("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"))


def _collect(tree: Node, alphabet: dict[str, None]) -> None:
    """Add all characters in a parse tree, and the ends of its ranges."""
    for node in _children(tree):
        match _children(node):
            case [operation, int(code)] if str(operation) in {"LITERAL", "NOT_LITERAL"}:
                alphabet[chr(code)] = None
            case [operation, (int(first), int(last))] if str(operation) == "RANGE":
                alphabet |= dict.fromkeys((chr(first), chr(last)))
            case _:
                _collect(node, alphabet)


def _children(node: Node) -> list[Any]:
    """Return the parts of a node or a sequence; none for other values."""
    return list(node) if hasattr(node, "__getitem__") else []


def _times(counts: Counter[int], factor: int) -> Counter[int]:
    return Counter({position: _few(count * factor) for position, count in counts.items() if factor})


def _few(count: int) -> int:
    """Cap a count: beyond the maximum it makes no difference."""
    return min(count, _MAX_WAYS + 1)
