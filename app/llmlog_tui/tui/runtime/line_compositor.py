"""Compositor that renders only the widgets on the lines of an update.

Textual renders every widget inside the box around all changes: with a changed header and a changed
pane at the bottom, those of the whole screen, and the backgrounds below them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual._compositor import Compositor
from textual.geometry import Region

if TYPE_CHECKING:
    from textual.strip import Strip
    from textual.widget import Widget


class LineCompositor(Compositor):
    """Renders widgets from the front, except those covered on all lines of an update."""

    def _render_chops(
        self, crop: Region, is_rendered_line: Callable[[int], bool]
    ) -> Sequence[Mapping[int, Strip]]:
        cuts = self.cuts
        chops: list[dict[int, Strip]] = [{} for _ in cuts]
        rendered = [y for y in crop.line_range if is_rendered_line(y)]
        missing = {y: len(cuts[y]) - 1 for y in rendered}  # pieces, by line
        for widget, (region, clip) in self.visible_widgets.items():
            part = region.intersection(clip)
            lines = [y for y in rendered if part.y <= y < part.bottom] if part.width else []
            if not any(missing[y] for y in lines):
                continue
            for y, strip in zip(lines, _rendered(widget, region, part, lines), strict=False):
                missing[y] -= _fill(chops[y], cuts[y], part, strip) if missing[y] else 0
        # The form that Textual expects: from left to right, None where there is no widget.
        return [
            {cut: line.get(cut) for cut in line_cuts[:-1]}  # type: ignore[misc]
            for line, line_cuts in zip(chops, cuts, strict=True)
        ]


def _rendered(widget: Widget, region: Region, part: Region, lines: Sequence[int]) -> list[Strip]:
    """Return the strips of a widget for screen lines; `part` is its visible region."""
    first = lines[0]
    crop = Region(part.x - region.x, first - region.y, part.width, lines[-1] + 1 - first)
    strips = widget.render_lines(crop)
    # A widget that is being resized may return fewer.
    return [strips[y - first] for y in lines if y - first < len(strips)]


def _fill(chops: dict[int, Strip], cuts: Sequence[int], part: Region, strip: Strip) -> int:
    """Add the uncovered pieces of a widget's line; return their number."""
    begin, end = part.column_span
    inside = [cut for cut in cuts if begin <= cut <= end]
    before = len(chops)
    for cut, piece in zip(inside, strip.divide([at - begin for at in inside[1:]]), strict=False):
        chops.setdefault(cut, piece)
    return len(chops) - before
