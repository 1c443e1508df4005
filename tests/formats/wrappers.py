"""What shippers, runtimes and loggers make of an application's lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

Wrap = Callable[[bytes], list[bytes]]
"""A line of JSON as the lines it comes in."""

PART: Final = 40
"""Bytes after which the runtimes here split a line; the real ones do at 16 KiB."""


def _dumped(item: object) -> bytes:
    return json.dumps(item).encode()


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _split(text: str) -> list[str]:
    return [text[at : at + PART] for at in range(0, len(text), PART)] or [""]


def docker_split(line: bytes) -> list[bytes]:
    parts = _split(_text(line))
    parts[-1] += "\n"
    time = "2026-11-20T09:00:01.000000001Z"
    return [_dumped({"log": part, "stream": "stdout", "time": time}) for part in parts]


def cri_split(line: bytes) -> list[bytes]:
    *parts, last = _split(_text(line))
    flagged = [*(("P", part) for part in parts), ("F", last)]
    return [f"2026-11-20T09:00:01.0Z stdout {flag} {part}".encode() for flag, part in flagged]


def journald(message: object) -> list[bytes]:
    fields = {"__REALTIME_TIMESTAMP": "1795165201000000", "_SYSTEMD_UNIT": "app.service"}
    return [_dumped({**fields, "MESSAGE": message})]


WRAPPERS: Final[dict[str, Wrap]] = {
    "nothing": lambda line: [line],
    "logging": lambda line: [b"2026-01-01 12:00:00,000 INFO llm " + line],
    "a logger that prints objects": lambda line: [b'INFO {"thread": 1} llm: ' + line],
    "compose": lambda line: [b"api-1  | " + line],
    "compose in colour": lambda line: [b"\x1b[36mapi-1  |\x1b[0m " + line + b"\x1b[0m"],
    "CloudWatch": lambda line: [b"2026-11-20T09:00:01.000Z " + line],
    "syslog": lambda line: [b"Nov 20 10:00:00 host app[123]: " + line],
    "kubectl": lambda line: [b"[pod/api-1/app] 2026-11-20T09:00:01.000000001Z " + line],
    "docker": lambda line: [
        _dumped({"log": _text(line) + "\n", "stream": "stdout", "time": "2026-11-20T09:00:01Z"})
    ],
    "docker, split": docker_split,
    "docker without newlines": lambda line: [_dumped({"log": _text(line), "stream": "stdout"})],
    "CRI": lambda line: [b"2026-11-20T09:00:01.000000001Z stdout F " + line],
    "CRI, split": cri_split,
    "journald": lambda line: journald(_text(line)),
    "journald as bytes": lambda line: journald(list(line)),
    "docker in journald": lambda line: journald(
        json.dumps({"log": _text(line) + "\n", "stream": "stderr", "time": "x"})
    ),
    "a logger in docker": lambda line: [
        _dumped({"log": f"INFO llm: {_text(line)}\n", "stream": "stdout", "time": "x"})
    ],
}
"""Wrappers of lines, which know nothing of what is in them."""


def _record(line: bytes) -> object:
    return json.loads(line)


NESTING: Final[dict[str, Wrap]] = {
    "structlog": lambda line: [
        _dumped({"event": "llm_call", "level": "info", "record": _record(line)})
    ],
    "python-json-logger": lambda line: [
        _dumped({"asctime": "2026-11-20 09:00:01,000", "message": "call", "llm": _record(line)})
    ],
    "message is JSON": lambda line: [_dumped({"level": "INFO", "message": _text(line)})],
    "message ends in JSON": lambda line: [_dumped({"message": f"call: {_text(line)}"})],
    "bunyan": lambda line: [_dumped({"v": 0, "level": 30, "msg": _text(line)})],
    "pino": lambda line: [_dumped({"level": 30, "time": 1795165201000, "msg": _record(line)})],
    "loguru": lambda line: [
        _dumped({"text": "x", "record": {"extra": _record(line), "message": "llm"}})
    ],
    "GCP": lambda line: [_dumped({"insertId": "x", "jsonPayload": _record(line)})],
    "GCP text": lambda line: [_dumped({"insertId": "x", "textPayload": _text(line)})],
    "Datadog": lambda line: [_dumped({"id": "x", "attributes": {"attributes": _record(line)}})],
}
"""Loggers that put an object into their own."""

Lines = Sequence[bytes]
