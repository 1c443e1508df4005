"""Logs that are known and hold no calls: each has a hint for its refusal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from llmlog_tui.formats import FormatWithoutCalls, Item
from llmlog_tui.formats.vocabulary import dig


class _SweAgent(FormatWithoutCalls):
    name = "SWE-agent trajectory"
    hint = "it has token sums per run, no calls: run the agent with an OpenTelemetry exporter"

    def detect(self, items: Sequence[Item]) -> bool:
        """Return whether one of the objects is a trajectory of SWE-agent."""
        return any(
            isinstance(item.get("trajectory"), list)
            and ("environment" in item or dig(item, "info", "model_stats") is not None)
            for item in items
        )


class _Vllm(FormatWithoutCalls):
    name = "vLLM text log"
    hint = "it has no tokens or latencies per request: watch the metrics endpoint of the server"

    def detect_text(self, lines: Sequence[str]) -> bool:
        """Return whether one of the lines is of vLLM's engine or its request logger."""
        return any(_VLLM.search(line) for line in lines)


_VLLM: Final = re.compile(
    r"Avg prompt throughput: [\d.]+ tokens/s|Received request \S+: "
    r"(?:prompt|params): |\bvLLM (?:API server|engine)|vllm\.entrypoints"
)


class _LlamaCpp(FormatWithoutCalls):
    name = "llama.cpp text log"
    hint = "its timings carry no request ids: watch the metrics endpoint of the server"

    def detect_text(self, lines: Sequence[str]) -> bool:
        """Return whether one of the lines is of llama.cpp's server."""
        return any(_LLAMA_CPP.search(line) for line in lines)


_LLAMA_CPP: Final = re.compile(
    r"^(?:slot +\w+: id +\d+ \| task|srv +\w+: |(?:prompt )?eval time = +[\d.]+ ms / +\d+ )"
)

SWE_AGENT: Final = _SweAgent()
VLLM: Final = _Vllm()
LLAMA_CPP: Final = _LlamaCpp()
