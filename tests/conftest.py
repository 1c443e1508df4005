"""What all tests share: the samples, and a world in which they look the same everywhere."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")  # how long an example takes says how busy the machine is

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
