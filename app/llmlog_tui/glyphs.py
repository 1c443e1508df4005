"""Signs on screen, and their replacement on terminals that show ASCII only.

Widgets and commands use signs freely. Output for such a terminal is converted last, cell by cell,
together with the characters of Textual and of a log's values.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rich.cells import cell_len, split_graphemes

_UNKNOWN: Final = "?"
_ARROW: Final = (" → ", "-> ")
"""Between two figures: a mere `>` would read as a comparison."""

_PAIRS: Final = (
    ("✗┤↻≠◆", "x]r#+"),  # failed, cut off, retried, changed, bookmarked
    # Alert, over or waiting, live or the playhead, stopped, playing, different.
    ("▲○●‖►◄", "!o*|><"),
    ("▌▸▾▴", ">>v^"),  # the cursor, folded, unfolded or descending, ascending
    ("░▒▓█▄", ".-%#="),  # retry wait, until first token, reasoning, answer, tool
    ("▁▂▃▅▆▇", "_.-+*%"),  # levels of a sparkline, with ▄ and █ between and above
    ("▏▎▍▋▊▉▔", "||||||-"),  # ends of bars; borders
    ("│┊├└", "|:|`"),  # the same trace; a grid; branches
    ("─━┼╋", "-=++"),  # the remaining and the played part of a run
    ("╭╮╯╰", "++++"),
    ("·–…→←›‹×•⋮", ".-~><><x*:"),
)
_OTHERS: Final = re.compile(r"[ -~]?[^\x00-\x7f]+")
"""Non-ASCII characters, with one before them that they may combine with."""
_UNSURE: Final = re.compile(r"[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
"""Variation selectors and emoji skin tones: terminals disagree on their cells."""

_TOP, _BOTTOM = 0x1B, 0xE4
"""Dots of the upper and of the lower half of a braille cell."""


def _braille(dots: int) -> str:
    return ("'" if not dots & _BOTTOM else "." if not dots & _TOP else "*") if dots else " "


FORMS: Final[dict[str, str]] = {
    **{sign: form for pair in _PAIRS for sign, form in zip(*pair, strict=True)},
    **{chr(0x2800 + dots): _braille(dots) for dots in range(256)},
}
"""Sign -> its ASCII form, one cell like the sign."""


def in_ascii(text: str) -> str:
    """Return the text in ASCII, at the same width; signs without a form become `?`."""
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
    """Return the text at the same width, without characters of terminal-dependent width."""
    return _steadied(text) if _UNSURE.search(text) else text


@lru_cache(maxsize=4096)
def _steadied(text: str) -> str:
    graphemes, _ = split_graphemes(text)
    return "".join(_sure(text[start:end], cells) for start, end, cells in graphemes)


def _sure(grapheme: str, cells: int) -> str:
    plain = _UNSURE.sub("", grapheme)
    room = cells - cell_len(plain)
    return plain + " " * room if room >= 0 else _UNKNOWN * cells
