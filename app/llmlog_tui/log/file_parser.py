"""Parse one file's blocks into records: llmlog's lines directly, others by format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Final

import polars as pl

from llmlog_tui import humanize
from llmlog_tui.formats import Format, LogState
from llmlog_tui.formats.all_formats import ALL_FORMATS
from llmlog_tui.formats.detect import HEAD_BYTES, head_of
from llmlog_tui.formats.driver import Decoded, Decoder
from llmlog_tui.formats.llmlog import LLMLOG
from llmlog_tui.log.line_errors import FaultCounts
from llmlog_tui.log.line_splitter import Block, UnreadLines
from llmlog_tui.log.parse import FOREIGN, Parsed, Strictness, parse
from llmlog_tui.log.parse_cache import FileCache, ParseOptions
from llmlog_tui.log.record_block import CachedBlock, RecordBlock
from llmlog_tui.log.schema import COLUMNS
from llmlog_tui.log.starts import joined
from llmlog_tui.log.tags import NO_TAGS, with_same_tags

_ALTERNATIVE: Final = "instrument the client of the model, or open the log that has its calls"

UNREADABLE: Final = "unreadable"
"""Kind of a line whose object its format could not convert."""


class FileParser:
    """State of one file between its blocks.

    `states` belong to all files of the log; `cache` keeps the blocks of this one.

    Blocks that begin with records of llmlog's go straight to parse(), which may run in any thread,
    for several blocks at once. What it refuses, and all other blocks, collect() decodes, one after
    the other.
    """

    def __init__(
        self,
        states: dict[str, LogState],
        columns: Collection[str] = COLUMNS,
        formats: Collection[Format] = ALL_FORMATS,
        cache: FileCache | None = None,
    ) -> None:
        self._columns = columns
        self._cache = cache
        self.formats = formats
        self._states = states
        self.records = 0
        """Number of records so far."""
        self._own = 0  # records that are lines
        self._strictness = Strictness.WHOLE_BLOCK
        self._tags = NO_TAGS
        self._filled = frozenset[str]()
        self._lines = 0  # fed so far: the number of the next line
        self._end: tuple[int, int] | None = None  # of the last block: its generation, and offset
        self._objects: Counter[str] | None = None  # of the decoder, as they were reported

    @cached_property
    def decoder(self) -> Decoder:
        """The decoder of the file's lines; reads records back, too."""
        # Made when it is needed: a log may have thousands of files.
        return Decoder(self._states, self.formats)

    @property
    def has_state(self) -> bool:
        """Whether flush() may give records."""
        return self.decoder.has_state

    @property
    def has_own_records(self) -> bool:
        """Whether lines of the file are records of llmlog's, wrapped or not."""
        return self._own > 0 or self.decoder.objects[LLMLOG.name] > 0

    @property
    def format(self) -> str:
        """Name of the file's most frequent format; llmlog's for an empty file."""
        objects = self.decoder.objects + Counter({LLMLOG.name: self._own})
        return max(objects, key=objects.__getitem__, default=LLMLOG.name)

    @property
    def refusal(self) -> str:
        """Format and alternative of a file of other tools without records; else empty."""
        if self.records:
            return ""
        if (known := self.decoder.no_calls) is not None:
            return f"{known.name}: {getattr(known, 'hint', 'holds no calls')}"
        of_others = {name: n for name, n in self.decoder.objects.items() if name != LLMLOG.name}
        if not of_others:
            return ""
        objects = humanize.plural(sum(of_others.values()), "object")
        return f"{self.format}: no model calls in {objects}: {_ALTERNATIVE}"

    def prepare(self, block: Block) -> Callable[[], Parsed] | None:
        """Return the parsing of a block of llmlog's records; None where it must be decoded."""
        if isinstance(block, RecordBlock):
            records = block.parsed
            return lambda: records
        if isinstance(block, CachedBlock):
            return block.work
        options = self._options(block.offset, block.data)
        if options is None:
            return None
        if self._cache is not None:
            return self._cache.prepare(block, options)
        return partial(parse, block.data, **options)

    def recall(self, lines: UnreadLines) -> Block | None:
        """Return the cached block of lines; None if they must be read."""
        if self._cache is None or b"\n" not in lines.start[:HEAD_BYTES]:
            return None
        options = self._options(lines.offset, lines.start)
        work = None if options is None else self._cache.known(lines, options)
        if work is None:
            return None
        return CachedBlock(
            b"", lines.offset, lines.generation, work=work, bytes_unread=lines.length
        )

    def _options(self, offset: int, start: bytes) -> ParseOptions | None:
        """Return how to parse a block; None if it must be decoded."""
        head = head_of(start, self.formats)
        if not head.is_plain:
            return None
        return ParseOptions(
            at_start=offset == 0,
            strictness=self._strictness,
            columns=self._columns,
            only_ours=head.has_events,
            tags=self._tags,
            filled=self._filled,
        )

    def collect(self, block: Block, parsed: Parsed | None) -> Parsed:
        """Return the records of the next block; `parsed` is the result of prepare()'s work."""
        given_up = self._given_up_before(block)
        if parsed is not None:
            self._strictness = parsed.strictness
            self._tags = parsed.tags
            self._filled |= parsed.filled
            if not parsed.refused and not given_up:
                return self._counted(parsed, own=parsed.frame.height)
        lines = block.data.split(b"\n")
        if not lines[-1]:
            del lines[-1]
        own = _nothing(len(lines)) if parsed is None else parsed
        numbers = range(len(lines)) if parsed is None else sorted(line for line, _ in own.refused)
        decoded = self.decoder.decode((self._lines + line, lines[line]) for line in numbers)
        decoded.extend(given_up)
        return self._counted(self._merged(own, decoded), own=own.frame.height)

    def flush(self) -> Parsed | None:
        """Return records that are complete only because nothing follows for now, if any."""
        return self._late(self.decoder.flush())

    def finish(self) -> Parsed | None:
        """Return the remainder at the end of the file, if any."""
        return self._late(self.decoder.finish())

    def _late(self, decoded: Decoded) -> Parsed | None:
        if not decoded:
            return None
        return self._counted(self._merged(_nothing(0), decoded), own=0)

    def _given_up_before(self, block: Block) -> Decoded:
        """Give up incomplete lines if a block does not follow the last one."""
        end = self._end
        # Not the block itself: a log may have thousands of files, each with a block of its size.
        self._end = (block.generation, block.offset + block.length)
        follows = end is None or (end[0] == block.generation and end[1] <= block.offset)
        return Decoded() if follows else self.decoder.restart()

    def _counted(self, parsed: Parsed, *, own: int) -> Parsed:
        """Return the records with a count by format; `own` are plain llmlog records."""
        self._lines += parsed.lines
        self.records += parsed.frame.height
        self._own += own
        formats = self.decoder.objects - (self._objects or Counter())
        self._objects = Counter(self.decoder.objects)
        if own:
            formats[LLMLOG.name] += own
        return replace(parsed, formats=formats)

    def _merged(self, own: Parsed, decoded: Decoded) -> Parsed:
        """Return a block's own records, and those decoded from its other lines, as one."""
        skipped, nulled, frames = FaultCounts(), own.nulled, [own.frame]
        starts = [own.starts]
        kinds = {self._lines + line: kind for line, kind in own.refused}
        # parse() reports best why a line holds no object.
        unknown = [(line, text) for line, text in decoded.unread if line not in kinds]
        for lines, texts in (
            (decoded.lines, decoded.records),
            ([line for line, _ in unknown], [text for _, text in unknown]),
        ):
            if texts:
                numbers = [line - self._lines for line in lines]
                parsed = parse(b"\n".join(texts), columns=self._columns, tags=self._tags)
                self._tags = parsed.tags
                skipped.update(parsed.skipped, numbers)
                nulled.update(parsed.nulled, numbers)
                starts.append(parsed.starts)
                of_rows = pl.Series("line", numbers, pl.Int64).gather(parsed.frame["line"])
                frames.append(parsed.frame.with_columns(of_rows))
        for line, _ in decoded.unread:
            if line in kinds:
                skipped.add(kinds[line], line - self._lines)
        for kind, faulty in ((FOREIGN, decoded.foreign), (UNREADABLE, decoded.failed)):
            for line in faulty:
                skipped.add(kind, line - self._lines)
        for kind, times in decoded.lost.items():
            skipped.add(kind, 0, times)
        return replace(
            own,
            frame=_joined(frames),
            blanks=own.blanks + decoded.blanks,
            skipped=skipped,
            nulled=nulled,
            refused=(),
            starts=joined(starts),
            corrections=decoded.corrections,
        )


_NO_RECORDS: Final = pl.DataFrame(schema={**COLUMNS, "line": pl.UInt32})


def _nothing(lines: int) -> Parsed:
    return Parsed(_NO_RECORDS, lines)


def _joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return all rows in line order; those of a single format as they came."""
    own, *others = (frame.with_columns(pl.col("line").cast(pl.Int64)) for frame in frames)
    if not own.height and len(others) == 1:
        return others[0]
    joined = pl.concat(with_same_tags([own, *others]), rechunk=True)
    return joined.sort("line", maintain_order=True) if own.height else joined
