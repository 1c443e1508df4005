"""Draw series into cells: lines in braille dots, bars in blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

COLUMNS_PER_CELL: Final = 2
_ROWS_PER_CELL: Final = 4
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK: Final = 0x2800
_LEVELS: Final = " ▁▂▃▄▅▆▇█"
_HALF: Final = 4
"""Level of a bar that ends in the middle of its cell."""
_BAR_TONE: Final = "$primary 55%"
_CROSS: Final = "×"

Stroke = Literal["line", "thick", "dashed", "dotted", "sparse", "points", "crosses", "bars"]
"""How a series is drawn, which tells it from others without colour."""

SAMPLES: Final[dict[Stroke, str]] = {
    "line": "⠒⠒",
    "thick": "⠶⠶",
    "dashed": "⠒⠐",
    "dotted": "⠂⠂",
    "sparse": "⠂ ",
    "points": "⠂",
    "crosses": _CROSS,
    "bars": "▄█",
}
"""Stroke -> its sample in a legend."""

_DRAWN_COLUMNS: Final[Mapping[Stroke, Callable[[int], bool]]] = {
    "dashed": lambda x: x % 6 not in (4, 5),
    "dotted": lambda x: x % 3 == 0,
    "sparse": lambda x: x % 6 == 0,
}
"""Stroke -> whether a column of dots is drawn; all columns of other strokes are."""


def _all_columns(x: int) -> bool:
    del x
    return True


class ChartLine(NamedTuple):
    """A series: its colour, and a value or None per slice of time.

    One with its own `form` has a scale of its own, labelled at the right. `points` are (slice,
    value) pairs, drawn instead of `values`. A `bridged` line connects values over gaps.
    """

    name: str
    values: Sequence[float | None]
    tone: str
    form: Callable[[float | None], str] | None = None
    stroke: Stroke = "line"
    points: Sequence[tuple[int, float]] = ()
    bridged: bool = False

    @property
    def known(self) -> list[float]:
        values = [value for value in self.values if value is not None]
        return [*values, *(value for _, value in self.points)]


class Canvas:
    """Cells of `rows` by `width`: bars, with dots over them."""

    def __init__(self, rows: int, width: int) -> None:
        self.rows, self.width = rows, width
        self._bits = [[0] * width for _ in range(rows)]
        self._tones = [[""] * width for _ in range(rows)]
        self._crosses: dict[tuple[int, int], str] = {}
        self._bars = [0] * width
        self._height = rows * _ROWS_PER_CELL

    def draw(self, line: ChartLine, top: float) -> None:
        """Draw a series on a scale from zero to `top`."""
        if line.stroke == "bars":
            self._draw_bars(line.values, top)
            return
        for x, y in _dots(line, top, self._height):
            if not 0 <= x < self.width * COLUMNS_PER_CELL:
                continue
            if line.stroke == "crosses":
                self._crosses[x // COLUMNS_PER_CELL, y // _ROWS_PER_CELL] = line.tone
            else:
                self._set(x, y, line.tone)
            if line.stroke == "thick":
                self._set(x, y + 1 if y + 1 < self._height else y - 1, line.tone)

    def cells(self) -> list[list[tuple[str, str]]]:
        """Return a glyph and its tone for each row and cell."""
        return [[self._cell(x, y) for x in range(self.width)] for y in range(self.rows)]

    def _draw_bars(self, values: Sequence[float | None], top: float) -> None:
        for x in range(self.width):
            here = values[x * COLUMNS_PER_CELL : (x + 1) * COLUMNS_PER_CELL]
            most = max((value for value in here if value), default=0.0)
            levels = round(min(1.0, most / top) * self.rows * 8) if top else 0
            self._bars[x] = max(levels, 1) if most > 0 else 0

    def _cell(self, x: int, y: int) -> tuple[str, str]:
        level = min(8, max(0, self._bars[x] - (self.rows - 1 - y) * 8))
        bits, tone = self._bits[y][x], self._tones[y][x]
        if bits:
            return chr(_BLANK + bits), f"{tone} on {_BAR_TONE}" if level > _HALF else tone
        if (x, y) in self._crosses:
            return _CROSS, self._crosses[x, y]
        return _LEVELS[level], _BAR_TONE if level else ""

    def _set(self, x: int, y: int, tone: str) -> None:
        row, cell = y // _ROWS_PER_CELL, x // COLUMNS_PER_CELL
        self._bits[row][cell] |= _DOTS[y % _ROWS_PER_CELL][x % COLUMNS_PER_CELL]
        self._tones[row][cell] = tone


def _dots(line: ChartLine, top: float, height: int) -> Iterator[tuple[int, int]]:
    """Yield the dots of a series, as (column, row from the top)."""
    yield from ((x, _row_of(value, top, height)) for x, value in line.points)
    is_drawn = _DRAWN_COLUMNS.get(line.stroke, _all_columns)
    is_solid = line.stroke not in _DRAWN_COLUMNS
    last: tuple[int, int] | None = None  # None after a gap: nothing to connect to
    for x, value in enumerate(line.values):
        if value is None:
            last = last if line.bridged else None
            continue
        y = _row_of(value, top, height)
        is_lone = last is None and (x + 1 == len(line.values) or line.values[x + 1] is None)
        for at_x, at_y in _segment(last, (x, y)):
            if is_drawn(at_x) or is_lone:
                yield at_x, at_y
        if last is not None and is_solid:
            # A steep line would have gaps if only the heights at its ends were drawn.
            yield from ((x, at_y) for at_y in _between(last[1], y) if x - last[0] == 1)
        last = x, y


def _segment(last: tuple[int, int] | None, to: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the dots from one point to another, without the first one."""
    if last is not None:
        (x0, y0), (x1, y1) = last, to
        before = y0
        for x in range(x0 + 1, x1):
            y = round(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
            yield from ((x, at_y) for at_y in _between(before, y))
            before = y
        if x1 - x0 > 1:
            yield from ((x1, at_y) for at_y in _between(before, y1))
    yield to


def _between(one: int, other: int) -> range:
    if one == other:
        return range(other, other + 1)
    return range(one + 1, other + 1) if other > one else range(other, one)


def _row_of(value: float, top: float, height: int) -> int:
    """Return dots from the top."""
    share = value / top if top else 0.0
    return min(height - 1, max(0, round((1 - share) * (height - 1))))
