"""`llmlog report` and `llmlog bundle --to x.html`: pages that load nothing, inert and redacted."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import TypeAlias

import pytest
from tests.commands.conftest import Run, Written, is_refused

from llmlog.record import FIELDS

SECRET = "sk-proj-" + "Ab3dE5gH1jK2mN4pQ6rS8tU0" * 2
EVIL = "<script src=//evil.example/x.js>alert(1)</script><img src=x onerror='x()'>\"'>&lt;\x1b[3m"
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "h2",
        "p",
        "div",
        "b",
        "span",
    ),
    *(
        "section",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "pre",
        "details",
        "summary",
        "footer",
    ),
    *("figure", "figcaption", "svg", "line", "polyline", "rect", "circle", "text"),
}
LOADING = {"src", "href", "srcset", "data", "action", "style", "xlink:href", "poster", "background"}


class Parsed(HTMLParser):
    """Tags, attributes and texts of a page, as a browser reads them."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, list[str]] = {}
        self.texts: list[str] = []
        self.source = page.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def call(number: int, **fields: object) -> dict[str, object]:
    return {
        "ts": f"2026-11-23T09:{number:02}:00Z", "event": "chat_completion", "session_id": "s-1",
        "trace_id": "trace-1", "step": number, "status": "ok", "model": "gpt-5-mini",
        "provider": "api.openai.com", "latency_ms": 400 + 10 * number, "prompt_tokens": 100,
        "completion_tokens": 50, **fields,
    }  # fmt: skip


PROMPT = [{"role": "user", "content": f"my key is {SECRET}, mail ada@example.com"}]
SAID = {
    "input": PROMPT,
    "output": {"role": "assistant", "content": "use it\nwell"},
}
FAILED = {"status": "error", "error_type": "RateLimitError", "error_message": f"slow down {SECRET}"}


def report_of(llmlog: Run, log: Path, tmp_path: Path, *options: str) -> Parsed:
    out = tmp_path / "report.html"
    done = llmlog("report", log, "--to", out, "--utc", *options)
    assert (done.code, done.out) == (0, ""), done.err
    return Parsed(out)


def bundle_of(llmlog: Run, log: Path, tmp_path: Path, *options: str) -> Parsed:
    out = tmp_path / "run.html"
    done = llmlog("bundle", "latest", log, "--to", out, "--utc", *options)
    assert (done.code, done.out) == (0, ""), done.err
    assert re.fullmatch(rf"{re.escape(str(out))}: run [^\n]+, \d+ steps?\n", done.err)
    return Parsed(out)


Write: TypeAlias = Callable[..., Parsed]
PAGES = pytest.mark.parametrize("write", [report_of, bundle_of], ids=["report", "bundle"])


@PAGES
def test_markup_in_every_field_is_text(
    llmlog: Run, tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = {field.name: EVIL for field in FIELDS if field.type == "str"}
    del evil["event"]
    messages = [{"role": EVIL, "content": EVIL}]
    log = tmp_path / "<b onload=x>.jsonl"
    records = [
        call(n, **{**evil, "status": "error", "step": n, "input": messages, "output": EVIL})
        for n in range(40)
    ]
    tools = [{**record, "event": event} for record in records for event in ("tool_call", "span")]
    log.write_text("".join(json.dumps(record) + "\n" for record in [*records, *tools]))
    page = write(llmlog, log, tmp_path, "--content")
    assert page.tags <= TAGS
    assert not page.attributes.keys() & LOADING
    assert not [name for name in page.attributes if name.startswith("on")]
    assert "<script src=//evil.example/x.js>alert(1)</script>" in page.text
    assert "\x1b" not in page.source


@PAGES
def test_the_policy_allows_the_pages_own_style_and_nothing_else(
    llmlog: Run, sample: Path, tmp_path: Path, write: Write
) -> None:
    page = write(llmlog, sample, tmp_path)
    policy = next(each for each in page.attributes["content"] if "default-src" in each)
    (style,) = re.findall("<style>(.*?)</style>", page.source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style
    assert page.tags <= TAGS
    assert "nan" not in page.text.lower().split()


@PAGES
def test_content_is_there_only_by_option_and_without_secrets(
    llmlog: Run, written: Written, tmp_path: Path, write: Write
) -> None:
    log = written([call(0, **SAID, extra={"tier": "gold"}), call(1, **SAID, **FAILED)])
    page = write(llmlog, log, tmp_path)
    assert "RateLimitError" in page.text
    assert not any(word in page.source for word in ("slow down", "my key", "use it"))
    page = write(llmlog, log, tmp_path, "--content")
    assert "slow down [redacted:" in page.text
    assert SECRET not in page.source
    assert "ada@example.com" not in page.source


def test_a_bundle_shows_new_messages_of_each_step(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    second = [*PROMPT, SAID["output"], {"role": "tool", "content": "five days"}]
    log = written([call(0, **SAID), call(1, input=second, output="in five days")])
    page = bundle_of(llmlog, log, tmp_path, "--content")
    assert "step 0  gpt-5-mini: 2 messages" in page.text
    assert "step 1  gpt-5-mini: 3 messages after 1 message as in step 0" in page.text
    assert page.text.count("my key is [redacted:") == 1
    assert "use it\nwell" in page.texts


def test_a_bundle_without_logged_content_mentions_the_policy(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    page = bundle_of(llmlog, written([call(0)]), tmp_path, "--content")
    assert "The log has no content: see the content policy." in page.texts


def test_a_bundle_is_a_page_with_the_runs_totals_steps_and_lines(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    log = written([call(0), call(1, **FAILED, request_id="req_1")])
    page = bundle_of(llmlog, log, tmp_path)
    assert {"Run trace-1", "Timeline", "Steps", "Errors", "The lines"} <= {*page.texts}
    assert {"09:00:00.000", "09:01:00.000", "chat_completion", "RateLimitError"} <= {*page.texts}
    assert f'grep \'"request_id": "req_1"\' {log}' in page.text


def test_a_report_has_groups_by_a_tag(llmlog: Run, written: Written, tmp_path: Path) -> None:
    log = written([call(0, extra={"tier": "gold"}), call(1, extra={"tier": "free"})])
    texts = report_of(llmlog, log, tmp_path, "--by", "extra.tier").texts
    assert {"By extra.tier", "gold", "free"} <= {*texts}


_TILE = "<b>([^<]*)</b><span>([^<]*)</span>"


def test_a_report_has_the_figures_of_stats_and_the_findings_of_alerts_and_slow(
    llmlog: Run, sample: Path, tmp_path: Path
) -> None:
    page = report_of(llmlog, sample, tmp_path, "--by", "provider")
    stats = json.loads(llmlog("stats", sample, "--json", "--by", "provider").out)
    tiles = {name: value for value, name in re.findall(_TILE, page.source)}
    assert (tiles["calls"], tiles["failed"]) == (str(stats["calls"]), str(stats["errors"]))
    assert tiles["cost"] == f"${stats['cost_usd']:.2f}+"
    assert f"Slow calls: {stats['slow']['calls']} over 500 ms" in page.texts
    assert f"Failed: {stats['errors']}, the newest first" in page.texts
    assert stats["groups"][0]["key"] in page.texts
    alerts = json.loads(llmlog("alerts", sample, "--json").out)["alerts"]
    for alert in alerts:
        assert f"{alert['what']}; {alert['evidence']}" in page.texts
    assert page.source.count('class="mark"') == 6 * len(alerts)
    why = json.loads(llmlog("slow", sample, "--json").out.splitlines()[0])["why"]
    assert why in page.texts


@pytest.mark.parametrize(
    "records",
    [[], [{"trace_id": "t", "latency_ms": 5}], [call(0)], [call(0), call(0)]],
    ids=["nothing", "no time", "one call", "one moment"],
)
def test_a_report_on_few_calls_has_no_charts(
    llmlog: Run, written: Written, tmp_path: Path, records: list[dict[str, object]]
) -> None:
    page = report_of(llmlog, written(records), tmp_path)
    assert "Too few calls with a time." in page.texts
    assert "svg" not in page.tags


def test_damaged_lines_are_counted_in_the_report(llmlog: Run, tmp_path: Path) -> None:
    log = tmp_path / "torn.jsonl"
    log.write_text(json.dumps(call(0)) + "\n{\n" + json.dumps(call(1, step="x")) + "\n")
    texts = report_of(llmlog, log, tmp_path).texts
    assert any(text.startswith("1 line skipped: ") for text in texts)
    assert "1 value of a wrong type left out" in texts


def test_pages_have_a_name_that_browsers_open(
    llmlog: Run, written: Written, tmp_path: Path
) -> None:
    log = written([call(0)])
    assert is_refused(llmlog("report", log, "--to", tmp_path / "x.md"), "does not end in .html")
    assert is_refused(
        llmlog("bundle", "latest", log, "--content", "--to", tmp_path / "x.md"),
        "--content needs --to OUT.html",
    )
    assert is_refused(llmlog("report", log, "--to", tmp_path / "no" / "x.html"), "No such file")
