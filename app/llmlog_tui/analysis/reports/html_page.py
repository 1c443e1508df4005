"""Self-contained HTML pages: elements whose values are escaped, and a policy that loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from llmlog_tui import humanize
from llmlog_tui.sanitize import sanitize

MAX_TEXT: Final = 50_000
"""Maximum characters of a text that is shown."""

_VOID: Final = frozenset({"meta", "br"})


class Html(str):
    """Markup made by element(): the only text that is not escaped."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Return an element; children that are no Html are text, and attributes without value absent.

    An underscore in an attribute's name is a hyphen; a leading or trailing one is dropped.
    """
    named = "".join(
        f' {name.strip("_").replace("_", "-")}="{escape(printable(str(value)))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Html(f"<{tag}{named}>")
    inner = "".join(child if isinstance(child, Html) else text(child) for child in children)
    return Html(f"<{tag}{named}>{inner}</{tag}>")


def joined(children: Iterable[Html]) -> Html:
    return Html("".join(children))


def text(value: object) -> Html:
    """Return a value as escaped text, `–` for None."""
    return Html(escape(printable(humanize.UNKNOWN if value is None else str(value))))


def printable(value: str) -> str:
    """Return at most MAX_TEXT characters; all but line breaks and tabs as sanitize() does."""
    lines = value[:MAX_TEXT].replace("\r\n", "\n").split("\n")
    shown = "\n".join(
        "\t".join(sanitize(part, MAX_TEXT) for part in line.split("\t")) for line in lines
    )
    missing = len(value) - MAX_TEXT
    return shown if missing <= 0 else f"{shown}… (+{missing:,} characters)"


def table(
    titles: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Iterable[str] = (),
    tones: Sequence[str | None] = (),
) -> Html:
    """Return a table; columns titled in `numbers` are aligned to the right, rows have `tones`."""
    right = [title in set(numbers) for title in titles]

    def cells(tag: str, row: Sequence[object]) -> Iterable[Html]:
        for cell, is_right in zip(row, right, strict=True):
            yield element(tag, cell, _class="number" if is_right else None)

    head = element("tr", *cells("th", titles))
    body = [
        element("tr", *cells("td", row), _class=tones[index] if tones else None)
        for index, row in enumerate(rows)
    ]
    whole = element("table", element("thead", head), element("tbody", *body))
    return element("div", whole, _class="wide")


def section(title: str, *children: Html) -> Html:
    return element("section", element("h2", title), *children)


def figures(pairs: Iterable[tuple[str, object, str | None]]) -> Html:
    """Return (name, value, tone) as a row of tiles."""
    tiles = (
        element(
            "div", element("b", value), element("span", name), _class=f"tile {tone or ''}".strip()
        )
        for name, value, tone in pairs
    )
    return element("div", *tiles, _class="tiles")


def page(title: str, *children: Html) -> str:
    """Return a complete document. Its policy allows this style sheet, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        Html(f"<style>{_STYLE}</style>"),
    )
    body = element("body", element("main", element("h1", title), *children))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


_STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --text: #1c2128; --dim: #606a76; --line: #d5dae0;
  --soft: #f4f6f8; --bad: #c4262e; --warn: #9a6200; --blue: #1f6feb; --green: #1a7f4b;
  --purple: #7a3fc4; --grey: #a8b0ba; }
@media (prefers-color-scheme: dark) { :root { --back: #14181d; --text: #dde3ea; --dim: #96a1ad;
  --line: #333b45; --soft: #1c222a; --bad: #ff7b80; --warn: #e0a84a; --blue: #6cabff;
  --green: #5cc78f; --purple: #c29bff; --grey: #6a7480; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 1160px; margin: 0 auto; padding: 24px 20px 48px; }
h1 { font-size: 22px; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 32px 0 10px; }
p { margin: 4px 0; overflow-wrap: anywhere; }
.dim, .dim td { color: var(--dim); }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 18px 0 4px; }
.tile { flex: 1 1 88px; border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; }
.tile b { display: block; font-size: 19px; font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.tile span { color: var(--dim); }
.tile.bad b { color: var(--bad); } .tile.warn b { color: var(--warn); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; color: var(--dim); font-weight: 600; border-bottom: 1px solid var(--line); }
th, td { padding: 4px 16px 4px 0; vertical-align: top; white-space: nowrap; }
td { border-bottom: 1px solid var(--soft); font-variant-numeric: tabular-nums; }
th:last-child, td:last-child { padding-right: 0; white-space: normal; overflow-wrap: anywhere;
  min-width: 64px; }
.number { text-align: right; }
tr.bad td { color: var(--bad); } tr.warn td { color: var(--warn); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 18px; }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px 6px; }
figcaption { font-weight: 600; margin-bottom: 4px; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--dim); font-size: 11px; white-space: pre; }
svg .name { fill: var(--text); font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .mark { stroke: var(--bad); stroke-width: 1; stroke-dasharray: 2 3; }
svg .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
svg .blue { stroke: var(--blue); } svg .green { stroke: var(--green); }
svg .purple { stroke: var(--purple); } svg .bad { stroke: var(--bad); }
svg .dashed { stroke-dasharray: 6 3; } svg .dotted { stroke-dasharray: 2 3; }
svg .fill-blue { fill: var(--blue); } svg .fill-green { fill: var(--green); }
svg .fill-purple { fill: var(--purple); } svg .fill-bad { fill: var(--bad); }
svg .fill-grey { fill: var(--grey); }
svg .point { stroke: none; }
pre { margin: 0; padding: 10px 12px; background: var(--soft); border-radius: 6px;
  white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4;
  font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", monospace; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; padding: 8px 12px; }
summary { cursor: pointer; overflow-wrap: anywhere; }
details > div { margin-top: 10px; }
.role { color: var(--dim); font-weight: 600; margin: 12px 0 4px; }
.role.user { color: var(--blue); } .role.assistant { color: var(--green); }
.role.error { color: var(--bad); } .role.call, .role.result, .role.tool { color: var(--purple); }
footer { margin-top: 40px; color: var(--dim); border-top: 1px solid var(--line); padding-top: 8px; }
"""
