"""What can be copied of a record."""

from __future__ import annotations

from typing import Final

CHOICES: Final = {
    "i": "id",
    "r": "request_id",
    "g": "grep",
    "l": "line",
    "t": "trace as Markdown",
    "m": "message",
    "p": "prompt",
    "a": "answer",
    "f": "function arguments",
    "c": "curl",
    "y": "Python",
}
"""Texts by the key that copies them."""
