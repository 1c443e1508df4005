"""Fault barrier: count exceptions of the library, warn once, never raise to the caller."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class CaptureWarning(RuntimeWarning):
    """A record was lost or cannot be joined; the application's own calls are unaffected."""


class Guard:
    """Fault counter of one session; `strict` raises faults instead, for tests."""

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.faults = 0
        self._warned: set[str] = set()

    def caught(self, fault: Exception) -> None:
        """Count `fault`, and warn about the session's first one."""
        if self.strict:
            raise fault
        self.faults += 1
        # The class alone: the text of an exception may hold content.
        self.warn("fault", f"llmlog could not record: {type(fault).__name__}; see session.faults")

    def __enter__(self) -> None:
        """Catch exceptions of the `with` block; the code after the block always runs."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        # Exception only: an interrupt or a cancellation belongs to the application.
        if not isinstance(exc, Exception):
            return False
        self.caught(exc)
        return True

    def warn(self, topic: str, message: str) -> None:
        """Warn once per topic, without ever raising."""
        if topic in self._warned:
            return
        self._warned.add(topic)
        # A warning raises where a filter makes it an error, and where stderr is closed.
        try:
            warnings.warn(message, CaptureWarning, stacklevel=2)
        except Exception:
            if self.strict:
                raise


class _Guarded(Protocol):
    @property
    def _guard(self) -> Guard: ...


_Self = TypeVar("_Self", bound=_Guarded)
_P = ParamSpec("_P")
_R = TypeVar("_R")


def guarded(
    method: Callable[Concatenate[_Self, _P], _R],
) -> Callable[Concatenate[_Self, _P], _R | None]:
    """Decorate a method of an object with a `_guard`: on a fault it returns None."""

    @functools.wraps(method)
    def within_guard(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            return method(self, *args, **kwargs)
        except Exception as fault:  # noqa: BLE001 - the purpose of this module
            self._guard.caught(fault)  # pyright: ignore[reportPrivateUsage]
            return None

    return within_guard
