"""Rows come in parts by their keys, and those of a key with few rows come later."""

from __future__ import annotations

import polars as pl
import pytest
from tests.analysis.planted import seeded

from llmlog_tui.analysis.numeric.partition import KeyPartitioner


def rows(*keys: str | None, first: int = 0) -> pl.DataFrame:
    schema = {"key": pl.Categorical(), "n": pl.Int64()}
    return pl.DataFrame({"key": keys, "n": range(first, first + len(keys))}, schema=schema)


def numbers(parts: dict[tuple[str | None, ...], pl.DataFrame]) -> dict[str | None, list[int]]:
    return {key: part["n"].to_list() for (key,), part in parts.items()}


def test_a_key_has_its_rows_in_order_null_too() -> None:
    parts = KeyPartitioner("key").split(rows("a", None, "b", "a", None))
    assert numbers(parts) == {"a": [0, 3], None: [1, 4], "b": [2]}


def test_rows_of_a_key_with_few_are_held_back_until_there_are_more() -> None:
    by_key = KeyPartitioner("key", min_rows=3)
    assert numbers(by_key.split(rows("a", "b", "a", "b"))) == {}
    assert numbers(by_key.split(rows("b", "c", first=4))) == {"b": [1, 3, 4]}
    assert numbers(by_key.split(rows("b", first=6))) == {"b": [6]}
    assert numbers(by_key.split(rows())) == {}
    assert numbers(by_key.split(rows("c", "a", "c", first=7))) == {"c": [5, 7, 9], "a": [0, 2, 8]}


@pytest.mark.parametrize("min_rows", [1, 4, 21])
def test_however_rows_come_in_each_key_gets_all_of_its_rows_once(min_rows: int) -> None:
    rng = seeded(min_rows)
    keys = [rng.choice(("a", "b", "c", None)) for _ in range(300)]
    by_key, found = KeyPartitioner("key", min_rows=min_rows), dict[str | None, list[int]]()
    at = 0
    while at < len(keys):
        size = rng.randint(0, 9)
        for key, part in numbers(by_key.split(rows(*keys[at : at + size], first=at))).items():
            found.setdefault(key, []).extend(part)
        at += size
    assert found == {key: [n for n, k in enumerate(keys) if k == key] for key in set(keys)}
