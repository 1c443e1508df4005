"""Records by an id, whole or its first characters."""

from __future__ import annotations

from functools import partial

import pytest
from tests.analysis.conftest import Frame, Record

from llmlog_tui.analysis.calls.lookup import NoIdError, find_by_id, resolve_id
from llmlog_tui.log.schema import ALL_IDS

LONG = "7c1d4e8a5b6f"


def trace(*ids: str) -> list[Record]:
    return [{"trace_id": each} for each in ids]


@pytest.mark.parametrize("name", ALL_IDS)
@pytest.mark.parametrize("wanted", [LONG, LONG[:6]])
def test_any_id_is_found_whole_or_by_six_characters(frame: Frame, name: str, wanted: str) -> None:
    found, _ = find_by_id(frame([{"model": "m"}, {name: LONG}, {name: "other"}]), wanted)
    assert found["row"].to_list() == [1]


def test_who_has_the_whole_id_stands_alone(frame: Frame) -> None:
    found, _ = find_by_id(frame(trace("abcdef", "abcdef12", "abcdef")), "abcdef")
    assert found["row"].to_list() == [0, 2]


def test_a_prefix_may_begin_several_ids(frame: Frame) -> None:
    found, _ = find_by_id(frame(trace("abcdef1", "abcdef2", "abcde")), "abcdef")
    assert found.height == 2


@pytest.mark.parametrize("wanted", ["abcde", "abcdefx"])
def test_what_is_not_there_is_named(frame: Frame, wanted: str) -> None:
    with pytest.raises(NoIdError, match=f"no .*request_id.* '{wanted}'"):
        find_by_id(frame(trace("abcdef1")), wanted)


def test_a_short_whole_id_is_the_one(frame: Frame) -> None:
    assert resolve_id(frame(trace("t", "t1", "t")), "trace_id", "t") == "t"


def test_a_prefix_that_begins_one_id_is_the_one(frame: Frame) -> None:
    assert resolve_id(frame([*trace("abcdef1", "abc"), {}]), "trace_id", "abcdef") == "abcdef1"


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("abcdef", "'abcdef' begins 2 trace_ids: abcdef1, abcdef2"),
        ("abcd", r"no trace_id is 'abcd' \(give 6 characters or more of a longer one\)"),
        ("missing", "no trace_id is or begins with 'missing'; there are 4, the last .*, x, y"),
    ],
)
def test_who_asks_for_none_or_several_is_told_which_there_are(
    frame: Frame, wanted: str, says: str
) -> None:
    with pytest.raises(NoIdError, match=says):
        resolve_id(frame(trace("abcdef1", "abcdef2", "x", "y")), "trace_id", wanted)


@pytest.mark.parametrize("wanted", [LONG.upper(), LONG[:6].upper()])
def test_case_is_ignored_where_no_id_is_as_written(frame: Frame, wanted: str) -> None:
    log = frame(trace("t", LONG))
    assert find_by_id(log, wanted)[0]["row"].to_list() == [1]
    assert resolve_id(log, "trace_id", wanted) == LONG


def test_an_id_as_written_precedes_those_in_another_case(frame: Frame) -> None:
    log = frame(trace("Req_00", "req_00", "REQ_00-1"))
    assert find_by_id(log, "req_00")[0]["row"].to_list() == [1]
    assert resolve_id(log, "trace_id", "REQ_00") == "REQ_00-1", "the only one it begins"
    assert find_by_id(log, "rEQ_00")[0]["row"].to_list() == [0, 1]
    with pytest.raises(
        NoIdError, match="'rEQ_00' is, in another case, 2 trace_ids: Req_00, req_00"
    ):
        resolve_id(log, "trace_id", "rEQ_00")


def test_an_empty_id_is_said_to_be_one_and_nothing_else(frame: Frame) -> None:
    log = frame(trace("t"))
    for ask in (partial(find_by_id, log), partial(resolve_id, log, "trace_id")):
        with pytest.raises(NoIdError, match=r"^an empty id: is a variable empty\?$"):
            ask("")


def test_a_log_without_traces_says_so(frame: Frame) -> None:
    with pytest.raises(NoIdError, match="there are none at all"):
        resolve_id(frame([{}]), "trace_id", "abcdef")
