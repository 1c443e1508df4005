"""The window of records to keep: `--last 24h`, `--last 1000000`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Retention:
    """The last `records`, or the records of the last `span` of the log; None: all."""

    records: int | None = None
    span: timedelta | None = None

    @classmethod
    def of(cls, text: str) -> Retention:
        """Parse `1000000`, or `90s`, `30m`, `24h`, `7d`. Raises ValueError."""
        match = re.fullmatch(r"0*([1-9][0-9]*)([smhd]?)", text)
        if not match:
            raise ValueError(f"{text}: neither a number of records nor a time like 24h")
        if len(match[1]) > _MAX_DIGITS:
            raise ValueError(f"{text}: too large, a number has {_MAX_DIGITS} digits at most")
        number, unit = int(match[1]), _UNITS.get(match[2])
        return cls(span=timedelta(**{unit: number})) if unit else cls(records=number)


_MAX_DIGITS = 9
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
EVERYTHING = Retention()
