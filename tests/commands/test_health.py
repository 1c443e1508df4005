"""`llmlog health`: every kind of fault, with the place of its first."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.commands.conftest import Run, Written


def sound(step: int, **fields: object) -> dict[str, Any]:
    call = {"event": "chat_completion", "session_id": "s", "trace_id": "t"}
    return {**call, "step": step, **fields}


def faults(llmlog: Run, *paths: Path) -> list[tuple[str, str | None, int, str, int]]:
    done = llmlog("health", *paths, "--json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert list(found) == ["files", "lines", "records", "skipped", "blanks", "faults", "format"]
    keys = ("kind", "name", "count", "file", "line")
    assert all(tuple(fault) == keys for fault in found["faults"])
    return [tuple(fault.values()) for fault in found["faults"]]


def test_a_sound_log_has_no_faults(llmlog: Run, sample: Path) -> None:
    assert faults(llmlog, sample) == []
    assert llmlog("health", sample).out.splitlines()[-1] == "no faults"


def test_one_line_is_one_line(llmlog: Run, written: Written) -> None:
    assert llmlog("health", written([sound(0)])).out.startswith("1 line: 1 record, 0 skipped, 0")


def test_every_fault_has_its_place(llmlog: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(
        "\n".join(
            [
                json.dumps(sound(0, ts="2026-11-23T09:00:09Z")),
                "",
                "no json",
                json.dumps(sound(1, latency_ms="soon")),
                "[]",
                json.dumps(sound(1)),
                json.dumps(sound(4, ts="2026-11-23T09:00:05Z")),
                json.dumps(sound(4, trace_id=None)),
                '{"event": "deploy", "trace_id": "t"}',
                '{"level": "info"}',
            ]
        )
    )
    name = str(path)
    assert faults(llmlog, path) == [
        ("skipped", "not_json", 1, name, 3),
        ("skipped", "not_object", 1, name, 5),
        ("skipped", "foreign", 1, name, 10),
        ("nulled", "latency_ms", 1, name, 4),
        ("unjoinable", "trace_id", 1, name, 8),
        ("duplicate_step", None, 1, name, 6),
        ("missing_step", None, 2, name, 7),
        ("step_backwards", None, 1, name, 7),
        ("end_backwards", None, 1, name, 7),
        ("unknown_event", "deploy", 1, name, 9),
    ]


def test_lines_add_up(llmlog: Run, root: Path) -> None:
    torn = root / "sample_logs" / "torn.jsonl"
    found = json.loads(llmlog("health", torn, "--json").out)
    assert found["lines"] == len(torn.read_bytes().splitlines())
    assert found["lines"] == found["records"] + found["skipped"] + found["blanks"]


def test_the_file_of_a_fault_is_named(llmlog: Run, written: Written, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(sound(0, ts=1)) + "\n\n" + json.dumps(sound(0, ts=0)) + "\n")
    assert faults(llmlog, written([sound(2, ts=9)]), other) == [
        ("duplicate_step", None, 1, str(other), 3),
        ("missing_step", None, 1, str(tmp_path / "written.jsonl"), 1),
    ]


@pytest.mark.parametrize("names", [("calls.jsonl.1.gz", ""), ("calls.jsonl.2", "calls.jsonl.1.gz")])
def test_the_first_of_a_rotated_log_is_in_its_oldest_part_though_it_is_compressed(
    llmlog: Run, tmp_path: Path, names: tuple[str, str]
) -> None:
    part = [
        sound(0),
        {"event": "deploy", "trace_id": "t"},
        sound(1, trace_id=None),
        sound(2),
        sound(2),
        sound(3),
    ]
    lines = [*map(json.dumps, part), "bad", '{"event": "response", "latency_ms": "x"}']
    for number, name in enumerate((*filter(None, names), "calls.jsonl")):
        text = "\n".join([f"no json {number}", *lines]).encode()
        path = tmp_path / name
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    found = faults(llmlog, tmp_path)
    assert {fault[3] for fault in found} == {str(tmp_path / names[0])}
    assert {(fault[0], fault[1]): fault[4] for fault in found} == {
        ("skipped", "not_json"): 1,
        ("nulled", "latency_ms"): 9,
        ("unjoinable", "session_id"): 9,
        ("unjoinable", "trace_id"): 4,
        ("unjoinable", "step"): 9,
        ("duplicate_step", None): 6,
        ("missing_step", None): 5,
        ("unknown_event", "deploy"): 3,
    }


def test_people_read_how_often_what_and_where(llmlog: Run, written: Written) -> None:
    path = written([sound(0), sound(0), {"event": "\x1b[31mX", "trace_id": "u"}])
    assert llmlog("health", path).out.splitlines() == [
        "3 lines: 3 records, 0 skipped, 0 blank",
        f"        1  records repeat a step of their trace, first at {path}:2",
        f"        1  records of the event ␛[31mX, unknown to llmlog, first at {path}:3",
    ]


def test_steps_of_the_log_are_not_missing_from_a_part_of_it(llmlog: Run, written: Written) -> None:
    steps = [sound(step, status="error" if step % 3 == 2 else "success") for step in range(9)]
    path = written(steps)
    failed = ["--where", "status = 'error'"]
    for part in (failed, ["--last", "3"]):
        assert llmlog("health", path, *part).out.splitlines()[1:] == ["no faults"], part
    path = written([*steps[:4], *steps[5:]])
    missing = f"        1  steps are missing between others of their trace, first at {path}:5"
    for part in ([], failed, ["--last", "8"]):
        assert llmlog("health", path, *part).out.splitlines()[1:] == [missing], part
    assert "no faults" in llmlog("health", path, "--where", "status = 'success'").out


def test_a_step_that_never_ended_is_not_missing(llmlog: Run, written: Written) -> None:
    begun = sound(1, event="start", span_id="dead", requested_model="gpt-5")
    assert llmlog("health", written([sound(0), begun, sound(2)])).out.splitlines() == [
        "3 lines: 2 records, 0 skipped, 0 blank, 1 start",
        "1 begun and not ended, the last is gpt-5 in run t",
        "no faults",
    ]
