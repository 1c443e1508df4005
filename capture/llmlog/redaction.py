"""Redaction of recorded content that leaves the machine: reports, bundles, answers to agents."""

from __future__ import annotations

from typing import Final

from llmlog._jsonable import jsonable
from llmlog._redaction.redactor import PERSONAL, SECRETS, Redactor

__all__ = ["redact"]

_REDACTOR: Final = Redactor((*SECRETS, *PERSONAL), summarise_data=True)


def redact(value: object) -> object:
    """Return a JSON structure as `content="redacted"` writes it.

    Secrets, personal data and inline data are replaced by `[redacted:kind]` in place.
    """
    return _REDACTOR.json(jsonable(value))
