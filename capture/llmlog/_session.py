"""Sessions: what an application holds, and where every record gets its ids."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, TypeVar, cast

from llmlog import _context as scopes
from llmlog import _credentials as credentials
from llmlog._content import Content, ContentPolicy
from llmlog._guard import Guard
from llmlog._sdk import client as clients
from llmlog._trace import Trace, checked_id
from llmlog._writer import Target, Writer, open_writer
from llmlog.record import dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from llmlog._redact import Custom

_C = TypeVar("_C")


class Clock(Protocol):
    """Where every time in a record comes from; the module `time` is one."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970, for `ts`."""
        ...

    def monotonic_ns(self) -> int:
        """Nanoseconds that only go forward, for latencies."""
        ...


def session(  # noqa: PLR0913 - options by name
    target: Target,
    session_id: str | None = None,
    *,
    content: ContentPolicy = "none",
    redact: Iterable[Custom] = (),
    tags: Mapping[str, object] | None = None,
    clock: Clock | None = None,
    new_id: Callable[[int], str] | None = None,
    fsync: bool = False,
    rotate_bytes: int | None = None,
) -> Session:
    """Start recording to `target`: a path, an open file, or a function that takes a line's bytes.

    `session_id` joins a whole conversation; without one it is 8 random hex digits. `content` is
    the policy for prompts and answers: `none`, `hash`, `redacted` or `full`; `redact` adds patterns
    and functions (text -> text) to its rules. `tags` go into every record as `extra`. `clock` and
    `new_id` (number of hex digits -> id) replace the system's clock and randomness. `fsync` waits
    for the disk after each record; a path that would grow over `rotate_bytes` is renamed to
    `PATH.TIME` and begun anew, and it is up to you what becomes of the full files.

    With LLMLOG_DISABLED=1 in the environment nothing is recorded.
    """
    return Session(
        open_writer(target, fsync=fsync, rotate_bytes=rotate_bytes),
        session_id,
        content=content,
        redact=redact,
        tags=tags,
        clock=clock,
        new_id=new_id,
    )


class Session:
    """A conversation whose calls share one session id; made by `llmlog.session`."""

    def __init__(  # noqa: PLR0913 - options by name
        self,
        writer: Writer,
        session_id: str | None,
        *,
        content: ContentPolicy = "none",
        redact: Iterable[Custom] = (),
        tags: Mapping[str, object] | None = None,
        clock: Clock | None = None,
        new_id: Callable[[int], str] | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._writer = writer
        self.new_id = new_id or _random_id
        self.session_id = checked_id(session_id, "session_id") or self.new_id(8)
        self.clock: Clock = clock or time
        self.guard = guard or Guard()
        self.enabled = os.environ.get("LLMLOG_DISABLED", "") in ("", "0")
        self.content = Content(content, redact, self.guard)
        self._extra = self.content.tags(tags) if tags else None
        self._credentials: _Credentials = ()
        self._of_requests: _Credentials = ()
        self._entered: list[int] = []

    @property
    def faults(self) -> int:
        """How often recording failed; the calls themselves were not affected."""
        return self.guard.faults

    def wrap(self, client: _C, *, stream_usage: bool = False) -> _C:
        """A client of the same class whose calls are recorded under the trace they run in.

        That is the innermost `with session.trace()` of the same thread or task; a call under none
        is a trace of its own. For threads, pools, callbacks and generators use `trace.wrap`.
        `stream_usage` asks the server for token counts on streams that did not ask themselves.
        """
        return self.bind(client, None, stream_usage=stream_usage)

    def trace(self, trace_id: str | None = None, *, first_step: int = 0) -> Trace:
        """One logical operation, such as an agent run: `with session.trace() as trace:`.

        Give `trace_id` and `first_step` to continue one that began elsewhere.
        """
        return Trace(self, trace_id, first_step)

    def bind(self, client: _C, trace: Trace | None, *, stream_usage: bool) -> _C:
        """Wrap `client` for `trace`, or for whichever trace its calls run in."""
        if not self.enabled:
            return client
        clients.check(client)
        with self.guard:
            return clients.wrap(client, clients.Binding(self, trace, stream_usage=stream_usage))
        return client

    def trace_of_call(self) -> Trace:
        """The trace an unbound call starting now belongs to: the one around it, or a new one."""
        trace = scopes.current_trace(self)
        if trace is not None:
            return trace
        if self._entered and threading.get_ident() not in self._entered:
            self.guard.warn(
                "thread",
                "a call in another thread is not part of the trace that is open: "
                "use trace.wrap(client) there",
            )
        return self.trace()

    def entered(self, thread: int) -> None:
        """Note that a trace was entered in `thread`."""
        self._entered.append(thread)

    def left(self, thread: int) -> None:
        """Note that a trace entered in `thread` was left."""
        if thread in self._entered:
            self._entered.remove(thread)

    def conceal(self, credential: object, *, of_request: bool = False) -> None:
        """Note a client's own key: it enters no record, under no policy, wherever it stands.

        Of those `of_request`, given with one request only, the latest are remembered.
        """
        if not credentials.is_one(credential):
            return
        if of_request:
            self._of_requests = _with(self._of_requests, credential)[-_OF_REQUESTS_AT_MOST:]
        else:
            self._credentials = _with(self._credentials, credential)

    def write(
        self, fields: dict[str, object], to_line: Callable[[dict[str, object]], bytes]
    ) -> None:
        """Write the one record made of `fields`, as the line that `to_line` makes of them."""
        if not self.enabled:
            return
        if self._extra is not None:
            fields["extra"] = self._extra
        line = to_line(self.content.applied(fields))
        for credential, encoded in self._credentials + self._of_requests:
            if encoded in line:
                record: dict[str, object] = json.loads(line)
                line = dump({name: _without(credential, value) for name, value in record.items()})
        self._writer.write(line)


_Credentials: TypeAlias = tuple[tuple[str, bytes], ...]
"""Each as it is, and as it stands in a line."""

_OF_REQUESTS_AT_MOST: Final = 64


def _with(known: _Credentials, credential: str) -> _Credentials:
    """`known` and, as the latest of them, `credential`."""
    encoded = json.dumps(credential, ensure_ascii=False)[1:-1].encode()
    return (*(pair for pair in known if pair[0] != credential), (credential, encoded))


def _without(credential: str, value: object) -> object:
    if isinstance(value, str):
        return value.replace(credential, "[redacted:api_key]")
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {name.replace(credential, ""): _without(credential, item) for name, item in pairs}
    if isinstance(value, list):
        return [_without(credential, item) for item in cast("list[object]", value)]
    return value


def _random_id(digits: int) -> str:
    return os.urandom(digits // 2).hex()
