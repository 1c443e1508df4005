"""The model of a call: failed calls have only the name that was requested."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from llmlog_tui.analysis.alerts.engine import find_alerts
from llmlog_tui.analysis.calls.call_model import is_of_model, models, of_model_sql, requested_as
from llmlog_tui.analysis.calls.calls import model_calls
from llmlog_tui.analysis.calls.cost import priced
from llmlog_tui.analysis.query.predicate import filter_records, is_by_row
from llmlog_tui.analysis.reports.alert_context import alert_context
from llmlog_tui.log.load import load

Record = dict[str, object]

FAILED: Record = {"status": "error", "error_type": "Timeout", "model": None}
ALIAS: Record = {"model": "m", "requested_model": "router/m"}


def frame_of(tmp_path: Path, *calls: Record) -> pl.DataFrame:
    log = tmp_path / "calls.jsonl"
    lines = (
        {"ts": 1_700_000_000 + n, "event": "response", "provider": "p", "step": n} | call
        for n, call in enumerate(calls)
    )
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return priced(load([log]).frame)


@pytest.fixture
def calls(tmp_path: Path) -> pl.DataFrame:
    return model_calls(
        frame_of(
            tmp_path,
            ALIAS,
            ALIAS | FAILED,
            {"model": "it's", "requested_model": "it's"},
            {"requested_model": "it's"} | FAILED,
            {"requested_model": "never answered"} | FAILED,
            {"status": "error"},
        )
    )


def test_a_failed_call_belongs_to_the_model_that_answered_the_same_request(
    calls: pl.DataFrame,
) -> None:
    assert models(calls) == ["it's", "m", "never answered"]
    found = {"m": [0, 1], "it's": [2, 3], "never answered": [4]}
    for model, steps in found.items():
        names = requested_as(calls, model)
        sql = of_model_sql(model, names)
        assert calls.filter(is_of_model(model, names))["step"].to_list() == steps
        assert filter_records(calls, sql)["step"].to_list() == steps
        assert is_by_row(sql), "a filter that costs what is new"
    assert filter_records(calls, of_model_sql(None, ()))["step"].to_list() == [5]


AUTO: Record = {"requested_model": "auto"}


@pytest.mark.parametrize(
    "answered",
    [
        pytest.param([AUTO | {"model": "a"}, AUTO | {"model": "b"}], id="by two models"),
        pytest.param([AUTO | {"model": "a"}, {"model": "auto"}], id="by one, and a model itself"),
    ],
)
def test_a_failed_call_stays_with_a_name_that_no_model_has_alone(
    tmp_path: Path, answered: list[Record]
) -> None:
    calls = model_calls(frame_of(tmp_path, *answered, *[AUTO | FAILED] * 6))
    failed = {}
    for model in models(calls):
        names = requested_as(calls, model)
        found = calls.filter(is_of_model(model, names))
        assert filter_records(calls, of_model_sql(model, names)).equals(found)
        failed[model] = found.filter(status="error").height
    assert {name: count for name, count in failed.items() if count} == {"auto": 6}
    assert failed["a"] == 0


def test_the_figures_of_an_alert_on_a_model_have_its_failed_calls(tmp_path: Path) -> None:
    usual: Record = ALIAS | {"finish_reason": "stop", "latency_ms": 100}
    cut = usual | {"finish_reason": "length"}
    frame = frame_of(tmp_path, *[usual] * 60, *[cut] * 30, *[ALIAS | FAILED] * 10)
    found = next(each for each in find_alerts(model_calls(frame)) if each.rule == "truncation")
    assert found.subject == "m"
    changes = {each.name: each for each in alert_context(frame, found).changes}
    assert (changes["calls"].before, changes["calls"].after) == (60, 40)
    assert (changes["failed"].before, changes["failed"].after) == (0, 10 / 40)


def test_alerts_name_a_model_that_is_known_only_from_requests(tmp_path: Path) -> None:
    cut = {"requested_model": "m", "finish_reason": "stop", "max_tokens": 9, "completion_tokens": 9}
    frame = frame_of(tmp_path, cut)
    (found,) = find_alerts(model_calls(frame))
    assert (found.rule, found.subject) == ("hidden cut", "m")


def test_a_rate_limit_has_the_calls_that_requested_its_model(tmp_path: Path) -> None:
    limit: Record = {"ratelimit_limit_tokens": 100, "ratelimit_remaining_tokens": 1}
    frame = frame_of(tmp_path, ALIAS | limit, ALIAS | limit | FAILED)
    (found,) = find_alerts(model_calls(frame))
    assert (found.rule, found.subject) == ("rate limit", "router/m")
    changes = {each.name: each.after for each in alert_context(frame, found).changes}
    assert (changes["calls"], changes["failed"]) == (2, 1 / 2)
