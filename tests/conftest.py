"""What all tests share: the samples, and a world in which they look the same everywhere."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are shown in local time: let that be UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.fixture
def root() -> Path:
    """The top of the repository."""
    return ROOT


@pytest.fixture
def sample(root: Path) -> Path:
    """The sample log that the README opens."""
    return root / "sample_logs" / "calls.jsonl"
