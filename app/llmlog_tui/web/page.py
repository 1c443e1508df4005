"""The page around the dashboard; it loads nothing from another server."""

from __future__ import annotations

from html import escape
from typing import Final

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; "
    "img-src 'self' data:; connect-src 'self' {websocket}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""Content-Security-Policy; xterm.js puts its styles into the page."""

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/css/xterm.css">
<style>
@font-face {{
  font-family: "Roboto Mono";
  src: url("static/fonts/RobotoMono-VariableFont_wght.ttf");
  font-weight: 100 700;
}}
@font-face {{
  font-family: "Roboto Mono";
  src: url("static/fonts/RobotoMono-Italic-VariableFont_wght.ttf");
  font-weight: 100 700;
  font-style: italic;
}}
html, body {{ margin: 0; height: 100%; background: #141a22; color: #d7dde5; }}
.textual-terminal {{ width: 100vw; height: 100vh; }}
#ended {{ display: none; position: absolute; inset: 0; z-index: 20; background: #141a22;
  align-items: center; justify-content: center; font: 16px "Roboto Mono", monospace; }}
body.-closed #ended {{ display: flex; }}
</style>
<script src="static/js/textual.js"></script>
</head>
<body>
<div id="terminal" class="textual-terminal" data-session-websocket-url="{websocket}"
  data-font-size="14"></div>
<div id="ended">The dashboard has ended. Reload the page to start it again.</div>
</body>
</html>
"""


def page(title: str, websocket: str) -> str:
    return _PAGE.format(title=escape(title), websocket=escape(websocket, quote=True))
