"""`llmlog sql`: any question, in SQL."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands.conftest import Run, Written, is_refused


@pytest.fixture
def log(written: Written) -> Path:
    return written(
        [
            {"ts": "2026-11-23T09:00:00.5Z", "model": "gpt-5", "latency_ms": 900, "trace_id": "t",
             "tool_calls": ["a", "b"]},
            {"model": "gpt-5", "latency_ms": 100, "trace_id": "t"},
            {"model": "local", "trace_id": "u"},
            {"tool_name": "search", "trace_id": "u"},
        ]
    )  # fmt: skip


GROUPED = (
    "SELECT model, count(*) AS n, max(latency_ms) AS ms FROM calls GROUP BY model ORDER BY n DESC"
)


def test_calls_are_the_model_calls(llmlog: Run, log: Path) -> None:
    done = llmlog("sql", GROUPED, log, "--format", "json")
    assert [json.loads(line) for line in done.out.splitlines()] == [
        {"model": "gpt-5", "n": 2, "ms": 900.0},
        {"model": "local", "n": 1, "ms": None},
    ]


def test_people_get_a_table(llmlog: Run, log: Path) -> None:
    assert llmlog("sql", GROUPED, log).out.splitlines() == [
        "model  n   ms",
        "gpt-5  2  900",
        "local  1    –",
    ]


def test_csv_has_times_and_lists(llmlog: Run, log: Path) -> None:
    done = llmlog("sql", "select ts, tool_calls, model from records", log, "--format", "csv")
    rows = list(csv.reader(io.StringIO(done.out)))
    assert rows[:3] == [
        ["ts", "tool_calls", "model"],
        ["2026-11-23T09:00:00.500000Z", "a,b", "gpt-5"],
        ["", "", "gpt-5"],
    ]


def test_traces_and_records_are_tables_too(llmlog: Run, log: Path) -> None:
    joined = """
        select t.trace_id, t.steps, count(*) as tools from traces t
        join records r on r.trace_id = t.trace_id where r.event = 'tool_call'
        group by t.trace_id, t.steps
    """
    done = llmlog("sql", joined, log, "--format", "json")
    assert json.loads(done.out) == {"trace_id": "u", "steps": 2, "tools": 1}


def test_there_are_no_categoricals(llmlog: Run, log: Path) -> None:
    is_gpt = "model like 'gp%' and model ~ '5' and length(model) = 5"
    text = f"select upper(model) m from calls where {is_gpt}"  # noqa: S608 - a test's own
    done = llmlog("sql", text, log, "--format", "json")
    assert done.out == '{"m":"GPT-5"}\n' * 2


def test_times_are_utc_timestamps(llmlog: Run, log: Path) -> None:
    late = "select ts from calls where ts > timestamp '2026-11-23 09:00:00' and ts < '2026-11-24'"
    done = llmlog("sql", late, log, "--format", "json")
    assert done.out == '{"ts":"2026-11-23T09:00:00.500000Z"}\n'


def test_what_json_has_no_word_for_becomes_text_or_null(llmlog: Run, log: Path) -> None:
    text = "select '2026-11-23'::date d, 1.5::decimal(5, 2) p, ln(-1.0) nan from calls limit 1"
    found = json.loads(llmlog("sql", text, log, "--format", "json").out)
    assert found == {"d": "2026-11-23", "p": "1.50", "nan": None}


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_integers_beyond_64_bits_are_floats_in_lists_too(
    llmlog: Run, written: Written, form: str
) -> None:
    huge = 9_000_000_000_000_000_000
    log = written([{"model": "gpt-5", "prompt_tokens": huge}] * 2)
    lists = "select array_agg(prompt_tokens * 4) as x, array_agg(prompt_tokens) as y from calls"
    inner = f"{lists} group by model"
    nested = f"select array_agg(x) as x, array_agg(y) as y from ({inner})"  # noqa: S608 - ours
    for query, (beyond, within) in {
        lists: ([3.6e19] * 2, [huge] * 2),
        nested: ([[3.6e19] * 2], [[huge] * 2]),
    }.items():
        done = llmlog("sql", query, log, "--format", form)
        assert done.code == 0, done.err
        if form == "json":
            assert json.loads(done.out) == {"x": beyond, "y": within}
        else:
            assert "3.6e+19" in done.out
            assert str(huge) in done.out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("max(ts) - min(ts)", "0:00:00"),
        ("array_agg(ts - ts)", "0:00:00"),
        ("first(cast(model as blob))", "gpt-5"),
        ("array_agg(cast(model as blob))", "gpt-5"),
    ],
)
def test_csv_has_what_it_has_no_type_for_as_text(
    llmlog: Run, log: Path, value: str, text: str
) -> None:
    query = f"select {value} as x from calls where ts is not null"  # noqa: S608 - ours
    done = llmlog("sql", query, log, "--format", "csv")
    assert done.out.splitlines() == ["x", text], done.err
    as_json = json.loads(llmlog("sql", query, log, "--json").out)
    assert as_json["x"] in (text, [text]), "the same text in JSON"


def test_csv_joins_lists_of_lists(llmlog: Run, log: Path) -> None:
    query = "select array_agg(tool_calls) as tools from records where tool_calls is not null"
    assert llmlog("sql", query, log, "--format", "csv").out.splitlines() == ["tools", '"a,b"']


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("selec", "selec"),
        ("select nope from calls", "no column nope; there are "),
        ("select * from cals", "'cals' was not found; there are calls, traces, records"),
        ("update calls set model = 'x'", "not supported"),
        ("select 1; select 2", "one"),
        ("", "one"),
    ],
)
def test_a_bad_query_is_one_line(llmlog: Run, log: Path, query: str, says: str) -> None:
    assert is_refused(llmlog("sql", query, log), says)


def test_values_are_shown_and_not_obeyed(llmlog: Run, written: Written) -> None:
    out = llmlog("sql", "select model from calls", written([{"model": "\x1b[2Jü漢\n"}])).out
    assert out == "model\n␛[2Jü漢␊\n"


def test_a_huge_value_is_cut_in_a_table(llmlog: Run, written: Written) -> None:
    out = llmlog("sql", "select model from calls", written([{"model": "m" * 100_000}])).out
    assert len(out) < 200


# 2,000 in at $1.25, of which 800 cached at $0.125, and 100 out at $10 a million: $0.0026.
PRICED = {
    "provider": "api.openai.com", "model": "gpt-5", "trace_id": "t", "prompt_tokens": 2_000,
    "cached_tokens": 800, "completion_tokens": 100,
}  # fmt: skip
OWN = '[prices."gpt-5"]\ninput = 1\noutput = 0\n'


def test_calls_have_costs_at_the_prices_of_the_rules(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    log, rules = written([PRICED, {"event": "response", "trace_id": "t"}]), tmp_path / "rules.toml"
    rules.write_text(OWN)
    text = "select cost_usd, saved_usd from calls"
    listed = map(json.loads, llmlog("sql", text, log, "--format", "json").out.splitlines())
    assert [*map(str, next(listed).values())] == ["0.0026", "0.0009"]
    assert next(listed) == {"cost_usd": None, "saved_usd": None}
    own = llmlog("sql", text, log, "--format", "json", "--rules", rules).out.splitlines()
    assert json.loads(own[0]) == {"cost_usd": 0.002, "saved_usd": 0.0}


def test_where_may_ask_for_costs(llmlog: Run, written: Written, tmp_path: Path) -> None:
    log, rules = written([PRICED, {"event": "response", "trace_id": "t"}]), tmp_path / "rules.toml"
    rules.write_text(OWN)
    found = llmlog("find", "t", log, "--where", "cost_usd > 0.0025", "--json")
    assert found.out.count("\n") == 1
    shown = llmlog("tail", log, "--no-follow", "--where", "saved_usd is null", "--json")
    assert shown.out == '{"event": "response", "trace_id": "t"}\n'
    dear = ("--where", "cost_usd > 0.0025")
    assert json.loads(llmlog("stats", log, "--json", *dear).out)["calls"] == 1
    assert json.loads(llmlog("stats", log, "--json", *dear, "--rules", rules).out)["calls"] == 0


ENDLESS = "with recursive t as (select 1 as n union all select n + 1 from t) select max(n) from t"
RUNNING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from llmlog_tui.commands import main, sql
real = sql.query
def query(*arguments):
    print("running", file=sys.stderr, flush=True)
    return real(*arguments)
sql.query = query
sys.exit(main())
"""


def test_ctrl_c_ends_a_query_that_never_ends(log: Path) -> None:
    command = [sys.executable, "-c", RUNNING, "sql", ENDLESS, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == b"running\n"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, b"", b"")


def test_a_query_reads_nothing_but_the_log(llmlog: Run, log: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("model\nhidden\n", encoding="utf-8")
    query = f"select * from read_csv('{secret}')"  # noqa: S608 - to be refused
    assert is_refused(llmlog("sql", query, log), "read_csv", "reads files")
    predicate = f"model in (select model from read_csv('{secret}'))"  # noqa: S608 - as above
    assert is_refused(llmlog("stats", log, "--where", predicate), "read_csv", "reads files")
    assert is_refused(llmlog("sql", "create table x as select 1", log), "create", "only read")
