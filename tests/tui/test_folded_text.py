"""The rows of long texts: counted without being made, whatever characters they have."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from llmlog_tui.tui.widgets.folded_text import FoldedText

LINES = ["", "short", "x" * 41, "é" * 41, "日" * 41, "日本" + "x" * 90, "\t" * 45, "é x" * 30]


@pytest.mark.parametrize("width", [2, 7, 20, 41, 80])
@pytest.mark.parametrize("line", LINES)
def test_rows_have_all_characters_and_fit(line: str, width: int) -> None:
    for text in (line, f"{line}\nend", f"日\n{line}\n{line}"):
        rows = FoldedText(text, width)
        made = list(rows)
        begins = [n for n in range(len(rows)) if not rows.is_continued(n)]
        assert len(begins) == text.count("\n") + 1
        assert len(made) == len(rows)
        assert all(cell_len(row) <= width for row in made)
        assert "".join(made) == text.replace("\n", "").replace("\t", " ")
