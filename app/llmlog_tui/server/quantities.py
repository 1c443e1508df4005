"""Table of metric names: which metric of which server is which quantity.

A new server is one entry here. Names are compared with `_` for `:`, as some exporters write them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

Names = Mapping[str, tuple[str, ...]]
"""Quantity -> metric names of successive versions; the first that is there counts."""


@dataclass(frozen=True)
class ServerKind:
    """A server, and its names of the quantities; it is known by any of them.

    Gauges: `running` and `waiting` requests, `kv_cache` (share in use, 0 to 1), `tokens_per_sec`.
    Counters: `preemptions`, `prompt_tokens`, `generation_tokens`. Histograms, in seconds: `ttft`
    (time to first token), `queue` (time a request waited).
    """

    name: str
    gauges: Names = field(default_factory=dict)
    counters: Names = field(default_factory=dict)
    histograms: Names = field(default_factory=dict)

    def is_in(self, names: Collection[str]) -> bool:
        """Return whether one of its metrics is among canonical names."""
        parts = [(self.gauges, ""), (self.counters, ""), (self.histograms, "_count")]
        ours = (
            canonical(name) + ending
            for table, ending in parts
            for each in table.values()
            for name in each
        )
        return any(name in names for name in ours)


KINDS: Final = (
    ServerKind(
        "vLLM",
        gauges={
            "running": ("vllm:num_requests_running",),
            "waiting": ("vllm:num_requests_waiting",),
            "kv_cache": ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
        },
        counters={
            "preemptions": ("vllm:num_preemptions_total",),
            "prompt_tokens": ("vllm:prompt_tokens_total",),
            "generation_tokens": ("vllm:generation_tokens_total",),
        },
        histograms={
            "ttft": ("vllm:time_to_first_token_seconds",),
            "queue": ("vllm:request_queue_time_seconds",),
        },
    ),
    ServerKind(
        "SGLang",
        gauges={
            "running": ("sglang:num_running_reqs",),
            "waiting": ("sglang:num_queue_reqs",),
            "kv_cache": ("sglang:token_usage",),
            "tokens_per_sec": ("sglang:gen_throughput",),
        },
        counters={
            "preemptions": (
                "sglang:num_retracted_requests_total",
                "sglang:num_retracted_reqs_total",
            ),
            "prompt_tokens": ("sglang:prompt_tokens_total",),
            "generation_tokens": ("sglang:generation_tokens_total",),
        },
        histograms={
            "ttft": ("sglang:time_to_first_token_seconds",),
            "queue": ("sglang:queue_time_seconds", "sglang:request_queue_time_seconds"),
        },
    ),
    ServerKind(
        "llama.cpp",
        gauges={
            "running": ("llamacpp:requests_processing",),
            "waiting": ("llamacpp:requests_deferred",),
            "kv_cache": ("llamacpp:kv_cache_usage_ratio",),
        },
        counters={
            "prompt_tokens": ("llamacpp:prompt_tokens_total",),
            "generation_tokens": ("llamacpp:tokens_predicted_total",),
        },
    ),
    ServerKind(
        "LiteLLM proxy",
        gauges={"running": ("litellm_in_flight_requests",)},
        counters={
            "prompt_tokens": ("litellm_input_tokens_metric_total",),
            "generation_tokens": ("litellm_output_tokens_metric_total",),
        },
        histograms={
            "ttft": ("litellm_llm_api_time_to_first_token_metric",),
            "queue": ("litellm_request_queue_time_seconds",),
        },
    ),
)

MAXIMA: Final = frozenset({"kv_cache"})
"""Gauges of which several series have a maximum; of all others, they have a sum."""


def canonical(name: str) -> str:
    """Return a metric's name in the form in which names are compared."""
    return name.replace(":", "_")
