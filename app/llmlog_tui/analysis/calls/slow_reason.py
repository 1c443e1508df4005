"""Why a call was slow: its latency breakdown, and the first reason that applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from llmlog_tui import humanize
from llmlog_tui.analysis.calls.calls import Baseline
from llmlog_tui.server.metrics import ServerMoment

Call = Mapping[str, Any]
"""One row of a frame of calls."""

_TOO_MANY_REQUESTS: Final = 429
_HALF: Final = 0.5
_FAR: Final = 2.0
"""Multiple of the baseline above which a value is abnormal."""
_QUEUE_SHARE: Final = 0.2
"""Minimum share of a latency that requests spent in the queue, if that explains it."""

_NO_BASELINE: Final = Baseline(None, None)


@dataclass(frozen=True)
class LatencyBreakdown:
    """The parts of a call's latency, in ms; None where its fields are missing.

    `server_ms` is the server's own measurement: of the complete answer, of a stream until it began.
    `retry_wait_ms` covers failed attempts and the pauses between them. `rest_ms` is the remainder:
    of a stream the generation of tokens, of other calls the network and the client.
    """

    server_ms: float | None
    retry_wait_ms: float | None
    rest_ms: float | None


def latency_breakdown(call: Call) -> LatencyBreakdown:
    """Return the parts of a call's latency; if all are known, they sum to latency_ms."""
    latency, server = call["latency_ms"], call["server_ms"]
    wait = retry_wait_ms(call) if call["retries"] else 0.0 if call["retries"] == 0 else None
    if latency is None or server is None:
        return LatencyBreakdown(server, wait, None)
    server = min(float(server), latency)
    return LatencyBreakdown(server, wait, max(0.0, latency - server - (wait or 0.0)))


def retry_wait_ms(call: Call) -> float | None:
    """Estimate the ms a retried call waited before its last attempt.

    The time to the answer (of a stream, to its first token) minus server_ms.
    """
    return _outside_server_ms(call) if call["retries"] else None


def _outside_server_ms(call: Call) -> float | None:
    """Return the ms to the answer (of a stream, to its first token) without server_ms."""
    answered, server = _answered(call), call["server_ms"]
    return None if answered is None or server is None else max(0.0, answered - server)


def _answered(call: Call) -> float | None:
    answered: float | None = call["ttft_ms"] if call["stream"] else call["latency_ms"]
    return answered


def slow_reason(
    call: Call, baseline: Baseline | None, over_ms: float, server: ServerMoment | None = None
) -> str:
    """Return why a call took longer than `over_ms`: the first of these reasons, with evidence.

    1. It failed, or was retried.
    2. The server was slow: server_ms is more than half of the latency, more than twice the model's
       median latency, and more than twice the time of this answer's tokens at the median speed. Of
       a stream: more than twice the median time to first token. Neither reasoning nor a long output
       can explain that much.
    3. Most of its output was reasoning.
    4. Its output is so long that it is slow even at the median speed, and it came no slower.
    5. It was generated at less than half the median speed, and did not wait on the client's side.
    6. Most of the latency was before the first token: a prompt of more than twice the median
       length, else a slow first token; unless server_ms is short.
    7. It waited on the client's side (for a connection, a thread, the network): without retries,
       more than half of the latency is outside server_ms.

    Else `unexplained`. Empty if it was not slow. Medians are those of `baseline`.

    If requests waited in the `server` at that time, its queue takes the place of a slow server, a
    slow first token and `unexplained`, and of a low speed if ttft_ms is unknown; not if the mean
    time in the queue was short.
    """
    latency = call["latency_ms"]
    if latency is None or latency <= over_ms:
        return ""
    known = baseline or _NO_BASELINE
    return (
        _failed(call)
        or _retried(call)
        or _queued(_server(call, known), call, server)
        or _reasoning(call)
        or _long_output(call, known, over_ms)
        or _queued_generation(_slow_generation(call, known), call, server)
        or _long_prompt(call, known)
        or _queued(_first_token(call), call, server)
        or _queueing(call)
        or _queued("unexplained", call, server)
    )


def _queued(reason: str, call: Call, server: ServerMoment | None) -> str:
    """Return the server's queue in place of a reason that it explains."""
    if not reason or server is None or not server.waiting:
        return reason
    waited = server.queue_ms
    if waited is not None and waited < call["latency_ms"] * _QUEUE_SHARE:
        return reason
    about = "" if waited is None else f", ~{humanize.rough_duration(waited)}"
    return f"server queue, {humanize.integer(server.waiting)} waiting{about}"


def _queued_generation(reason: str, call: Call, server: ServerMoment | None) -> str:
    # Without the time to first token, a speed is over the latency, and the queue lowers it.
    return _queued(reason, call, server) if call["ttft_ms"] is None else reason


FAILED_CALL: Final = ("failed, ", "rate limited, ")
"""Beginnings of the reasons of calls that failed."""


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
    times = humanize.plural(retries, "retry", "retries")
    return f"{times}, ~{humanize.rough_duration(wait)} waiting" if wait else times


def _server(call: Call, baseline: Baseline) -> str:
    server, latency = call["server_ms"], call["latency_ms"]
    if server is None or server <= latency * _HALF:
        return ""
    needed = baseline.ttft_ms if call["stream"] else baseline.latency_ms
    if needed is None or server <= needed * _FAR:
        return ""
    if not call["stream"] and server <= (_median_output_ms(call, baseline) or 0.0) * _FAR:
        return ""
    by_server = humanize.rough_duration(min(server, latency))
    return f"server {by_server} of {humanize.rough_duration(latency)}"


def _median_output_ms(call: Call, baseline: Baseline) -> float | None:
    if not call["completion_tokens"] or not baseline.tokens_per_sec:
        return None
    needed: float = call["completion_tokens"] / baseline.tokens_per_sec * 1_000
    return needed


def _reasoning(call: Call) -> str:
    reasoning, output = call["reasoning_tokens"], call["completion_tokens"]
    if reasoning is None or output is None or reasoning * 2 <= output:  # as MOSTLY_REASONING
        return ""
    return f"reasoning {humanize.percent(reasoning / output if output else 1.0)} of output"


def _is_slow_generation(call: Call, baseline: Baseline) -> bool:
    speed = call["tokens_per_sec"]
    return bool(speed and baseline.tokens_per_sec and speed < baseline.tokens_per_sec * _HALF)


def _long_output(call: Call, baseline: Baseline, over_ms: float) -> str:
    needed = _median_output_ms(call, baseline)
    if needed is None or needed <= over_ms or _is_slow_generation(call, baseline):
        return ""
    tokens, speed = humanize.count(call["completion_tokens"]), call["tokens_per_sec"]
    if speed and baseline.tokens_per_sec and speed > baseline.tokens_per_sec * _FAR:
        return f"{tokens} out at {speed:.0f} tok/s"
    return f"{tokens} out usually take {humanize.rough_duration(needed)}"


def _slow_generation(call: Call, baseline: Baseline) -> str:
    late = call["ttft_ms"] is not None and call["ttft_ms"] > call["latency_ms"] * _HALF
    if late or _queueing(call) or not _is_slow_generation(call, baseline):
        return ""
    return f"{call['tokens_per_sec']:.0f} tok/s, usual {baseline.tokens_per_sec:.0f}"


def _long_prompt(call: Call, baseline: Baseline) -> str:
    given, typical = call["prompt_tokens"], baseline.prompt_tokens
    if not given or typical is None or given <= typical * _FAR or not _first_token(call):
        return ""
    ttft = humanize.rough_duration(call["ttft_ms"])
    return f"{humanize.count(given)} in, first token {ttft}"


def _first_token(call: Call) -> str:
    ttft, server = call["ttft_ms"], call["server_ms"]
    if ttft is None or ttft <= call["latency_ms"] * _HALF:
        return ""
    if server is not None and server < ttft * _HALF:
        return ""
    return f"slow first token, {humanize.rough_duration(ttft)}"


def _queueing(call: Call) -> str:
    waited = None if call["retries"] else _outside_server_ms(call)
    if waited is None or waited <= call["latency_ms"] * _HALF:
        return ""
    latency = humanize.rough_duration(call["latency_ms"])
    return f"our side {humanize.rough_duration(waited)} of {latency}"
