"""Why a call was slow: where its time went, and the first reason that applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import Baseline

Call = Mapping[str, Any]
"""One row of a frame of calls."""

_TOO_MANY_REQUESTS: Final = 429
_HALF: Final = 0.5
_FAR: Final = 2.0
"""So many times the usual is far above it."""

_NOTHING_USUAL: Final = Baseline(None, None)


@dataclass(frozen=True)
class LatencyBreakdown:
    """Where a call's time went, in ms; None where its fields do not say.

    `server_ms` is what the server says it worked: on the whole answer, of a stream until it began.
    `retry_wait_ms` went by in attempts that failed and between them. `rest_ms` is what is left:
    of a stream the tokens' generation, of anything else the network and our own side.
    """

    server_ms: float | None
    retry_wait_ms: float | None
    rest_ms: float | None


def latency_breakdown(call: Call) -> LatencyBreakdown:
    """The time of a call in its parts: together they are latency_ms, where all are known."""
    latency, server = call["latency_ms"], call["server_ms"]
    wait = retry_wait_ms(call) if call["retries"] else 0.0 if call["retries"] == 0 else None
    if latency is None or server is None:
        return LatencyBreakdown(server, wait, None)
    server = min(float(server), latency)
    return LatencyBreakdown(server, wait, max(0.0, latency - server - (wait or 0.0)))


def retry_wait_ms(call: Call) -> float | None:
    """About how long a retried call waited before its last attempt, in ms; None if unknown.

    What the server says it worked (server_ms) is taken off the time to its answer: to the first
    token of a stream, to the end of anything else.
    """
    return _before_the_server(call) if call["retries"] else None


def _before_the_server(call: Call) -> float | None:
    """How long it took until the answer (of a stream, its first token) without the server, ms."""
    answered, server = _answered(call), call["server_ms"]
    return None if answered is None or server is None else max(0.0, answered - server)


def _answered(call: Call) -> float | None:
    answered: float | None = call["ttft_ms"] if call["stream"] else call["latency_ms"]
    return answered


def slow_reason(call: Call, usual: Baseline | None, over_ms: float) -> str:
    """Why a call took longer than `over_ms`: the first reason that applies, with its evidence.

    1. It failed, or was retried.
    2. The server was slow: it says that it worked for more than half of the time, and for more than
       twice what this model's calls usually take in all, and twice what this answer's tokens take
       at the usual speed. Of a stream: more than twice the usual time to the first token. So much
       that neither reasoning nor a long output explains it.
    3. Most of its output was reasoning.
    4. Its output was so long that it is slow at the usual speed, and it came as fast or faster.
    5. It was generated at less than half the usual speed, and not on our side.
    6. Most of the time went by before the first token: a prompt of more than twice the usual
       length, else a slow first token; unless the server says that it was quick.
    7. It waited on our side (for a connection, a thread, the network): without retries, more than
       half of the time went by without the server.

    Else `unexplained`. Empty if it was not slow. What is usual are medians of the model's calls.
    """
    latency = call["latency_ms"]
    if latency is None or latency <= over_ms:
        return ""
    known = usual or _NOTHING_USUAL
    return (
        _failed(call)
        or _retried(call)
        or _server(call, known)
        or _reasoning(call)
        or _long_output(call, known, over_ms)
        or _slow_generation(call, known)
        or _first_token(call, known)
        or _queueing(call)
        or "unexplained"
    )


def _failed(call: Call) -> str:
    if call["status"] != "error":
        return ""
    status, kind = call["error_status"], call["error_type"]
    if status == _TOO_MANY_REQUESTS:
        return f"rate limited, {status}"
    return f"failed, {status or kind or 'no reason given'}"


def _retried(call: Call) -> str:
    retries, wait = call["retries"], retry_wait_ms(call)
    if not retries:
        return ""
    times = f"{retries} retries" if retries > 1 else "1 retry"
    return f"{times}, ~{humanize.rough_duration(wait)} waiting" if wait else times


def _server(call: Call, usual: Baseline) -> str:
    server, latency = call["server_ms"], call["latency_ms"]
    if server is None or server <= latency * _HALF:
        return ""
    needed = usual.ttft_ms if call["stream"] else usual.latency_ms
    if needed is None or server <= needed * _FAR:
        return ""
    if not call["stream"] and server <= (_at_usual_speed(call, usual) or 0.0) * _FAR:
        return ""
    by_server = humanize.rough_duration(min(server, latency))
    return f"server {by_server} of {humanize.rough_duration(latency)}"


def _at_usual_speed(call: Call, usual: Baseline) -> float | None:
    """How long the output takes at the model's usual speed, in ms."""
    if not call["completion_tokens"] or not usual.tokens_per_sec:
        return None
    needed: float = call["completion_tokens"] / usual.tokens_per_sec * 1_000
    return needed


def _reasoning(call: Call) -> str:
    reasoning, output = call["reasoning_tokens"], call["completion_tokens"]
    if reasoning is None or output is None or reasoning * 2 <= output:  # as MOSTLY_REASONING
        return ""
    return f"reasoning {humanize.percent(reasoning / output if output else 1.0)} of output"


def _is_slow_generation(call: Call, usual: Baseline) -> bool:
    speed = call["tokens_per_sec"]
    return bool(speed and usual.tokens_per_sec and speed < usual.tokens_per_sec * _HALF)


def _long_output(call: Call, usual: Baseline, over_ms: float) -> str:
    needed = _at_usual_speed(call, usual)
    if needed is None or needed <= over_ms or _is_slow_generation(call, usual):
        return ""
    tokens, speed = humanize.count(call["completion_tokens"]), call["tokens_per_sec"]
    if speed and usual.tokens_per_sec and speed > usual.tokens_per_sec * _FAR:
        return f"{tokens} tokens at {speed:.0f} tok/s"
    return f"{tokens} tokens at usual speed"


def _slow_generation(call: Call, usual: Baseline) -> str:
    late = call["ttft_ms"] is not None and call["ttft_ms"] > call["latency_ms"] * _HALF
    if late or _queueing(call) or not _is_slow_generation(call, usual):
        return ""
    return f"{call['tokens_per_sec']:.0f} tok/s, usual {usual.tokens_per_sec:.0f}"


def _first_token(call: Call, usual: Baseline) -> str:
    ttft, server = call["ttft_ms"], call["server_ms"]
    if ttft is None or ttft <= call["latency_ms"] * _HALF:
        return ""
    if server is not None and server < ttft * _HALF:
        return ""
    given, typical = call["prompt_tokens"], usual.prompt_tokens
    if given and typical is not None and given > typical * _FAR:
        return f"{humanize.count(given)} in, first token {humanize.rough_duration(ttft)}"
    return f"slow first token, {humanize.rough_duration(ttft)}"


def _queueing(call: Call) -> str:
    waited = None if call["retries"] else _before_the_server(call)
    if waited is None or waited <= call["latency_ms"] * _HALF:
        return ""
    latency = humanize.rough_duration(call["latency_ms"])
    return f"our side {humanize.rough_duration(waited)} of {latency}"
