"""Prometheus text: what each known server says, and what is no metrics at all."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlog_tui.server.exposition import (
    MAX_RAW,
    NO_OBSERVATIONS,
    Histogram,
    NotPrometheusError,
)
from llmlog_tui.server.prometheus_text import parse
from llmlog_tui.server.quantities import KINDS, ServerKind

VLLM = b"""
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 8.0
vllm:num_requests_running{engine="1",model_name="m"} 4.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 11.0
vllm:num_requests_waiting{engine="1",model_name="m"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.97
vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.2
# TYPE vllm:num_preemptions_total counter
vllm:num_preemptions_total{engine="0",model_name="m"} 2.0
# TYPE vllm:num_preemptions_created gauge
vllm:num_preemptions_created{engine="0",model_name="m"} 1.7e+09
# TYPE vllm:generation_tokens_total counter
vllm:generation_tokens_total{engine="0",model_name="m"} 5000.0
# TYPE vllm:request_queue_time_seconds histogram
vllm:request_queue_time_seconds_bucket{le="1.0",model_name="m"} 2.0
vllm:request_queue_time_seconds_bucket{le="5.0",model_name="m"} 8.0
vllm:request_queue_time_seconds_bucket{le="+Inf",model_name="m"} 10.0
vllm:request_queue_time_seconds_count{model_name="m"} 10.0
vllm:request_queue_time_seconds_sum{model_name="m"} 31.0
"""


def test_requests_of_several_engines_are_summed_and_the_fullest_cache_counts() -> None:
    found = parse(VLLM)
    assert found.kind == "vLLM"
    assert found.gauges == {"running": 12.0, "waiting": 11.0, "kv_cache": 0.97}
    assert found.counters == {"preemptions": 2.0, "generation_tokens": 5_000.0}


def test_quantiles_are_interpolated_within_a_bucket() -> None:
    queue = parse(VLLM).histograms["queue"]
    assert queue.mean == pytest.approx(3.1)
    assert queue.quantile(0.1) == pytest.approx(0.5)  # 1 of the 2 up to 1 s
    assert queue.quantile(0.5) == pytest.approx(3.0)  # 3 of the 6 between 1 and 5 s
    assert queue.quantile(0.95) == 5.0  # beyond the last bound: at least that
    assert (NO_OBSERVATIONS.quantile(0.5), NO_OBSERVATIONS.mean) == (None, None)


def test_observations_since_an_earlier_state_are_its_difference_and_all_after_a_restart() -> None:
    before, now = Histogram({1.0: 2.0, math.inf: 4.0}, 6.0, 4.0), parse(VLLM).histograms["queue"]
    assert now.since(before) == Histogram({1.0: 0.0, 5.0: 8.0, math.inf: 6.0}, 25.0, 6.0)
    assert before.since(now) == before


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_name_of_the_table_is_found_also_with_underscores(kind: ServerKind) -> None:
    plain = (names[-1] for names in (*kind.gauges.values(), *kind.counters.values()))
    text = "".join(f"{name} 3\n" for name in plain)
    for name in (names[-1] for names in kind.histograms.values()):
        text += f'{name}_bucket{{le="+Inf"}} 1\n{name}_sum 2\n{name}_count 1\n'
    for body in (text, text.replace(":", "_")):
        found = parse(body.encode())
        assert found.kind == kind.name
        assert found.gauges.keys() == kind.gauges.keys()
        assert found.counters.keys() == kind.counters.keys()
        assert {each.mean for each in found.histograms.values()} <= {2.0}
        assert found.histograms.keys() == kind.histograms.keys()


def test_values_of_an_unknown_server_are_listed_as_they_are() -> None:
    found = parse(b'tgi_queue_size 3\ntgi_batch{shape="a b"} 2\nx_bucket{le="1"} 7\n')
    assert found.kind == ""
    assert found.raw == (("tgi_queue_size", 3.0), ('tgi_batch{shape="a b"}', 2.0))


def test_the_list_is_bounded_in_number_and_length() -> None:
    many = "".join(f'x{n}{{a="{"v" * 5_000}"}} 1\n' for n in range(MAX_RAW + 10))
    found = parse(many.encode())
    assert len(found.raw) == MAX_RAW
    assert max(len(name) for name, _ in found.raw) < 200


def test_values_that_are_no_numbers_are_left_out() -> None:
    body = b"vllm:num_requests_running NaN\nvllm:num_requests_waiting +Inf\n" + VLLM
    assert parse(body).gauges["running"] == 12.0
    assert parse(body).gauges["waiting"] == 11.0


def test_numbers_too_large_for_sums_and_rates_are_no_quantities_and_listed() -> None:
    huge = b"1" + b"0" * 400
    names = ("num_requests_waiting", "generation_tokens_total", "request_queue_time_seconds_sum")
    body = b"".join(
        b'vllm:%b{x="%b"} %b\n' % (name.encode(), x, x)
        for name in names
        for x in (huge, b"1e308", b"2e308")
    )
    found = parse(body + VLLM)
    assert (found.gauges["waiting"], found.counters["generation_tokens"]) == (11.0, 5000.0)
    assert found.histograms["queue"].total == parse(VLLM).histograms["queue"].total
    assert [number for _, number in found.raw[:3]] == [math.inf, 1e308, math.inf]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<!doctype html><title>vLLM</title>", "not Prometheus text"),
        (b'{"status": "ok"}', "not Prometheus text"),
        (b"\xff\xfe\x00\x01", "not Prometheus text"),
        (b"vllm:num_requests_running eight", "not Prometheus text"),
        (b"", "no metrics"),
        (b"# HELP nothing here\n", "no metrics"),
    ],
)
def test_anything_else_is_one_line(body: bytes, why: str) -> None:
    with pytest.raises(NotPrometheusError, match=why) as caught:
        parse(body)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300), st.integers(0, len(VLLM)))
def test_no_bytes_raise_anything_else(noise: bytes, at: int) -> None:
    with suppress(NotPrometheusError):
        parse(VLLM[:at] + noise + VLLM[at:])
