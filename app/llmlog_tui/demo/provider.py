"""Simulated provider: answers the openai SDK's HTTP requests within the process.

Answers are slow, cut off, refused or failing at seeded random, as a real provider's.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx2

from llmlog_tui.demo.clocks import DemoClock

BASE_URL: Final = "https://api.openai.com/v1"

_LIMITS: Final = {"requests": 500, "tokens": 200_000}
_RETRY_COUNT: Final = "x-stainless-retry-count"
_CACHE_GRAIN: Final = 128
_LONGER_SINCE_UPDATE: Final = 5


@dataclass(frozen=True)
class Model:
    """Behaviour of a model; `fingerprints` are the ones before and after its update."""

    tokens_per_sec: float
    first_token_ms: float
    reasons: bool
    fingerprints: tuple[str | None, str | None]


MODELS: Final = {
    "gpt-oss-120b": Model(150, 190, reasons=True, fingerprints=("fp_a1c93e", "fp_b7e204")),
    "gpt-5-mini": Model(220, 150, reasons=True, fingerprints=("fp_44f0aa", "fp_44f0aa")),
    "gpt-4.1-mini": Model(260, 110, reasons=False, fingerprints=("fp_9d12c7", "fp_9d12c7")),
    "text-embedding-3-small": Model(0, 60, reasons=False, fingerprints=(None, None)),
}

_OPENING: Final = "The order was paid once and never refunded, so the refund policy applies: "
_FILLER: Final = "within thirty days the full amount goes back to the card it was paid with. "


@dataclass(frozen=True)
class _Answer:
    text: str
    tool_calls: list[dict[str, Any]]
    finish_reason: str
    usage: dict[str, Any]
    output: int
    reasoning: int


class Provider(httpx2.BaseTransport):
    """Transport of an openai client; set `changed` to simulate an update of the models."""

    def __init__(self, clock: DemoClock, rng: random.Random) -> None:
        self.changed = False
        self._clock = clock
        self._rng = rng
        self._left = dict(_LIMITS)
        self._statuses: list[int] = []
        self._prefix_tokens = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one attempt of one request."""
        body = json.loads(request.read())
        model = MODELS[body["model"].rpartition("/")[2]]
        status = self._status(request)
        if status != httpx2.codes.OK:
            return self._refuse(request, status)
        if request.url.path.endswith("/embeddings"):
            return self._embed(request, body, model)
        answer = self._generate(body, model)
        self._spend(answer.usage["total_tokens"])
        if body.get("stream"):
            return self._stream(request, body, model, answer)
        server_ms = self._generation_ms(model, answer)
        self._clock.sleep(server_ms + self._network_ms())
        return self._respond(request, self._completion(body, answer), server_ms)

    # -- status of a request

    def _status(self, request: httpx2.Request) -> int:
        """Return the HTTP status of this attempt; the first attempt draws all of them."""
        if int(request.headers.get(_RETRY_COUNT, 0)) == 0:
            self._statuses = self._draw()
        return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]

    def _draw(self) -> list[int]:
        chance = self._rng.random()
        if chance < 0.012:
            return [503, 503, 503]
        if chance < 0.02:
            return [400]
        if chance < 0.03:
            return [429, 429, 429]
        if chance < 0.075:
            return [429, 200]
        if chance < 0.09:
            return [503, 429, 200]
        return [200]

    def _refuse(self, request: httpx2.Request, status: int) -> httpx2.Response:
        self._clock.sleep(self._rng.uniform(40, 220))
        kind, code, wait_ms = {
            400: ("invalid_request_error", "context_length_exceeded", None),
            429: ("requests", "rate_limit_exceeded", self._rng.randint(700, 2_600)),
            503: ("server_error", "overloaded", self._rng.randint(300, 900)),
        }[status]
        headers = self._headers(self._rng.randint(15, 60))
        if wait_ms is not None:
            headers["retry-after-ms"] = str(wait_ms)
        error = {"message": f"The request was refused: {code}.", "type": kind, "code": code}
        return httpx2.Response(status, headers=headers, json={"error": error}, request=request)

    # -- content of an answer

    def _generate(self, body: dict[str, Any], model: Model) -> _Answer:
        prompt = len(json.dumps(body["messages"])) // 4 + 350 + 60 * len(body.get("tools", ()))
        asked_for = self._tool_calls(body)
        reasoning = self._reasoning(hard=self._rng.random() < 0.18) if model.reasons else 0
        text_tokens = self._rng.randint(30, 150)
        if self._updated(model):
            text_tokens *= _LONGER_SINCE_UPDATE
        wanted = reasoning + (len(asked_for) * 28 or text_tokens)
        limit = body.get("max_completion_tokens") or wanted
        cut_off, output = wanted > limit, min(wanted, limit)
        # Some servers report `stop` although the limit was hit.
        hidden = cut_off and self._rng.random() < 0.12
        finish = "length" if cut_off and not hidden else "tool_calls" if asked_for else "stop"
        text = (
            ""
            if asked_for
            else (_OPENING + _FILLER * (output // 14))[: 4 * max(1, output - reasoning)]
        )
        return _Answer(
            text=text,
            tool_calls=asked_for,
            finish_reason=finish,
            usage=self._usage(prompt, output, min(reasoning, output), model),
            output=output,
            reasoning=min(reasoning, output),
        )

    def _updated(self, model: Model) -> bool:
        return self.changed and model.fingerprints[0] != model.fingerprints[1]

    def _reasoning(self, *, hard: bool) -> int:
        return 64 * self._rng.randint(4, 8) if hard else self._rng.choice((0, 0, 32, 64, 96))

    def _tool_calls(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Return one call for each tool that the request offers."""
        calls = []
        for tool in body.get("tools", ()):
            name = tool["function"]["name"]
            arguments = json.dumps(
                {"query": f"refund of order A-{self._rng.randint(10_000, 99_999)}"}
            )
            if self._rng.random() < 0.02:
                arguments = arguments[:-4]
            identity = f"call_{self._rng.getrandbits(48):012x}"
            function = {"name": name, "arguments": arguments}
            calls.append({"id": identity, "type": "function", "function": function})
        return calls

    def _usage(self, prompt: int, output: int, reasoning: int, model: Model) -> dict[str, Any]:
        cached = 0
        if prompt > self._prefix_tokens and self._rng.random() < 0.7:
            cached = self._prefix_tokens // _CACHE_GRAIN * _CACHE_GRAIN
        self._prefix_tokens = prompt
        usage: dict[str, Any] = {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        if model.reasons:
            usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
        return usage

    # -- response

    def _generation_ms(self, model: Model, answer: _Answer) -> float:
        speed = model.tokens_per_sec * self._rng.uniform(0.85, 1.15)
        if self._rng.random() < 0.03:
            speed /= 2.6
        if self._updated(model):
            speed *= 0.8
        return self._first_token_ms(model) + answer.output / speed * 1_000

    def _first_token_ms(self, model: Model) -> float:
        return model.first_token_ms * self._rng.uniform(0.8, 1.4)

    def _network_ms(self) -> float:
        return self._rng.uniform(12, 45)

    def _completion(self, body: dict[str, Any], answer: _Answer) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if answer.tool_calls:
            message["tool_calls"] = answer.tool_calls
        choice = {"index": 0, "finish_reason": answer.finish_reason, "message": message}
        head = self._head(body, "chat.completion")
        return {**head, "choices": [choice], "usage": answer.usage}

    def _head(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        name = body["model"].rpartition("/")[2]
        return {
            "id": f"chatcmpl-{self._rng.getrandbits(72):018x}",
            "object": kind,
            "created": self._clock.time_ns() // 10**9,
            "model": name,
            "system_fingerprint": MODELS[name].fingerprints[self.changed],
        }

    def _stream(
        self, request: httpx2.Request, body: dict[str, Any], model: Model, answer: _Answer
    ) -> httpx2.Response:
        headers_ms = self._rng.uniform(25, 60)
        self._clock.sleep(headers_ms)
        return httpx2.Response(
            200,
            headers={**self._headers(headers_ms), "content-type": "text/event-stream"},
            stream=_Events(self._chunks(body, model, answer)),
            request=request,
        )

    def _chunks(self, body: dict[str, Any], model: Model, answer: _Answer) -> Iterator[bytes]:
        """Yield the answer in chunks over time; reasoning is not sent."""
        head = self._head(body, "chat.completion.chunk")
        whole_ms = self._generation_ms(model, answer)
        per_token = (whole_ms - model.first_token_ms) / max(1, answer.output)
        self._clock.sleep(model.first_token_ms + per_token * answer.reasoning)
        pieces = [answer.text[at : at + 60] for at in range(0, len(answer.text), 60)] or [""]
        for n, piece in enumerate(pieces):
            if n:
                self._clock.sleep(per_token * (answer.output - answer.reasoning) / len(pieces))
            yield _event({**head, "choices": [{"index": 0, "delta": {"content": piece}}]})
        last = {"index": 0, "delta": {}, "finish_reason": answer.finish_reason}
        yield _event({**head, "choices": [last]})
        if (body.get("stream_options") or {}).get("include_usage"):
            yield _event({**head, "choices": [], "usage": answer.usage})
        yield b"data: [DONE]\n\n"

    def _embed(
        self, request: httpx2.Request, body: dict[str, Any], model: Model
    ) -> httpx2.Response:
        tokens = len(json.dumps(body["input"])) // 4
        server_ms = self._first_token_ms(model)
        self._clock.sleep(server_ms + self._network_ms())
        vector = {"object": "embedding", "index": 0, "embedding": [0.0] * 8}
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        content = {"object": "list", "data": [vector], "model": body["model"], "usage": usage}
        return self._respond(request, content, server_ms)

    def _respond(
        self, request: httpx2.Request, content: dict[str, Any], server_ms: float
    ) -> httpx2.Response:
        return httpx2.Response(200, headers=self._headers(server_ms), json=content, request=request)

    def _spend(self, tokens: int) -> None:
        refilled = {"requests": 1, "tokens": 870}
        spent = {"requests": 1, "tokens": tokens}
        for name, limit in _LIMITS.items():
            self._left[name] = max(0, min(limit, self._left[name] + refilled[name] - spent[name]))

    def _headers(self, server_ms: float) -> dict[str, str]:
        headers = {
            "x-request-id": f"req_{self._rng.getrandbits(64):016x}",
            "openai-processing-ms": f"{server_ms:.0f}",
        }
        for name, limit in _LIMITS.items():
            headers[f"x-ratelimit-limit-{name}"] = str(limit)
            headers[f"x-ratelimit-remaining-{name}"] = str(self._left[name])
            missing = (limit - self._left[name]) / limit
            headers[f"x-ratelimit-reset-{name}"] = f"{missing * 60_000:.0f}ms"
        return headers


class _Events(httpx2.SyncByteStream):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"
