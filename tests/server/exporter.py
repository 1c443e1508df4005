"""An inference server's metrics: prometheus_client's own HTTP exporter, with the names of vLLM.

Prints its port, then takes lines of JSON on standard input: {"running": 8, "waiting": 11, ...} sets
gauges, adds to counters, and observes times. Each line is answered by `ok`.
"""

from __future__ import annotations

import json
import sys

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

MODEL = {"model_name": "gpt-oss-120b", "engine": "0"}
BUCKETS = (0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0)


def main() -> None:
    registry = CollectorRegistry()
    labels = tuple(MODEL)
    gauges = {
        "running": Gauge("vllm:num_requests_running", "Running", labels, registry=registry),
        "waiting": Gauge("vllm:num_requests_waiting", "Waiting", labels, registry=registry),
        "kv_cache": Gauge("vllm:kv_cache_usage_perc", "KV cache", labels, registry=registry),
    }
    counters = {
        "preemptions": Counter("vllm:num_preemptions", "Preemptions", labels, registry=registry),
        "prompt_tokens": Counter("vllm:prompt_tokens", "Prompt", labels, registry=registry),
        "generation_tokens": Counter("vllm:generation_tokens", "Out", labels, registry=registry),
    }
    times = {
        "ttft": Histogram(
            "vllm:time_to_first_token_seconds", "TTFT", labels, buckets=BUCKETS, registry=registry
        ),
        "queue": Histogram(
            "vllm:request_queue_time_seconds", "Queue", labels, buckets=BUCKETS, registry=registry
        ),
    }
    for metric in (*gauges.values(), *counters.values(), *times.values()):
        metric.labels(**MODEL)
    server, _ = start_http_server(0, "127.0.0.1", registry)
    print(server.server_address[1], flush=True)  # noqa: T201 - to the test
    for line in sys.stdin:
        for name, value in json.loads(line).items():
            if name in gauges:
                gauges[name].labels(**MODEL).set(value)
            elif name in counters:
                counters[name].labels(**MODEL).inc(value)
            else:
                times[name].labels(**MODEL).observe(value)
        print("ok", flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
