"""Questions of a coding agent about the sample, in any kind of log."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from llmlog_tui.commands.agent_tools import AgentTools
from llmlog_tui.config.rules import DEFAULT

Question = tuple[str, tuple[object, ...]]

QUESTIONS: Final[tuple[Question, ...]] = (
    ("stats", ("session",)),
    ("stats", ("model", 500, "latency_ms > 1000")),
    ("find", ("req_683115a8",)),
    ("find", ("cd613e30",)),
    ("trace", ("cd613e30",)),
    ("trace", ("failed",)),
    ("diff", ("cd613e30", "38762a22")),
    ("slow", (3_000, "model = 'gpt-5'", 10)),
    ("alerts", ()),
    ("sql", ("select model, count(*) as n, avg(latency_ms) from calls group by 1 order by 1",)),
)


def is_over_window(question: Question) -> bool:
    """Return whether a question is answered over the window of a table or a big archive."""
    return question[0] in {"slow", "alerts", "sql"}


def answers_over(log: str | Path) -> dict[Question, Any]:
    """Return the answers about a log, without file names; numbers to nine digits."""
    with closing(AgentTools([str(log)], DEFAULT, content=True)) as tools:
        texts = {ask: getattr(tools, ask[0])(*ask[1]) for ask in QUESTIONS}
    # Sums of prices depend on their order.
    answers = {ask: json.loads(text, parse_float=_rounded) for ask, text in texts.items()}
    for answer in answers.values():
        answer.pop("files", None)
        for rows in filter(lambda value: isinstance(value, list), answer.values()):
            for row in (row for row in rows if isinstance(row, dict)):
                row.pop("file", None)
                row.pop("line", None)
    return answers


def _rounded(number: str) -> float:
    return float(f"{float(number):.9g}")
