"""The scan behind a search: any format and packing, a log that grows, or has no content."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.log.conftest import raw_line
from tests.tui.conftest import record
from textual.message import Message

from llmlog_tui.analysis.live.overview import IncrementalAnalyzer
from llmlog_tui.analysis.traces.text_search import Excerpt, TextQuery
from llmlog_tui.log import line_search
from llmlog_tui.log.follow import Follower
from llmlog_tui.log.reader import Reader
from llmlog_tui.log.retention import Retention
from llmlog_tui.log.sources import Sources
from llmlog_tui.tui.messages import TextFound
from llmlog_tui.tui.queries import TextHit
from llmlog_tui.tui.workers import text_search
from llmlog_tui.tui.workers.analysis import evicted_content
from llmlog_tui.tui.workers.text_search import TextSearch


def said(n: int, text: str, **fields: object) -> bytes:
    return record(step=n, input=[{"role": "user", "content": text}], **fields)


@contextmanager
def opened(*names: Path, window: Retention | None = None) -> Iterator[Reader]:
    sources = Sources([str(name) for name in names], must_exist=True)
    with closing(Reader(sources, window=window or Retention())) as reader:
        reader.read_to_end()
        reader.loaded()
        yield reader


class Searching:
    """A search in a thread; what it posts."""

    def __init__(self, reader: Reader, words: str) -> None:
        self.posted: list[TextFound] = []
        self._analyzer = IncrementalAnalyzer(500.0)
        self._reader = reader
        self.refresh()
        self.search = TextSearch(
            words,
            1,
            reader.scan,
            lambda: self.overview,
            cast("Callable[[Message], object]", self._post),
        )

    def refresh(self) -> None:
        self.overview = self._analyzer.overview(self._reader.snapshot())

    def _post(self, message: TextFound) -> None:
        self.posted.append(message)
        if message.is_done:
            self.search.cancel()

    def run(self) -> list[TextHit]:
        self.search.run()
        assert self.posted[-1].is_done
        return self.hits

    @property
    def hits(self) -> list[TextHit]:
        return [hit for message in self.posted for hit in message.hits]

    @property
    def steps(self) -> list[int | None]:
        """Steps of the records that were found, as they were found."""
        frame = self.overview.frame
        steps = dict(zip(frame["row"], frame["step"], strict=True))
        return [None if hit.row is None else steps[hit.row] for hit in self.hits]


def found(words: str, *names: Path) -> list[int | None]:
    with opened(*names) as reader:
        search = Searching(reader, words)
        search.run()
        return search.steps


def test_the_newest_hits_come_first_whatever_the_size_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(said(n, "a zebra" if n % 3 == 0 else "none") for n in range(60)))
    expected = list(range(57, -1, -3))
    for size in (1, 300, 2**18):
        monkeypatch.setattr(line_search, "BLOCK_BYTES", size)
        monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", size * 3)
        assert found("zebra", log) == expected


def test_rotated_and_compressed_parts_are_searched_newest_file_first(tmp_path: Path) -> None:
    lines = [said(n, f"zebra {n}") for n in range(6)]
    with gzip.open(tmp_path / "calls.jsonl.2.gz", "wb") as file:
        file.writelines(lines[:2])
    (tmp_path / "calls.jsonl.1").write_bytes(b"".join(lines[2:4]))
    (tmp_path / "calls.jsonl").write_bytes(b"".join(lines[4:]))
    for age, name in enumerate(["calls.jsonl", "calls.jsonl.1", "calls.jsonl.2.gz"]):
        os.utime(tmp_path / name, (10_000 - age, 10_000 - age))
    assert found("zebra", tmp_path) == [5, 4, 3, 2, 1, 0]


def test_wrapped_lines_are_searched(tmp_path: Path) -> None:
    log = tmp_path / "docker.log"
    wrapped = ({"log": said(n, f'zebra "{n}"').decode(), "stream": "stdout"} for n in range(3))
    log.write_text("".join(json.dumps(each) + "\n" for each in wrapped))
    assert found('zebra "1"', log) == [1]


@pytest.mark.parametrize("is_packed", [False, True])
def test_other_tools_logs_are_searched_by_their_formats(
    tmp_path: Path, root: Path, *, is_packed: bool
) -> None:
    log = tmp_path / "litellm.jsonl"
    shutil.copy(root / "tests/formats/samples/litellm.jsonl", log)
    words = json.loads(log.read_text().splitlines()[0])["messages"][0]["content"][:20]
    if is_packed:
        packed = log.with_name("litellm.jsonl.gz")
        packed.write_bytes(gzip.compress(log.read_bytes()))
        log = packed
    with opened(log) as reader:
        hits = Searching(reader, words).run()
        assert hits[-1].row == 0
        assert hits[-1].excerpt.field == "input"


def test_what_comes_later_is_found_and_nothing_twice(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(said(0, "zebra") + said(1, "none"))
    with opened(log) as reader:
        searching = Searching(reader, "zebra")
        scan = searching.search._scan  # noqa: SLF001
        assert [len(step.candidates) for step in scan.steps()] == [1]
        assert [*scan.steps()] == []
        with log.open("ab") as file:
            file.write(said(2, "zebra") + said(3, "zebra"))
        reader.read_to_end()
        (step,) = scan.steps()
        assert [json.loads(each.data)["step"] for each in step.candidates] == [3, 2]
        assert [each.line for each in step.candidates] == [3, 2]


def test_evicted_records_are_found_with_their_place_but_no_other_lines(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    begins = record(event="start", step=0, input="zebra")
    log.write_bytes(begins + b"".join(said(n, "zebra") for n in range(40)))
    with opened(log, window=Retention(records=4)) as reader:
        searching = Searching(reader, "zebra")
        hits = searching.run()
        kept = searching.overview.frame.height
        assert [hit.row is None for hit in hits] == [False] * kept + [True] * (40 - kept)
        place = hits[-1].location
        assert place is not None
        assert (raw_line(reader, place.block, place.line) or b"").startswith(said(0, "zebra")[:-1])


def test_ids_are_found_in_evicted_records_alone(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(said(n, "zebra", request_id=f"req_{n:05}") for n in range(40)))
    with opened(log, window=Retention(records=4)) as reader:
        hits = Searching(reader, "req_0000").run()
        assert [hit.excerpt for hit in hits] == [
            Excerpt("request_id", f"req_{n:05}") for n in range(9, -1, -1)
        ]
        last, read = hits[-1], reader.evicted
        assert last.location is not None
        shown = evicted_content(
            lambda at: read(at.block, at.line), last.location, "req_0000", last.excerpt
        )
        assert shown.record is not None
        assert shown.record["request_id"] == "req_00000"
        assert Searching(reader, "req_00039").run() == []
        assert Searching(reader, "req_0").run() == []


@pytest.mark.parametrize("size", [500, 2**20])
@pytest.mark.parametrize(
    ("name", "word"), [("litellm", "a"), ("mlflow", "z"), ("weave", "a"), ("openai_batch", "a")]
)
def test_evicted_records_of_other_tools_are_found_and_read_again(  # noqa: PLR0913, PLR0917 - fixtures
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, name: str, word: str, size: int
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", size)
    monkeypatch.setattr("llmlog_tui.log.store._RANGE_BYTES", size)
    log = tmp_path / "calls.jsonl"
    log.write_bytes((root / f"tests/formats/samples/{name}.jsonl").read_bytes())
    with opened(log) as everything:
        expected = Counter(hit.excerpt for hit in Searching(everything, word).run())
    with opened(log, window=Retention(records=1)) as reader:
        searching = Searching(reader, word)
        hits = searching.run()
        assert Counter(hit.excerpt for hit in hits) == expected
        evicted = [(hit.location, hit.excerpt) for hit in hits if hit.location is not None]
        assert evicted
        for place, excerpt in evicted:
            shown = evicted_content(
                lambda at: reader.evicted(at.block, at.line), place, word, excerpt
            )
            assert TextQuery(word).excerpt(shown.record or {}) == excerpt
            assert shown.conversation.messages


def test_an_evicted_record_may_have_half_a_surrogate_pair(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", 2_000)
    monkeypatch.setattr("llmlog_tui.log.store._RANGE_BYTES", 2_000)
    sample = (root / "tests/formats/samples/litellm.jsonl").read_bytes()
    log = tmp_path / "calls.jsonl"
    log.write_bytes(sample.replace(b"conversation-1", rb"conversation\ud83d"))
    assert rb"\ud83d" in log.read_bytes()
    with opened(log, window=Retention(records=1)) as reader:
        assert Searching(reader, "a").run()


def test_it_ends_when_it_is_told_to_and_posts_nothing_more(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(said(n, "zebra") for n in range(10)))
    with opened(log) as reader:
        searching = Searching(reader, "zebra")
        searching.search.cancel()
        thread = Thread(target=searching.search.run)
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
        assert searching.posted == []


def test_a_search_has_an_end_however_many_match(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_search, "MAX_HITS", 5)
    log = tmp_path / "calls.jsonl"
    log.write_bytes(b"".join(said(n, "zebra") for n in range(20)))
    with opened(log) as reader:
        posted: list[Any] = []
        overview: Any = SimpleNamespace(snapshot=reader.snapshot())
        TextSearch("zebra", 1, reader.scan, lambda: overview, posted.append).run()
        rows = [hit.row for message in posted for hit in message.hits]
        assert rows == [19, 18, 17, 16, 15]
        assert posted[-1].is_cut


@pytest.mark.parametrize(
    ("line", "has_content"),
    [
        (record(), False),
        (record(extra={"note": "zebra"}), False),
        (record(extra={"prompt": "support-v12"}), False),
        (said(0, "hello"), True),
        (record(output={"role": "assistant", "content": "hi"}), True),
        (record(messages=[{"content": "of another logger"}]), True),
    ],
)
def test_without_a_hit_it_is_known_whether_there_is_any_content(
    tmp_path: Path, line: bytes, *, has_content: bool
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(line)
    with opened(log) as reader:
        searching = Searching(reader, "okapi")
        assert searching.run() == []
        assert searching.posted[-1].has_content == has_content


def test_a_search_without_a_hit_reads_the_log_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "calls.jsonl"
    log.write_bytes(record() * 20)
    monkeypatch.setattr("llmlog_tui.log.follow.BLOCK_BYTES", 500)
    read: list[tuple[int, int]] = []
    with opened(log) as reader:
        searching = Searching(reader, "okapi")
        reread = Follower.reread

        def counted(self: Follower, generation: int, offset: int, length: int) -> bytes | None:
            read.append((offset, length))
            return reread(self, generation, offset, length)

        monkeypatch.setattr(Follower, "reread", counted)
        assert searching.run() == []
        assert not searching.posted[-1].has_content
    assert sum(length for _, length in read) == log.stat().st_size


def test_other_tools_records_that_come_later_are_found_once(tmp_path: Path, root: Path) -> None:
    log = tmp_path / "litellm.jsonl"
    lines = (root / "tests/formats/samples/litellm.jsonl").read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0])
    with opened(log) as reader:
        searching = Searching(reader, "a")
        scan = searching.search._scan  # noqa: SLF001
        first = [each.row for step in scan.steps() for each in step.candidates]
        assert first == list(range(len(first)))
        assert first
        assert [*scan.steps()] == []
        with log.open("ab") as file:
            file.writelines(lines[1:])
        reader.read_to_end()
        reader.finish()
        searching.refresh()
        later = [each.row for step in scan.steps() for each in step.candidates]
        rows = searching.overview.frame["row"].to_list()
        assert len(first) + len(later) == len(rows)
        assert {*first, *later} == {*rows}
        assert [each for step in scan.steps() for each in step.candidates] == []
