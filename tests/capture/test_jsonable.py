"""Copies of content are plain JSON, and end however the content is made."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from llmlog._jsonable import MAX_NODES, MAX_REPEATED_NODES, jsonable

MOST_TEXT = 100 * MAX_REPEATED_NODES


def text_of(value: object) -> str:
    return json.dumps(jsonable(value))


def test_plain_json_is_copied_as_it_is() -> None:
    given: object = {"a": [1, None, True, 2.5, "x", {"b": []}]}
    copy = jsonable(given)
    assert copy == given
    assert copy is not given


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ((1, 2), [1, 2]),
        (math.nan, None),
        (2**64, str(2**64)),
        ({1: "a"}, {"1": "a"}),
        (b"text", "text"),
        (b"\x89PNG", "data:application/octet-stream;base64,iVBORw=="),
    ],
)
def test_other_values_become_what_json_has_for_them(given: object, plain: object) -> None:
    assert jsonable([given]) == [plain]
    assert jsonable(given) == plain


def twice_itself() -> object:
    value: dict[str, Any] = {}
    value["a"] = value["b"] = value
    return value


def branches(levels: int) -> object:
    value: list[Any] = [1]
    for _ in range(levels):
        value = [value, value]
    return value


def tree_with_parents(levels: int, parent: object = None) -> dict[str, Any]:
    node: dict[str, Any] = {"parent": parent, "name": f"level {levels}"}
    node["children"] = [tree_with_parents(levels - 1, node) for _ in range(3 if levels else 0)]
    return node


def everyone_knows_everyone() -> object:
    people: list[dict[str, Any]] = [{"name": str(number)} for number in range(200)]
    for person in people:
        person["knows"] = [other for other in people if other is not person]
    return people


def deep(levels: int) -> object:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


ENDLESS = {
    "a structure that contains itself twice": twice_itself(),
    "28 levels of two branches": branches(28),
    "1,000 levels of two branches": branches(1_000),
    "a tree with links to parents": tree_with_parents(6),
    "a graph": everyone_knows_everyone(),
    "100,000 levels": deep(100_000),
    "a list of more than the most values": [0] * (MAX_NODES + 1),
}


@pytest.mark.parametrize("given", ENDLESS.values(), ids=ENDLESS)
def test_endless_structures_are_cut_and_say_so(given: object) -> None:
    text = text_of(given)
    assert "[cut: " in text
    assert len(text) < MOST_TEXT


def test_a_cycle_is_cut_where_it_closes() -> None:
    cut = "[cut: contains itself]"
    assert jsonable(twice_itself()) == {"a": cut, "b": cut}


def test_a_tree_with_parents_keeps_all_its_nodes() -> None:
    text = text_of(tree_with_parents(2))
    assert text.count('"name"') == 1 + 3 + 9


def test_what_is_shared_but_small_is_copied_each_time() -> None:
    shared = {"role": "system", "content": "Be brief."}
    assert jsonable([shared] * 1_000) == [shared] * 1_000


class Raises(Mapping[str, object]):
    """A foreign mapping that cannot be read."""

    def __getitem__(self, _: str) -> object:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1


def test_a_container_that_cannot_be_read_is_named() -> None:
    assert jsonable({"a": Raises(), "b": 1}) == {"a": "<Raises>", "b": 1}
