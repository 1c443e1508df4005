"""Makes a seeded log of N records: `python -m tests.bench.make_log N OUT`.

Lines are those of llmlog.record (test_make_log.py holds it to that), put together from templates,
because a benchmark of 10 million records should not wait minutes for its input.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

_CORE: Final = (
    '{"v": 1, "ts": "%s", "event": "%s", "session_id": "%s", "trace_id": "%s", "step": %d,'
    ' "span_id": "%016x", "parent_span_id": null, "status": "%s", "latency_ms": %d, '
)
_CALL: Final = (
    '"model": %s, "requested_model": "%s", "provider": "api.openai.com", "id": %s,'
    ' "request_id": "req_%032x", "finish_reason": %s, "prompt_tokens": %s, "completion_tokens": %s,'
    ' "total_tokens": %s, "reasoning_tokens": %s, "cached_tokens": %s,'
    ' "cache_write_tokens": null, "reported_cost_usd": null, "service_tier": null,'
    ' "max_tokens": 1024, "tokens_per_sec": %s, "temperature": null, "top_p": null,'
    ' "seed": null, "reasoning_effort": null, "stream": false, "ttft_ms": null,'
    ' "stream_end": null,'
    ' "server_ms": %s, "retries": %d, "system_fingerprint": %s, "tool_calls": %s,'
    ' "tool_args_ok": %s'
)
_TOOL: Final = '"tool_name": "%s", "tool_call_id": "call_%024x"'
_ERROR: Final = ', "error_type": "%s", "error_status": %d'

_MODELS: Final = (("gpt-5", "gpt-5-2026-08-07"), ("gpt-5-mini", "gpt-5-mini-2026-08-07"))
_FINISH: Final = ('"stop"', '"stop"', '"stop"', '"length"', '"tool_calls"')
_START: Final = datetime(2026, 11, 1, tzinfo=UTC)


def lines(seed: int = 1) -> Iterator[str]:
    """Lines without end, a trace of 8 steps after the other, 100 ms apart on average."""
    chance = random.Random(seed)  # noqa: S311 - a benchmark wants the same file again, not secrets
    bits, below = chance.getrandbits, chance.randrange
    at = _START
    session = ""
    for number in range(sys.maxsize):
        if not number % 32:
            session = f"{bits(32):08x}"
        if not number % 8:
            trace = f"{bits(128):032x}"
        at += timedelta(microseconds=below(200_000))
        event = "tool_call" if number % 8 in {2, 4} else "chat_completion"
        failed = event == "chat_completion" and below(100) == 0
        latency = 40 + below(400) if below(8) else below(6_000)
        core = (
            at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            event,
            session,
            trace,
            number % 8,
            bits(64),
            "error" if failed else "ok",
            latency,
        )
        rest = _tool(chance) if event == "tool_call" else _call(chance, latency, failed=failed)
        yield _CORE % core + rest + "}\n"


def _tool(chance: random.Random) -> str:
    return _TOOL % (chance.choice(("search", "read", "calculate")), chance.getrandbits(96))


def _call(chance: random.Random, latency: int, *, failed: bool) -> str:
    requested, model = chance.choice(_MODELS)
    request_id = chance.getrandbits(128)
    if failed:
        unknown = ("null", requested, "null", request_id, *["null"] * 8, 2, *["null"] * 3)
        return _CALL % unknown + _ERROR % ("RateLimitError", 429)
    finish = chance.choice(_FINISH)
    prompt, completion = 50 + chance.randrange(4_000), 5 + chance.randrange(800)
    asks = finish == '"tool_calls"'
    return _CALL % (
        f'"{model}"',
        requested,
        f'"chatcmpl-{chance.getrandbits(112):028x}"',
        request_id,
        finish,
        prompt,
        completion,
        prompt + completion,
        chance.choice((0, completion // 2)),
        chance.choice((0, prompt // 2)),
        f"{completion * 1000 / latency:.2f}" if latency else "null",
        latency,
        0,
        chance.choice(('"fp_44709d6fcb"', '"fp_0b1a5e29f8"')),
        '["search"]' if asks else "null",
        "true" if asks else "null",
    )


def write(out: Path, records: int, seed: int = 1) -> None:
    """Write the first `records` lines to `out`."""
    with out.open("w", encoding="utf-8") as file:
        file.writelines(islice(lines(seed), records))


if __name__ == "__main__":
    write(Path(sys.argv[2]), int(sys.argv[1]))
