"""The grep of a record: a shell runs it and finds the line, whatever the value is."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from llmlog_tui.sanitize import grep


def test_a_record_of_a_table_is_found_by_llmlog_itself() -> None:
    url = "clickhouse://127.0.0.1/llm.calls"
    command = grep("trace_id", "a'b", b'"trace_id": "a\'b"', url)
    assert shlex.split(command) == ["llmlog", "find", "a'b", url]


@pytest.mark.parametrize("separators", [(", ", ": "), (",", ":")], ids=["spaced", "compact"])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(
    "value",
    [
        "7c1d4e8a",
        "x'; touch pwned; echo '",
        "a.b*[c]",
        'quote"back\\slash',
        "é漢\U0001f600",
        "$HOME",
    ],
)
def test_the_shell_finds_the_line_and_no_other(
    tmp_path: Path,
    value: str,
    separators: tuple[str, str],
    escaped: bool,  # noqa: FBT001
) -> None:
    line = json.dumps({"trace_id": value, "step": 0}, separators=separators, ensure_ascii=escaped)
    log = tmp_path / "the calls.jsonl"
    log.write_text(f'{line}\n{{"trace_id": "other"}}\n')
    command = grep("trace_id", value, line.encode(), str(log))
    found = subprocess.run(
        ["sh", "-c", command], check=False, cwd=tmp_path, capture_output=True, text=True
    )
    assert found.stdout == line + "\n", command
    assert list(tmp_path.iterdir()) == [log]


def test_a_plain_id_needs_no_flag() -> None:
    line = b'{"trace_id": "7c1d4e8a"}'
    assert (
        grep("trace_id", "7c1d4e8a", line, "c.jsonl") == 'grep \'"trace_id": "7c1d4e8a"\' c.jsonl'
    )


@pytest.mark.parametrize(("end", "pack"), [(".gz", "gzip"), (".zst", "zstd")])
def test_a_compressed_file_is_looked_through_too(tmp_path: Path, end: str, pack: str) -> None:
    if shutil.which(pack) is None:
        pytest.skip(f"{pack} is not there")
    log = tmp_path / "calls.jsonl"
    log.write_text('{"trace_id": "a"}\n{"trace_id": "b"}\n')
    subprocess.run([pack, "-q", log], check=True)
    command = grep("trace_id", "b", b'{"trace_id": "b"}', f"{log}{end}")
    found = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)
    assert found.stdout == '{"trace_id": "b"}\n', command
