"""`llmlog stats` over the whole of a table: the figures of a file with the same lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.clickhouse.calls_table import call, create_table, in_order, insert
from tests.clickhouse.running import ClickHouse
from tests.commands.conftest import Run, is_refused, llmlog

from llmlog_tui.commands.table_where import table_predicate
from llmlog_tui.log.retention import Retention

__all__ = ["llmlog"]

QUESTIONS: list[tuple[str, ...]] = [
    (),
    ("--slow-ms", "1000"),
    *(("--by", by) for by in ("session", "trace", "provider", "hour", "tool", "error")),
    ("--by", "finish_reason"),
    ("--by", "error_status"),
    ("--by", "stream", "--where", "model = 'gpt-oss-120b' and not (latency_ms > 500)"),
    ("--where", "status != 'ok' or finish_reason in ('length', 'stop') and step between 1 and 4"),
    ("--where", "error_type is not null and (stream = false or retries >= 1)"),
    ("--where", "latency_ms > 1e9"),
    ("--where", "latency_ms > avg(latency_ms)"),
    ("--where", "ts > '2026-11-23T10:10:00+01:00' and latency_ms > 100.5"),
]
TIERED = [
    call(0, model="gemini-2.5-pro", prompt_tokens=100_000, completion_tokens=10),
    call(1, model="gemini-2.5-pro", prompt_tokens=300_000, completion_tokens=10, cached_tokens=500),
    call(2, model="gemini-2.5-pro", prompt_tokens=None, completion_tokens=10),
    call(3, model="gemini-2.5-pro", prompt_tokens=5, completion_tokens=7, reasoning_tokens=9),
    call(4, model="gemini-2.5-pro", ts=None, prompt_tokens=5, completion_tokens=7),
]
CACHE_WRITES = [
    call(step, model="claude-sonnet-4-5", prompt_tokens=prompt, completion_tokens=50, **tokens)
    for step, (prompt, tokens) in enumerate(
        [
            (12_100, {"cached_tokens": 2_000, "cache_write_tokens": 10_000}),
            (300_000, {"cache_write_tokens": 250_000}),
            (1_000, {"cached_tokens": 900, "cache_write_tokens": 5_000}),
        ]
    )
]
PRICED_BY_HOUR = [
    call(step, model="deepseek-chat", prompt_tokens=10, completion_tokens=1_000, ts=ts)
    for step, ts in enumerate(
        f"{day}T{at}:15:00Z" for day in ("2025-03-01", "2026-11-01") for at in ("00", "12", "18")
    )
]


def question(llmlog: Run, name: str | Path, words: tuple[str, ...]) -> dict[str, Any]:
    done = llmlog("stats", name, *words, "--json")
    assert (done.code, done.err) == (0, ""), done.err
    found: dict[str, Any] = json.loads(done.out)
    assert found.pop("files") == [str(name)]
    return found


def assert_same(of_file: dict[str, Any], of_table: dict[str, Any]) -> None:
    """Assert that all figures are the same, fractions but for their last digit."""
    groups = list(zip(of_file.pop("groups"), of_table.pop("groups"), strict=True))
    for first, second in [(of_file, of_table), *groups]:
        for name, value in first.items():
            is_fraction = isinstance(value, float)
            assert second[name] == (pytest.approx(value, rel=1e-12) if is_fraction else value), name
        assert first.keys() == second.keys()


def test_figures_of_the_demo_are_those_of_a_file(
    clickhouse: ClickHouse, llmlog: Run, sample: Path, tmp_path: Path
) -> None:
    lines = in_order(sample.read_bytes().splitlines())
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"\n".join([*lines, b""]))
    table = create_table(clickhouse)
    insert(clickhouse, lines)
    for words in QUESTIONS:
        assert_same(question(llmlog, file, words), question(llmlog, table, words))


@pytest.mark.parametrize(
    ("provider", "lines"),
    [
        ("generativelanguage.googleapis.com", TIERED),
        ("api.anthropic.com", CACHE_WRITES),
        ("api.deepseek.com", PRICED_BY_HOUR),
    ],
    ids=["by tokens", "by cache writes", "by hour and day"],
)
def test_calls_cost_what_they_cost_in_a_file_where_prices_have_steps(
    clickhouse: ClickHouse, llmlog: Run, tmp_path: Path, provider: str, lines: list[bytes]
) -> None:
    written = [json.dumps({**json.loads(line), "provider": provider}).encode() for line in lines]
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"\n".join([*written, b""]))
    table = create_table(clickhouse)
    insert(clickhouse, written)
    of_file = question(llmlog, file, ())
    assert of_file["cost_usd"]
    assert_same(of_file, question(llmlog, table, ()))


def test_models_without_a_price_are_named_and_prices_without_a_call(
    clickhouse: ClickHouse, llmlog: Run, tmp_path: Path
) -> None:
    table = create_table(clickhouse)
    tokens = {"prompt_tokens": 5, "completion_tokens": 5}
    models = ["mine", "mine", "own", "gpt-4o"]
    priced = [
        call(n, model=name, provider="api.openai.com", **tokens) for n, name in enumerate(models)
    ]
    insert(clickhouse, [*priced, call(9, model="tokenless")])
    found = llmlog("stats", table).out
    assert "no price for mine, own: add it" in found
    assert "4 calls unpriced" in found
    rules = tmp_path / "rules.toml"
    rules.write_text("prices.own = {input = 1, output = 1}\nprices.mien = {input = 1, output = 1}")
    found = llmlog("stats", table, "--rules", rules).out
    assert "no price for mine: add it" in found
    assert "unused [prices]: mien; no call" in found


def test_the_whole_table_is_counted_and_a_window_only_where_it_has_to_be(
    clickhouse: ClickHouse, llmlog: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = create_table(clickhouse)
    insert(clickhouse, map(call, range(50)))
    monkeypatch.setattr("llmlog_tui.log.reader.DEFAULT_WINDOW", small_window())
    monkeypatch.setattr("llmlog_tui.log.table_source.DEFAULT_WINDOW", small_window())
    assert question(llmlog, table, ())["calls"] == 50
    done = llmlog("stats", table, "--where", "latency_ms > avg(latency_ms) or step >= 0", "--json")
    assert json.loads(done.out)["calls"] == 20
    assert done.err == "over the newest 20 of 50 records\n"
    done = llmlog("stats", table, "--last", "7", "--json")
    assert json.loads(done.out)["calls"] == 7


def small_window() -> Retention:
    return Retention(records=20)


def test_a_table_without_a_column_is_counted_in_its_window(
    clickhouse: ClickHouse, llmlog: Run
) -> None:
    table = create_table(clickhouse)
    insert(clickhouse, map(call, range(5)))
    clickhouse.query("DROP VIEW llm.lines_to_calls")
    clickhouse.query("ALTER TABLE llm.calls DROP COLUMN stream_end")
    assert question(llmlog, table, ())["calls"] == 5


@pytest.mark.parametrize(
    "where",
    [
        "step = 1; drop table llm.calls",
        "model = 'a' union select 1",
        "sleep(1) = 0",
        "model = (select 1)",
        "model like 'a%'",
        "ts > '2026-01-01'",
        'model = "m"',
        "extra.tier = 'pro'",
        "line = 'x'",
        "ingested = 1",
        "model = 'open",
        "step = 1 -- comment",
        "step = 1 /* comment */",
        "step + 1 = 2",
        "model = 'a\\'",
        f"step < {2**63}",
        "step = ١٢",
        "",
    ],
)
def test_only_comparisons_of_fields_reach_the_server(where: str) -> None:
    found = table_predicate(where)
    # A quote or a backslash in a text is a character of a parameter.
    assert found is None or found.values == {"where_0": "a\\"}


def test_a_number_with_too_many_digits_does_not_reach_the_server() -> None:
    assert table_predicate(f"step < {'9' * 5_000}") is None


def test_values_of_a_predicate_are_parameters() -> None:
    found = table_predicate("model = 'it''s {x:String}' and step >= -2 and latency_ms < 0.5")
    assert found is not None
    assert found.sql == (
        "`model` = {where_0:String} and `step` >= {where_1:Int64}"
        " and `latency_ms` < {where_2:Float64}"
    )
    assert found.values == {"where_0": "it's {x:String}", "where_1": -2, "where_2": 0.5}


def test_a_predicate_that_is_none_is_refused_before_anything_is_sent(llmlog: Run) -> None:
    nowhere = "clickhouse://127.0.0.1:1/llm.calls"
    assert is_refused(llmlog("stats", nowhere, "--where", "modle = 'a'"), "modle")
