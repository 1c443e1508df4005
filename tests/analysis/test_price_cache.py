"""Prices from the cache are those of genai-prices, or it is asked."""

from __future__ import annotations

import math
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from unittest.mock import Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.searches import examples

from llmlog_tui.analysis.calls import price_cache, price_list
from llmlog_tui.analysis.calls.price_cache import PriceCache, user_prices
from llmlog_tui.analysis.calls.price_list import listed, look_up
from llmlog_tui.analysis.calls.prices import Hours, Price, Rates

HOST = "api.openai.com"
MODEL = "gpt-5-mini"
TIMES = st.times().map(lambda at: at.replace(fold=0))  # in UTC no hour is repeated
USD = st.floats(0, 1e6) | st.floats()
PRICES = st.lists(
    st.builds(
        Price,
        st.builds(Rates, USD, USD, *[st.none() | USD] * 3, USD),
        st.none() | st.dates(),
        st.none() | st.builds(Hours, TIMES, TIMES),
        st.none() | st.integers(0, 2**63 - 1),
    ),
    max_size=4,
).map(tuple)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's cache, which is on; no price was looked up yet."""
    monkeypatch.delenv("LLMLOG_NO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield tmp_path / "llmlog" / "parsed"
    forget()


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Counts the prices that genai-prices was asked for."""
    counted = Mock(side_effect=look_up)
    monkeypatch.setattr(price_list, "look_up", counted)
    return counted


def forget() -> None:
    """Begin another process."""
    listed.cache_clear()
    price_cache._opened.cache_clear()  # noqa: SLF001 - as a process ends
    price_cache._identity.cache_clear()  # noqa: SLF001 - as a process ends


_MODELS_EACH: Final = 100
"""Models compared of each provider: each one added writes all before it."""


def test_the_prices_of_all_providers_are_the_same_from_the_cache(tmp_path: Path) -> None:
    data = pytest.importorskip("genai_prices.data")
    models = 0
    for provider in data.providers:
        names = [model.id for model in provider.models]
        models += len(names)
        known = PriceCache(tmp_path / provider.id)
        expected = {name: look_up(provider.id, name) for name in names[-_MODELS_EACH:]}
        for name, prices in expected.items():
            known.add(provider.id, name, prices)
        again = PriceCache(tmp_path / provider.id)
        assert {name: again.get(provider.id, name) for name in expected} == expected
    assert models > 1_000


@settings(max_examples=examples(100))
@given(PRICES)
def test_whatever_the_prices_the_cache_gives_them_to_the_last_digit_or_none(
    prices: tuple[Price, ...],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        entry = Path(name) / "prices"
        PriceCache(entry).add(HOST, MODEL, prices)
        found = PriceCache(entry).get(HOST, MODEL)
    numbers = [each for price in prices for each in vars(price.rates).values() if each is not None]
    if all(map(math.isfinite, numbers)):
        assert repr(found) == repr(prices)
    else:
        assert found is None


@pytest.mark.parametrize("model", [MODEL, "unheard-of"])
def test_a_price_is_looked_up_once_even_if_there_is_none(
    folder: Path, looked_up: Mock, model: str
) -> None:
    expected = look_up(HOST, model)
    for _ in range(2):
        assert listed(HOST, model) == expected
        forget()
    assert looked_up.call_count == 1
    (entry,) = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_models_and_providers_are_told_apart(folder: Path) -> None:
    pairs = [(HOST, MODEL), (HOST, "o3"), ("openai", MODEL), ("", HOST + MODEL), (HOST + MODEL, "")]
    expected = {pair: look_up(*pair) for pair in pairs}
    for _ in ("looked up", "from the cache"):
        assert {pair: listed(*pair) for pair in pairs} == expected
        forget()
    assert folder.exists()


def test_another_version_of_genai_prices_or_of_llmlog_is_asked_again(
    folder: Path, looked_up: Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "genai_prices"
    installed.mkdir()
    for name in ("__init__.py", "data.py"):
        (installed / name).write_text("price = 1")
    spec = Mock(origin=str(installed / "__init__.py"))
    monkeypatch.setattr(price_cache, "find_spec", lambda _: spec)
    listed(HOST, MODEL)
    forget()
    new = tmp_path / "new"
    new.write_text("price = 2")
    new.replace(installed / "data.py")
    listed(HOST, MODEL)
    assert looked_up.call_count == 2
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:0],
        lambda data: data[:40],
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
    ],
    ids=["empty", "cut", "a flipped bit"],
)
def test_a_damaged_entry_is_ignored_and_written_again(
    folder: Path, looked_up: Mock, damage: Callable[[bytes], bytes]
) -> None:
    expected = listed(HOST, MODEL)
    (entry,) = folder.iterdir()
    entry.write_bytes(damage(entry.read_bytes()))
    for _ in range(2):
        forget()
        assert listed(HOST, MODEL) == expected
    assert looked_up.call_count == 2


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    known = PriceCache(tmp_path / "file" / "prices")
    known.add(HOST, MODEL, (Price(Rates(1.0, 2.0)),))
    assert known.get(HOST, MODEL) is None


@pytest.mark.parametrize("name", ["a" * 201, "half a pair \ud83d"])
def test_a_name_that_no_model_has_is_not_kept(tmp_path: Path, name: str) -> None:
    known = PriceCache(tmp_path / "prices")
    known.add(HOST, name, ())
    known.add(name, MODEL, ())
    assert not list(tmp_path.iterdir())


def test_of_many_models_the_newest_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(price_cache, "_MAX_MODELS", 3)
    known = PriceCache(tmp_path / "prices")
    for number in range(5):
        known.add(HOST, str(number), ())
    again = PriceCache(tmp_path / "prices")
    assert [again.get(HOST, str(number)) for number in range(5)] == [None, None, (), (), ()]


def test_without_genai_prices_nothing_is_kept_that_its_installation_would_not_change(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setitem(sys.modules, "genai_prices.data_snapshot", None)
        assert listed(HOST, MODEL) == ()
    forget()
    assert not folder.exists()
    assert listed(HOST, MODEL)
    forget()
    monkeypatch.setattr(price_cache, "find_spec", lambda _: None)
    assert user_prices() is None


def test_with_the_cache_off_prices_are_neither_read_nor_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMLOG_NO_CACHE", "1")
    assert listed(HOST, MODEL)
    assert user_prices() is None
    assert not folder.exists()


def test_prices_of_the_installations_used_last_are_kept(folder: Path, looked_up: Mock) -> None:
    pytest.importorskip("genai_prices")
    folder.mkdir(parents=True)
    for age in range(9):
        entry = folder / f"{age}.prices"
        entry.write_bytes(b"")
        os.utime(entry, (1_000_000_000 - age, 1_000_000_000 - age))
    listed(HOST, MODEL)
    assert looked_up.call_count == 1
    kept = {entry.name for entry in folder.iterdir()}
    assert kept >= {"0.prices", "1.prices", "2.prices"}
    assert len(kept) == 4, "those, and the ones of this installation"
