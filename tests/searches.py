"""How far Hypothesis searches: a quarter of the way in each run, all of it in .ci/run's."""

from __future__ import annotations

import os
from typing import Final

_IS_DEEP: Final = "LLMLOG_DEEP_SEARCH" in os.environ
_DEFAULT: Final = 100
"""Hypothesis's own number of examples."""


def examples(deep: int = _DEFAULT) -> int:
    """Return how many examples to try of `deep`, the number in a deep search."""
    return deep if _IS_DEEP else max(deep // 4, 5)
