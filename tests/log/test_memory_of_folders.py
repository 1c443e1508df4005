"""What stays in memory of a folder's files once they are read."""

from __future__ import annotations

import gc
from contextlib import closing
from pathlib import Path

import pytest
from tests.formats.test_claude_code import TURN

from llmlog_tui.formats.json_text import dump
from llmlog_tui.log.line_splitter import Block
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.sources import Sources

OWN = b'{"event": "span", "trace_id": "t", "step": 1}\n'
SESSION = b"".join(dump(item) + b"\n" for item in TURN)


@pytest.mark.parametrize("lines", [OWN, SESSION], ids=["llmlog", "Claude Code"])
def test_no_block_of_a_file_is_kept_after_it_was_read(tmp_path: Path, lines: bytes) -> None:
    for number in range(5):
        (tmp_path / f"{number}.jsonl").write_bytes(lines)
    with closing(Reader(Sources([str(tmp_path)], must_exist=True))) as reader:
        while reader.step():
            pass
        reader.loaded()
        gc.collect()
        paths = set(reader.files)
        kept = [each for each in gc.get_objects() if isinstance(each, Block)]
        assert len(paths) == 5
        assert not [block for block in kept if block.data == lines]
