"""How files begin is known before any is read, for formats whose files have lines in common."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.formats.wrappers import WRAPPERS

from llmlog_tui.formats import Item, LogState
from llmlog_tui.formats.registry import FORMATS
from llmlog_tui.formats.shared_state import LOADING
from llmlog_tui.log import peek as peeking
from llmlog_tui.log.peek import peek
from llmlog_tui.log.sources import STDIN


class Peeking:
    """A format that only notes how files begin."""

    name = "Peeking"
    calls = True

    def detect(self, items: Sequence[Item]) -> bool:
        return any("peek" in item for item in items)

    def converter(self, log: LogState) -> Any:  # noqa: ANN401 - never asked
        raise AssertionError(log)

    def content(self, item: Item, record: Item) -> Item:
        return {**item, **record}

    def peek(self, log: LogState, items: Iterable[Item]) -> object | None:
        found = [item["peek"] for item in items if self.detect([item])]
        if not found:
            return None
        log.setdefault("begins", []).append(found)
        return str(found[0])


def peeked(*files: Path) -> list[list[Any]]:
    states: dict[str, LogState] = {}
    peek(files, states, [Peeking()])
    assert states["Peeking"][LOADING] is True
    found: list[list[Any]] = states["Peeking"].get("begins", [])
    return found


def lines(*values: object) -> bytes:
    return b"".join(json.dumps({"peek": value}).encode() + b"\n" for value in values)


def test_the_first_objects_of_each_file_are_given_to_its_format(tmp_path: Path) -> None:
    one, two, packed = (tmp_path / name for name in ("one.jsonl", "two.jsonl", "three.jsonl.gz"))
    one.write_bytes(lines(1, 2) + b"\n" + lines(3)[:-1])
    two.write_bytes(lines(*range(30)))
    packed.write_bytes(gzip.compress(lines("a")))
    assert peeked(one, two, packed) == [[1, 2, 3], list(range(20)), ["a"]]


def test_files_that_begin_alike_have_that_in_common_and_others_have_nothing(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in ("one.jsonl", "two.jsonl", "three.jsonl"))
    one.write_bytes(lines("a", "b"))
    two.write_bytes(lines("a", "c"))
    three.write_bytes(b'{"event": "span"}\n')
    begins = peek([one, three, two], {}, [Peeking()])
    assert begins[0] == begins[2] is not None
    assert begins[1] is None


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_are_undone(tmp_path: Path, wrap: Any) -> None:  # noqa: ANN401 - Wrap
    log = tmp_path / "log.jsonl"
    log.write_bytes(b"\n".join(wrap(lines(1)[:-1])) + b"\n")
    assert peeked(log) == [[1]]


def test_a_first_line_longer_than_usual_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setattr(peeking, "_BYTES", 16)
    log.write_bytes(lines("x" * 500, 2))
    assert peeked(log)[0][0] == "x" * 500
    monkeypatch.setattr(peeking, "_MAX_BYTES", 64)
    assert peeked(log) == [], "but not without end"


def test_what_is_missing_or_of_another_format_or_standard_input_is_passed_over(
    tmp_path: Path,
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_bytes(b'{"event": "span"}\nchatter\n')
    assert peeked(tmp_path / "none.jsonl", other, STDIN, tmp_path) == []


def test_every_format_knows_that_its_log_is_loading() -> None:
    states: dict[str, LogState] = {}
    peek([], states)
    assert {name for name, state in states.items() if state[LOADING]} == {
        each.name for each in FORMATS
    }
