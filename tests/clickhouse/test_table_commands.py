"""The headless commands over a table: the answers of a file, and errors of one line."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from tests.clickhouse.calls_table import call, create_table, in_order, insert
from tests.clickhouse.running import ClickHouse
from tests.commands.agent_questions import answers_over, is_over_window
from tests.commands.conftest import Run, is_refused, llmlog

from llmlog_tui.commands.agent_tools import AgentTools, ToolFault
from llmlog_tui.config.rules import DEFAULT
from llmlog_tui.log import reader, table_pages, table_source
from llmlog_tui.log.retention import Retention

__all__ = ["llmlog"]

OF_ALL = [
    ("stats", "--last", "100000"),
    ("stats", "--by", "session", "--where", "length(model) > 5"),
    ("traces",),
    ("slow",),
    ("alerts",),
    ("alerts", "--where", "latency_ms > 200 and model = 'gpt-5-mini'"),
    ("alerts", "--last", "300"),
    ("check",),
    ("check", "--where", "length(model) > 5"),
    ("health",),
    ("sql", "select model, count(*) as n, sum(total_tokens) as t from calls group by 1 order by 1"),
    ("status",),
    ("trace", "latest"),
    ("find", "38762a22"),
    ("session", "0220882d"),
    ("diff", "38762a22", "eb1e0259"),
    ("tail", "--no-follow"),
]


@pytest.fixture
def both(
    clickhouse: ClickHouse, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, str]:
    """A file and a table with the same lines, and the names of both."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    lines = in_order(sample.read_bytes().splitlines())
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"\n".join([*lines, b""]))
    table = create_table(clickhouse)
    insert(clickhouse, lines)
    return str(file), table


def test_every_answer_over_a_table_is_that_over_a_file(llmlog: Run, both: tuple[str, str]) -> None:
    file, table = both
    for words in OF_ALL:
        as_json = ("--format", "json") if words[0] == "sql" else ("--json",)
        of_file, of_table = (llmlog(*words, name, *as_json) for name in both)
        assert of_table.code == of_file.code, words
        assert of_file.out, words
        assert of_table.out.replace(table, file) == of_file.out, words


def test_alerts_of_a_table_without_a_column_are_those_of_its_lines(
    clickhouse: ClickHouse, llmlog: Run, both: tuple[str, str]
) -> None:
    for change in (
        "DROP COLUMN retries",
        "MODIFY COLUMN max_tokens Nullable(String) CODEC(ZSTD(1))",
    ):
        clickhouse.query(f"ALTER TABLE llm.calls {change}")
        of_file, of_table = (llmlog("alerts", name, "--json") for name in both)
        assert (of_table.out, of_table.err) == (of_file.out, "")


def test_a_coding_agent_has_the_answers_over_a_file_and_those_of_later_rows(
    clickhouse: ClickHouse, both: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, table = both
    assert answers_over(table) == answers_over(file)
    monkeypatch.setattr(table_source, "DEFAULT_WINDOW", Retention(records=200))
    monkeypatch.setattr(reader, "DEFAULT_WINDOW", Retention(records=200))
    over = {question: answer.get("over") for question, answer in answers_over(table).items()}
    for question, window in over.items():
        assert (window == "the newest 200 of 965 records") == is_over_window(question), question
    with closing(AgentTools([table], DEFAULT, content=False)) as tools:
        count = "select count(*) as n from records"
        assert json.loads(tools.sql(count))["rows"] == [{"n": 200}]
        assert json.loads(tools.stats())["records"] == 965
        insert(clickhouse, [call(0, ts="2030-01-01T00:00:00Z", model="brand-new", id="new-id")])
        assert json.loads(tools.stats())["records"] == 966
        newest = "select model from records order by ts desc"
        assert json.loads(tools.sql(newest, 1))["rows"] == [{"model": "brand-new"}]
        assert json.loads(tools.find("new-id"))["records"][0]["model"] == "brand-new"
        with pytest.raises(
            ToolFault, match="no id, request_id, trace_id, session_id, span_id or tool_call_id is"
        ):
            tools.find("nothing-like-it")
        clickhouse.stop()
        with pytest.raises(ToolFault, match="connection refused"):
            tools.slow()
        clickhouse.start()
        assert json.loads(tools.sql(count))["rows"] == [{"n": 200}]


@pytest.mark.parametrize(
    ("ts", "ingested", "why"),
    [
        ("String", "DateTime64(6)", "column ts is String, not DateTime64"),
        ("DateTime64(6)", "DateTime", "column ingested is DateTime, not DateTime64"),
    ],
)
def test_a_column_of_another_type_is_named(
    clickhouse: ClickHouse, llmlog: Run, ts: str, ingested: str, why: str
) -> None:
    columns = f"ts {ts}, ingested {ingested}, step Nullable(Int64), line String"
    clickhouse.query(f"CREATE TABLE llm.calls ({columns}) ENGINE = MergeTree ORDER BY ts")
    assert is_refused(
        llmlog("traces", str(clickhouse.url())), f"llm.calls: {why}; see llmlog schema"
    )


HOSTILE = [
    "x' OR 1=1 --",
    "a\\b\\n",
    "{ids:Array(String)}",
    "tab\tand 'quotes\"",
    "é漢\U0001f600\u202e",
]


def test_ids_are_looked_up_in_the_whole_table(clickhouse: ClickHouse, llmlog: Run) -> None:
    table = create_table(clickhouse)
    old = [
        call(step, trace_id="old-trace", session_id="old-session", span_id=f"old-span-{step}")
        for step in range(3)
    ]
    odd = [call(10 + at, id=name) for at, name in enumerate(HOSTILE)]
    insert(clickhouse, [*old, *odd, call(20, trace_id="old-trace"), *map(call, range(30, 60))])

    def steps(*words: str) -> list[int]:
        done = llmlog(*words, table, "--last", "5", "--json")
        assert not done.err
        return [json.loads(line)["step"] for line in done.out.splitlines()]

    assert steps("trace", "old-trace") == [0, 1, 2, 20]
    assert steps("trace", "old-tr") == [0, 1, 2, 20]
    assert steps("session", "old-session") == [0, 1, 2]
    assert steps("find", "old-session") == [0, 1, 2]
    assert steps("find", "old-span-1") == [1]
    assert steps("find", "old-sp") == [0, 1, 2]
    assert [steps("find", name) for name in HOSTILE] == [[10], [11], [12], [13], [14]]
    assert llmlog("trace", "latest", table, "--last", "5").code == 0
    assert llmlog("find", "no-such-id", table, "--last", "5").code == 1
    assert llmlog("find", "' OR '1'='1", table, "--last", "5").code == 1
    text = llmlog("find", HOSTILE[0], table, "--last", "5").out
    assert f"{table}:1" in text
    clickhouse.query("ALTER TABLE llm.calls DROP INDEX by_span_id")
    clickhouse.query("ALTER TABLE llm.calls DROP COLUMN span_id")
    assert steps("trace", "old-trace") == [0, 1, 2, 20], "a table of an older version"
    assert llmlog("find", "old-span-1", table, "--last", "5").code == 1


def test_words_are_found_in_the_content_of_a_table(clickhouse: ClickHouse, llmlog: Run) -> None:
    table = create_table(clickhouse)
    insert(clickhouse, [call(step, output={"content": f"word{step} of it"}) for step in range(5)])
    found = json.loads(llmlog("find", "--text", "word3", table, "--json").out)
    assert (found["step"], found["file"], found["line"]) == (3, table, 4)


def test_a_window_is_said_on_stderr(clickhouse: ClickHouse, llmlog: Run) -> None:
    table = create_table(clickhouse)
    insert(clickhouse, [call(step) for step in range(50)])
    found = llmlog("traces", table, "--last", "20", "--json")
    assert found.err == "over the newest 20 of 50 records\n"
    assert json.loads(found.out)["steps"] == 20
    assert not llmlog("traces", table, "--json").err


def test_last_keeps_the_newest_records_of_a_file_too(llmlog: Run, tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_bytes(b"\n".join([*map(call, range(9)), b""]))
    assert json.loads(llmlog("traces", file, "--last", "4", "--json").out)["steps"] == 4
    assert json.loads(llmlog("traces", file, "--last", "2s", "--json").out)["steps"] == 3
    assert is_refused(llmlog("traces", file, "--last", "soon"), "soon: neither a number")


def test_records_of_a_table_are_exported(
    llmlog: Run, both: tuple[str, str], tmp_path: Path
) -> None:
    file, table = both
    for suffix in ("jsonl", "parquet"):
        for name in both:
            assert llmlog("export", name, "--to", tmp_path / f"{len(name)}.{suffix}").code == 0
    lines = Path(file).read_bytes().splitlines()
    assert (tmp_path / f"{len(table)}.jsonl").read_bytes().splitlines() == lines
    first, second = (pl.read_parquet(tmp_path / f"{len(name)}.parquet") for name in both)
    assert first.drop("file").equals(second.drop("file"))
    assert second["file"].unique().to_list() == [table]


def test_an_export_of_a_window_has_its_records_however_big_the_pages_are(
    llmlog: Run, both: tuple[str, str], tmp_path: Path
) -> None:
    file, table = both
    lines = Path(file).read_bytes().splitlines()
    chosen = [line for line in lines[-400:] if b'"gpt-5-mini' in line]
    for rows in (40, 90):
        with patch.multiple(table_pages, _FIRST_LINES=rows, _MAX_LINES=rows, _PAGE_ROWS=50):
            out = tmp_path / f"{rows}.jsonl"
            done = llmlog("export", table, "--to", out, "--last", "400")
            assert done.err == f"over the newest 400 of 965 records\n{out}: 400 records written\n"
            assert out.read_bytes().splitlines() == lines[-400:]
            where = ("--where", "model like 'gpt-5-mini%' or requested_model like 'gpt-5-mini%'")
            llmlog("export", table, "--to", out, "--last", "400", *where)
            assert out.read_bytes().splitlines() == chosen


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_an_export_that_breaks_off_is_one_line_and_no_file(
    clickhouse: ClickHouse, llmlog: Run, both: tuple[str, str], tmp_path: Path, ending: str
) -> None:
    with patch.multiple(table_pages, _FIRST_LINES=50, _MAX_LINES=50, _PAGE_ROWS=50):
        clickhouse.fail(cut=30_000)
        done = llmlog("export", both[1], "--to", tmp_path / f"out.{ending}")
    assert is_refused(done, "broke")
    assert not list(tmp_path.glob(f"*out.{ending}"))
    assert not list(tmp_path.glob(".llmlog*"))


@pytest.mark.parametrize(
    "query",
    [
        "insert into calls values (1)",
        "select * from file('/etc/hostname')",
        "select * from url('http://127.0.0.1/')",
        "select * from clickhouse.system.tables",
        "select 1 settings readonly = 0",
    ],
)
def test_sql_runs_on_the_window_and_never_reaches_the_server(
    clickhouse: ClickHouse, llmlog: Run, query: str
) -> None:
    table = create_table(clickhouse)
    insert(clickhouse, [call(1)])
    assert is_refused(llmlog("sql", query, table))
    assert clickhouse.query("SELECT count() FROM llm.calls") == "1"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("clickhouse://127.0.0.1:1/llm.calls", "refused"),
        ("clickhouse://user:pw@127.0.0.1/llm.calls", "CLICKHOUSE_PASSWORD"),
        ("clickhouse://127.0.0.1/calls", "db.table"),
        ("clickhouse://127.0.0.1/llm.calls;drop", "letters, digits"),
        ("clickhouses://", "address"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_in_one_line(
    llmlog: Run, url: str, words: str
) -> None:
    assert is_refused(llmlog("stats", url), words)


def test_a_login_that_fails_is_refused_in_one_line(clickhouse: ClickHouse, llmlog: Run) -> None:
    assert is_refused(llmlog("stats", str(clickhouse.url(user="stranger"))), "stranger", "login")


def test_a_user_whose_profile_is_read_only_can_read(
    clickhouse: ClickHouse, llmlog: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_table(clickhouse)
    insert(clickhouse, [call(1)])
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "secret")
    found = llmlog("stats", str(clickhouse.url(user="reader")), "--json")
    assert json.loads(found.out)["records"] == 1


def test_without_the_extra_its_name_is_said(llmlog: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert is_refused(llmlog("stats", "clickhouse://127.0.0.1/llm.calls"), "llmlog[clickhouse]")
