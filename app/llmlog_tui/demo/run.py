"""Run the demo: at once on a simulated clock, or live at a given rate."""

from __future__ import annotations

import itertools
import math
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx2
import openai

import llmlog
from llmlog_tui.demo.agent import Agent
from llmlog_tui.demo.clocks import DemoClock, RealClock, SimulatedClock
from llmlog_tui.demo.provider import BASE_URL, Provider

START: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Start of the simulated clock; fixed, so that a seed always writes the same log."""

CHANGE_AFTER: Final = 0.5
"""Share of the runs after which the fingerprint changes."""

_LIVE_CHANGE_AFTER_RUNS: Final = 25
_RUNS_PER_SESSION: Final = 4
_MAX_AGENTS: Final = 64
_SECONDS_PER_STEP: Final = 1.6
_SECONDS_TO_CTRL_C: Final = 0.1


class LostRecordError(Exception):
    """A record could not be written: a full disk, or a deleted file."""


class _Client(openai.OpenAI):
    """openai client whose retries wait on the demo's clock."""

    demo_clock: DemoClock

    def _sleep_for_retry(
        self,
        *,
        retries_taken: int,
        max_retries: int,
        options: object,
        response: httpx2.Response | None,
    ) -> None:
        del max_retries, options
        given = response.headers.get("retry-after-ms") if response is not None else None
        self.demo_clock.sleep(float(given) if given else 500.0 * 2**retries_taken)


class _User:
    """User of the agent, with sessions of a few runs each."""

    def __init__(
        self, out: Path, clock: DemoClock, seed: int, pace: Callable[[], None], *, is_live: bool
    ) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - a demo, reproducible by its seed
        self._out = out
        self._clock = clock
        self.provider = Provider(clock, self._rng)
        client = _Client(
            api_key="sk-demo", base_url=BASE_URL, http_client=httpx2.Client(transport=self.provider)
        )
        client.demo_clock = clock
        self._agent = Agent(client, clock, self._rng, pace)
        self._sessions = itertools.count()
        self._session: llmlog.Session | None = None
        self._runs_left = 0
        self._is_live = is_live

    def run(self) -> None:
        """Run the agent once, in this session or a new one. Raises LostRecordError."""
        if self._session is None or not self._runs_left:
            self._runs_left = self._rng.randint(1, _RUNS_PER_SESSION)
            tier = self._rng.choice(("free", "pro", "pro"))
            self._session = llmlog.session(
                self._out,
                tags={"tier": tier, **MARK},
                starts=self._is_live,
                clock=self._clock,
                new_id=lambda digits: f"{self._rng.getrandbits(4 * digits):0{digits}x}",
            )
            self._session.enabled = True  # even with LLMLOG_DISABLED: the demo was requested
        self._runs_left -= 1
        self._agent.run(self._session.trace(name="support-agent" if self._is_live else None))
        if self._session.faults:
            raise LostRecordError("a record could not be written")


MARK: Final = {"prompt": "v14"}
"""Tags of each record, by which a log of the demo is known."""


def simulate(out: Path, runs: int, seed: int) -> None:
    """Append `runs` runs to `out` at once, with times from START.

    Raises LostRecordError.
    """
    clock = SimulatedClock(START)
    pauses = random.Random(~seed)  # noqa: S311 - a demo, reproducible by its seed
    user = _User(out, clock, seed, lambda: clock.sleep(pauses.uniform(1, 8)), is_live=False)
    for run in range(runs):
        user.provider.changed = run >= runs * CHANGE_AFTER
        user.run()
        clock.sleep(pauses.expovariate(1 / 9_000))


def live(out: Path, rate: float, runs: int | None, seed: int) -> None:
    """Append about `rate` records a second to `out`, in real time, for `runs` runs.

    Raises LostRecordError.
    """
    pace = _Pace(rate)
    started = itertools.count()
    lost: list[LostRecordError] = []
    agents = min(_MAX_AGENTS, math.ceil(rate * _SECONDS_PER_STEP) + 1)

    def work(number: int) -> None:
        user = _User(out, RealClock(), seed + number, pace.wait, is_live=True)
        while not lost and (run := next(started)) < (math.inf if runs is None else runs):
            user.provider.changed = run >= _LIVE_CHANGE_AFTER_RUNS
            try:
                user.run()
            except LostRecordError as error:
                lost.append(error)

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(agents)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        # An endless wait is resumed after polars' handler of SIGINT: Ctrl-C would be lost.
        for thread in threads:
            thread.join(_SECONDS_TO_CTRL_C / agents)
    if lost:
        raise lost[0]


class _Pace:
    """Rate limit for the steps of all agents, per second."""

    def __init__(self, rate: float) -> None:
        self._seconds = 1 / rate
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for the next free slot."""
        with self._lock:
            now = time.monotonic()
            self._next = max(now, self._next + self._seconds)
            wait = self._next - now
        time.sleep(wait)
