"""Every sign that is shown, and what stands for it where a terminal has ASCII only.

Who shows a sign writes it by its meaning and knows of no ASCII: what goes to such a terminal is
put into ASCII last of all, cell for cell, and with it what Textual and a log's values bring along.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, split_graphemes

_UNKNOWN: Final = "?"
_ARROW: Final = (" → ", "-> ")
"""From one figure to another: a mere `>` between them would be a claim."""

_PAIRS: Final = (
    ("✗┤↻≠◆", "x]r#+"),  # failed, cut off, retried, changed, bookmarked
    ("▲○●‖►◄", "!o*|><"),  # alert, over or waiting, live or the playhead, stopped, playing, parted
    ("▌▸▾▴", ">>v^"),  # the cursor, folded, unfolded or descending, ascending
    ("░▒▓█▄", ".-%#="),  # retry wait, until first token, reasoning, answer, tool
    ("▁▂▃▅▆▇", "_.-+*%"),  # levels of a sparkline, with ▄ and █ between and above
    ("▏▎▍▋▊▉▔", "||||||-"),  # ends of bars; borders
    ("│┊├└", "|:|`"),  # the same trace; a grid; branches
    ("─━┼╋", "-=++"),  # a run to come, and as far as it was played
    ("╭╮╯╰", "++++"),
    ("·–…→›‹×", ".-~>><x"),
)
_OTHERS: Final = re.compile(r"[ -~]?[^\x00-\x7f]+")
"""Characters that ASCII has not, and the one before that they may be marks on."""
_UNSURE: Final = re.compile(r"[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
"""Variation selectors and the tones of emoji skin: terminals disagree on the cells they add."""

_TOP, _BOTTOM = 0x1B, 0xE4
"""The dots of a braille cell in its upper and in its lower half."""


def _braille(dots: int) -> str:
    return ("'" if not dots & _BOTTOM else "." if not dots & _TOP else "*") if dots else " "


FORMS: Final[dict[str, str]] = {
    **{sign: form for pair in _PAIRS for sign, form in zip(*pair, strict=True)},
    **{chr(0x2800 + dots): _braille(dots) for dots in range(256)},
}
"""The ASCII form of each sign, which takes one cell as the sign does."""


def in_ascii(text: str) -> str:
    """The text in ASCII, in as many cells: a sign by its form, all else by `?` in each cell."""
    return text if text.isascii() else _in_forms(text)


@lru_cache(maxsize=4096)
def _in_forms(text: str) -> str:
    return _OTHERS.sub(lambda found: _run_in_forms(found[0]), text.replace(*_ARROW))


def _run_in_forms(run: str) -> str:
    graphemes, _ = split_graphemes(run)
    return "".join(_form(run[start:end], cells) for start, end, cells in graphemes)


def _form(grapheme: str, cells: int) -> str:
    return grapheme if grapheme.isascii() else FORMS.get(grapheme, _UNKNOWN * cells)


def steady(text: str) -> str:
    """The text in as many cells, without what makes those more in one terminal than in another."""
    return _steadied(text) if _UNSURE.search(text) else text


@lru_cache(maxsize=4096)
def _steadied(text: str) -> str:
    graphemes, _ = split_graphemes(text)
    return "".join(_sure(text[start:end], cells) for start, end, cells in graphemes)


def _sure(grapheme: str, cells: int) -> str:
    plain = _UNSURE.sub("", grapheme)
    room = cells - cell_len(plain)
    return plain + " " * room if room >= 0 else _UNKNOWN * cells
