"""`llmlog` as its user has it: data on stdout, one clear line on stderr, no traceback."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import resource
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pytest
from tests import forked
from tests.commands.conftest import Run, Written, command, is_refused
from tests.forked import Child

from llmlog_tui import _dashboard, cli, commands, humanize

COMMANDS = {
    *("stats", "find", "session", "slow", "traces", "trace", "diff", "health", "tail", "sql"),
    *("export", "bundle", "prune", "demo", "alerts", "check", "status", "listen"),
}


@pytest.fixture
def terminal() -> Callable[..., str]:
    """What `llmlog` shows on a terminal."""

    def shown(*words: str, **variables: str) -> str:
        ours, theirs = pty.openpty()
        plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        with Path(os.devnull).open() as nothing:
            process = Child(
                "headless",
                *words,
                stdin=nothing.fileno(),
                stdout=theirs,
                stderr=theirs,
                env={**plain, "TERM": "xterm", **variables},
            )
        os.close(theirs)
        parts = []
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes any more
            while part := os.read(ours, 65_536):
                parts.append(part)
        os.close(ours)
        process.wait()
        return b"".join(parts).decode()

    return shown


def test_a_missing_file_is_one_line(process: Run, tmp_path: Path) -> None:
    assert is_refused(process("stats", tmp_path / "no.jsonl"), "no.jsonl", "no such file")


def test_a_folder_is_one_line(llmlog: Run, tmp_path: Path) -> None:
    assert is_refused(llmlog("stats", tmp_path), str(tmp_path), "folder")


def test_a_device_is_one_line(llmlog: Run) -> None:
    assert is_refused(llmlog("stats", os.devnull), "not a regular file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_one_line(llmlog: Run, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.touch(mode=0)
    assert is_refused(llmlog("stats", path), str(path), "Permission denied")


def test_one_bad_file_among_good_ones_is_one_line(llmlog: Run, sample: Path) -> None:
    assert is_refused(llmlog("stats", sample, "no.jsonl", "--json"), "no.jsonl")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["stats"], "calls.jsonl"),
        (["stats", "x", "--bad"], "--bad"),
        (["stats", "x", "--slow-ms", "-1"], "-1"),
        (["stats", "x", "--slow-ms", "nan"], "nan"),
        (["stats", "x", "--slow-ms", "inf"], "inf"),
        (["stats", "x", "--slow-ms", "soon"], "soon"),
        (["nope"], "nope"),
        (["--nope"], "--nope"),
        (["slow", "x", "--over", "-1"], "-1"),
        (["find"], "ID"),
        (["diff", "a"], "B"),
        (["sql", "x", "--format", "xml"], "xml"),
        (["tail", "x", "--lines", "-1"], "-1"),
        (["export", "x"], "--to"),
        (["prune", "x"], "--older-than"),
        (["prune", "x", "--older-than", "soon"], "soon"),
        (["demo", "--runs", "0"], "--runs"),
        (["demo", "--rate", "0"], "--rate"),
        (["demo", "--rate", "nan"], "nan"),
        (["demo", "--rate", "inf"], "inf"),
        (["demo", "extra"], "extra"),
    ],
)
def test_bad_usage_is_one_line_that_says_where_help_is(
    llmlog: Run, arguments: list[str], word: str
) -> None:
    assert is_refused(llmlog(*arguments), word, "--help")


@pytest.mark.parametrize("name", ["a\nb.jsonl", "a\x1b[31m.jsonl"])
def test_a_file_name_is_shown_and_not_obeyed(llmlog: Run, name: str) -> None:
    done = llmlog("stats", name)
    assert is_refused(done, "no such file")
    assert "\x1b" not in done.err


def test_without_arguments_the_help_is_shown(process: Run) -> None:
    done = process()
    assert (done.code, done.out) == (2, "")
    assert all(word in done.err for word in ("Usage: llmlog", "stats", "demo"))


def test_every_command_of_the_contract_is_there(llmlog: Run) -> None:
    out = llmlog("--help").out
    assert {line.split()[0] for line in out.splitlines() if line[:3].strip()} >= COMMANDS
    assert "_LLMLOG_COMPLETE=bash_source" in out


def test_a_group_that_is_no_column_of_the_log_is_one_line(llmlog: Run, sample: Path) -> None:
    assert is_refused(llmlog("stats", sample, "--by", "moon"), "no column moon")


def test_the_summaries_in_the_help_are_the_commands_own(llmlog: Run) -> None:
    help_of_all = llmlog("--help").out
    group = commands.llmlog
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        assert f"{name} {command.get_short_help_str(100)}" in " ".join(help_of_all.split())


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_do_not_wait_for_polars(option: str) -> None:
    code = (
        "import sys; from llmlog_tui import cli; cli.headless();"
        "print('polars' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, option], capture_output=True, text=True, check=True
    )
    assert (done.stdout != "", done.stderr) == (True, "False\n")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("llmlog tra", {"plain,trace", "plain,traces"}),
        ("llmlog sql --fo", {"plain,--format"}),
        ("llmlog slow ca", {"file,ca"}),
        ("llmlog trace 7c1d4e8a ca", {"file,ca"}),
        ("llmlog prune ca", {"file,ca"}),
    ],
)
def test_the_shell_completes_commands_options_and_files(
    process: Run, words: str, offered: set[str]
) -> None:
    asked = {
        "_LLMLOG_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = process(env={**os.environ, **asked})
    assert set(done.out.split()) == offered


@pytest.mark.parametrize("words", [["slow"], ["alerts"], ["trace", "FAILED"], ["stats"]])
def test_what_an_encoding_has_no_sign_for_is_a_question_mark(
    process: Run, sample: Path, words: list[str]
) -> None:
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = process(*(named(word, sample) for word in words), sample, env=latin)
    assert (done.code, done.err) == (0, "")
    assert "?" in done.out


def test_prices_are_not_loaded_where_no_call_has_a_provider(
    written: Written, tmp_path: Path
) -> None:
    program = (
        "import sys; from llmlog_tui import commands; code = commands.main();"
        "print('genai_prices' in sys.modules, code, file=sys.stderr)"
    )
    call = {"model": "gpt-5", "prompt_tokens": 5, "completion_tokens": 5}
    for fields, loaded in (({}, "False 0"), ({"provider": "api.openai.com"}, "True 0")):
        log = written([{**call, **fields}])
        done = subprocess.run(
            [sys.executable, "-c", program, "stats", log],
            check=True, capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert done.stderr.strip() == loaded


def test_prices_are_loaded_without_their_network_stack_which_comes_where_it_is_wanted(
    written: Written, tmp_path: Path
) -> None:
    program = (
        "import sys; from llmlog_tui import commands; code = commands.main();"
        "stack = ('httpx2', 'asyncio', 'ssl');"
        "before = [name for name in stack if name in sys.modules];"
        "from genai_prices import UpdatePrices; import genai_prices;"
        "print(code, before, 'httpx2' in sys.modules,"
        " UpdatePrices is genai_prices.UpdatePrices, file=sys.stderr)"
    )
    tokens = {"prompt_tokens": 5, "completion_tokens": 5}
    log = written([{"model": "gpt-5", "provider": "api.openai.com", **tokens}])
    done = subprocess.run(
        [sys.executable, "-c", program, "stats", log],
        check=True, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.stderr.strip() == "0 [] True True"


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        (["stats"], {"commands.stats", "commands.open_log"}),
        (["find", "--text", "t"], set()),
        (["find", "FIRST"], {"commands.find_id", "commands.open_log"}),
        (["find", "--text", "t", "--where", "step = 0"], {"commands.open_log"}),
    ],
)
def test_a_command_waits_only_for_the_imports_that_it_needs(
    sample: Path, words: list[str], needed: set[str]
) -> None:
    # Of llmlog's own records no command needs the formats of other tools.
    modules = ("stats", "diff", "export", "find_id", "open_log")
    watched = [*(f"commands.{name}" for name in modules), "formats.registry"]
    program = (
        "import sys; from llmlog_tui import commands; commands.main();"
        f"print(*(name for name in {watched} if f'llmlog_tui.{{name}}' in sys.modules),"
        " file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *(named(word, sample) for word in words), str(sample)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert set(done.stderr.splitlines()[-1].split()) == needed


def named(word: str, sample: Path) -> str:
    """A word of a command, or for FIRST and FAILED a trace of the sample."""
    records = [json.loads(line) for line in sample.read_bytes().splitlines()]
    failed = next(record for record in records if record["status"] == "error")
    traces = {"FIRST": records[0]["trace_id"], "FAILED": failed["trace_id"]}
    return str(traces.get(word, word))


@pytest.mark.parametrize("command", [["traces"], ["slow"], ["find", "FAILED"], ["tail"]])
def test_colour_is_for_terminals_that_want_it(
    sample: Path, command: list[str], terminal: Callable[..., str]
) -> None:
    words = [
        *(named(word, sample) for word in command),
        str(sample),
        *(["--no-follow"] if command == ["tail"] else []),
    ]
    if command == ["tail"]:
        words += ["--lines", "100"]
    assert "\x1b[3" in terminal(*words)
    assert "\x1b" not in terminal(*words, NO_COLOR="1")
    assert "\x1b" not in terminal(*words, TERM="dumb")


@pytest.mark.parametrize("command", [["traces"], ["slow"], ["trace", "FIRST"], ["health"]])
def test_no_colour_goes_into_a_pipe(process: Run, sample: Path, command: list[str]) -> None:
    done = process(*(named(word, sample) for word in command), sample)
    assert (done.code, done.err) == (0, "")
    assert "\x1b" not in done.out


def test_help_is_data(llmlog: Run) -> None:
    done = llmlog("stats", "--help")
    assert (done.code, done.err) == (0, "")
    assert "--json" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ["stats", "--by", "session"],
        ["stats", "--json"],
        ["traces"],
        ["slow", "--json"],
        ["sql", "select * from calls", "--format", "csv"],
        ["tail", "--json", "--no-follow"],
    ],
    ids=" ".join,
)
def test_a_closed_pipe_ends_quietly(sample: Path, words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)  # as `| head -c 1` does, sooner or later
    done = forked.run("headless", *words, sample, stdout=write)
    os.close(write)
    assert done.stderr == ""
    assert done.returncode == 141, "128 + SIGPIPE; 1 would be no match, or an alert"


@pytest.mark.parametrize("words", [["stats"], ["stats", "--json"], ["traces"]], ids=" ".join)
def test_a_stdout_that_is_closed_from_the_start_is_no_fault(sample: Path, words: list[str]) -> None:
    run = command("headless", *words, sample)
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *run]
    done = subprocess.run(shell, stderr=subprocess.PIPE, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_is_one_line(process: Run, sample: Path, options: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = process("stats", sample, *options, stdout=full)
    assert is_refused(done._replace(out=""), "No space left on device")


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.jsonl", "out.otlp.jsonl"])
def test_an_export_shows_how_far_it_is_on_a_terminal_and_nowhere_else(
    terminal: Callable[..., str], llmlog: Run, sample: Path, tmp_path: Path, name: str
) -> None:
    out = tmp_path / name
    shown = terminal("export", str(sample), "--to", str(out))
    assert "exporting  [####################################]  100%" in shown
    assert llmlog("export", sample, "--to", out).err == f"{out}: 965 records written\n"


def test_the_dashboard_shows_utc_on_demand_and_as_long_as_it_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []

    def show(_: object) -> int:
        shown.append(humanize.zone_note())
        return 0

    monkeypatch.setattr(_dashboard, "_show", show)
    assert cli.dashboard(["--utc", "calls.jsonl"]) == cli.dashboard(["calls.jsonl"]) == 0
    assert shown == [" UTC", ""]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--last", "soon", "soon: neither a number of records nor a time like 24h"),
        ("--slow-ms", "soon", "soon: not a number of milliseconds, 0 or more"),
        ("--slow-ms", "nan", "nan: not a number of milliseconds, 0 or more"),
        ("--slow-ms", "-1", "-1: not a number of milliseconds, 0 or more"),
    ],
)
def test_the_dashboard_says_what_an_option_takes(
    capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.dashboard([f"{option}={value}"])
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert err == f"llmlog-tui: argument {option}: {said}. See llmlog-tui --help\n"


def test_a_log_may_have_more_parts_than_a_process_usually_may_open(
    process: Run, tmp_path: Path
) -> None:
    for number in range(100):
        (tmp_path / f"{number}.jsonl").write_text(
            json.dumps({"event": "span", "step": number}) + "\n"
        )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (64, hard))
    done = process("stats", tmp_path, "--json", preexec_fn=few)
    assert (done.code, done.err, json.loads(done.out)["records"]) == (0, "", 100)
