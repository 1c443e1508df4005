"""What goes wrong in here stays in here: counted, warned about once, never raised to the caller."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class CaptureWarning(RuntimeWarning):
    """A record was lost or a call cannot be joined; the application's own work is untouched."""


class Guard:
    """Counts the faults of one session; `strict` raises them instead, for tests."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.faults = 0
        self._warned: set[str] = set()

    def caught(self, fault: Exception) -> None:
        """Count `fault` and warn about the first one."""
        if self.strict:
            raise fault
        self.faults += 1
        self.warn("fault", f"llmlog could not record: {type(fault).__name__}; see session.faults")

    def __enter__(self) -> None:
        """`with guard:` around what may fail; what comes after it runs in any case."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if not isinstance(exc, Exception):
            return False
        self.caught(exc)
        return True

    def warn(self, topic: str, message: str) -> None:
        """Warn once per topic; neither a raising filter nor a closed stderr reaches the caller."""
        if topic in self._warned:
            return
        self._warned.add(topic)
        try:
            warnings.warn(message, CaptureWarning, stacklevel=2)
        except Exception:
            if self.strict:
                raise


class Guarded(Protocol):
    """Anything that knows which guard its faults go to."""

    @property
    def guard(self) -> Guard:
        """Where its faults are counted."""
        ...


_Self = TypeVar("_Self", bound=Guarded)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def guarded(
    method: Callable[Concatenate[_Self, _P], _R],
) -> Callable[Concatenate[_Self, _P], _R | None]:
    """Make a method return None where it would have raised an Exception."""

    @functools.wraps(method)
    def within_guard(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            return method(self, *args, **kwargs)
        except Exception as fault:  # noqa: BLE001 - the whole point of this module
            self.guard.caught(fault)
            return None

    return within_guard
