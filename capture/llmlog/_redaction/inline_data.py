"""Find inline data, such as base64 images; describe type, size and hash."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from llmlog._redaction.text import Text, compiled

LEAST_VALUE: Final = 512
"""Minimum characters of a text that is base64 from end to end."""

LEAST_RUN: Final = 2048
"""Minimum characters of base64 within other text: signed tokens are shorter."""

_LEAST_LINES: Final = 1024
"""Minimum characters of base64 in lines of one length."""

_LEAST_URL: Final = 64
"""Minimum characters of base64 in a data URL."""

_SAMPLE: Final = 256
_MOST_SIGNS: Final = 0.12
"""Maximum share of signs in a sample of base64.

Paths and words joined by hyphens have more.
"""

_BASE64: Final = r"[A-Za-z0-9+/_-]{1,}={0,2}"
_URL: Final = r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?(?:;[\w.-]{1,64}=[\w.+\"-]{1,64}){0,4}\Z"
_LONGEST_HEAD: Final = 512
_URL_SIGN: Final = ";base64,"
_LINES: Final = r"(?:[A-Za-z0-9+/]{40,80}\r?\n[ \t>]{0,8}){4,}[A-Za-z0-9+/]{1,80}={0,2}"

_TYPES: Final = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"%PDF", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_RIFF_TYPES: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}
_KILO: Final = 1000


class Data(NamedTuple):
    """Inline data in characters `start` to `end` of a text."""

    start: int
    end: int
    kind: str
    """A media type; empty if the text names none."""

    body: str
    """The base64 itself."""

    content: bytes | None = None
    """What it decodes to, if that is known."""


def inline_data(text: Text, least: int) -> Iterator[Data]:
    """Yield inline data of at least `least` characters.

    Of data that is not the whole text and in no data URL the minimum is LEAST_RUN.
    """
    whole = text.text
    is_likely = len(whole) >= least and _is_base64(whole, 0, len(whole))
    if is_likely and compiled(_BASE64).fullmatch(whole):
        yield Data(0, len(whole), "", whole)
        return
    if url := _whole_url(whole):
        yield url
        return
    end = 0
    for data in sorted((*_urls(whole, least), *_runs(text, least))):
        if data.start >= end:
            yield data
            end = data.end


def _whole_url(text: str) -> Data | None:
    """Return the data URL that fills the whole text, if any.

    It is decoded, which is quicker than a search.
    """
    at = text.find(_URL_SIGN, 0, _LONGEST_HEAD)
    head = compiled(_URL).match(text, 0, at) if at > 0 else None
    if head is None:
        return None
    body = text[at + len(_URL_SIGN) :]
    try:
        content = binascii.a2b_base64(body, strict_mode=True)
    except ValueError:
        return None
    is_long = len(body) >= _LEAST_URL
    return Data(0, len(text), head.group(1) or "", body, content) if is_long else None


def _urls(text: str, least: int) -> Iterator[Data]:
    at = text.find(_URL_SIGN)
    while at >= 0:
        start = text.rfind("data:", max(0, at - _LONGEST_HEAD), at)
        head = compiled(_URL).match(text, start, at) if start >= 0 else None
        at += len(_URL_SIGN)
        body = compiled(_BASE64).match(text, at) if head else None
        if head and body and len(body.group()) >= min(least, _LEAST_URL):
            at = body.end()
            yield Data(start, at, head.group(1) or "", body.group())
        at = text.find(_URL_SIGN, at)


def _runs(text: Text, least: int) -> Iterator[Data]:
    """Yield long base64 without a data URL around it, in one word or in lines."""
    end = 0
    for start, stop in text.long_words:
        if start < end:
            continue
        if stop - start >= max(least, LEAST_RUN):
            for run in compiled(_BASE64).finditer(text.text, start, stop):
                size = run.end() - run.start()
                if size >= max(least, LEAST_RUN) and _is_base64(text.text, *run.span()):
                    yield Data(run.start(), run.end(), "", run.group())
        elif lines := compiled(_LINES).match(text.text, start):
            end = lines.end()
            # The lines of a certificate or key have a name in front of them.
            is_named = text.text[max(0, start - 8) : start].rstrip().endswith("-----")
            if end - start >= max(least, _LEAST_LINES) and not is_named:
                yield Data(start, end, "", lines.group())


def _is_base64(text: str, start: int, end: int) -> bool:
    """Whether both ends of `text[start:end]` look like base64, and not like words or a path."""
    sample = text[start : start + _SAMPLE] + text[max(start, end - _SAMPLE) : end]
    if sample.startswith("eyJ") or not compiled(_BASE64).fullmatch(sample):
        return False
    kinds = (str.isupper, str.islower, str.isdigit)
    signs = sum(char in "+/-_" for char in sample)
    return all(any(map(is_kind, sample)) for is_kind in kinds) and signs <= _MOST_SIGNS * len(
        sample
    )


def described(data: Data) -> str:
    """Return a marker with type, size and hash, as in `[image/png 3.1 MB sha256:0a1b…]`.

    The hash is the start of the SHA-256 of the decoded data: that of the file, if it was one.
    """
    content = data.content
    if content is None:
        content = _decoded(data.body)
    kind = data.kind or _type_of(content)
    return f"[{kind} {_size(len(content))} sha256:{hashlib.sha256(content).hexdigest()[:16]}]"


def _decoded(body: str) -> bytes:
    if "-" in body or "_" in body:
        body = body.replace("-", "+").replace("_", "/")
    try:
        return binascii.a2b_base64(body.rstrip("=") + "=" * (-len(body.rstrip("=")) % 4))
    except binascii.Error:
        return body.encode()


def _type_of(data: bytes) -> str:
    if data.startswith(b"RIFF"):
        return _RIFF_TYPES.get(data[8:12], "data")
    if data[4:8] == b"ftyp":
        return "video/mp4"
    return next((kind for sign, kind in _TYPES if data.startswith(sign)), "data")


def _size(count: int) -> str:
    if count < _KILO:
        return f"{count} B"
    return f"{count / _KILO:.1f} KB" if count < _KILO**2 else f"{count / _KILO**2:.1f} MB"
