"""Inline data, such as images in base64: found in text, and described by type, size and hash."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterator
from typing import Final

from llmlog._redact_text import Text, compiled

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
"""Maximum share of signs in a sample of base64; paths and words joined by hyphens have more."""

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


def inline_data(text: Text, least: int) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and type of inline data of at least `least` characters; type "" is unknown.

    Of data that is not the whole text and in no data URL the minimum is LEAST_RUN.
    """
    whole = text.text
    if len(whole) >= least and _is_base64(whole, 0, len(whole)):
        match = compiled(_BASE64).fullmatch(whole)
        if match:
            yield 0, len(whole), ""
            return
    end = 0
    for start, stop, kind in sorted((*_urls(whole, least), *_runs(text, least))):
        if start >= end:
            yield start, stop, kind
            end = stop


def _urls(text: str, least: int) -> Iterator[tuple[int, int, str]]:
    at = text.find(_URL_SIGN)
    while at >= 0:
        start = text.rfind("data:", max(0, at - _LONGEST_HEAD), at)
        head = compiled(_URL).match(text, start, at) if start >= 0 else None
        body = compiled(_BASE64).match(text, at + len(_URL_SIGN)) if head else None
        end = body.end() if body else at + len(_URL_SIGN)
        if head and body and len(body.group()) >= min(least, _LEAST_URL):
            yield start, end, head.group(1) or ""
        at = text.find(_URL_SIGN, end)


def _runs(text: Text, least: int) -> Iterator[tuple[int, int, str]]:
    """Yield long base64 without a data URL around it, in one word or in lines."""
    end = 0
    for start, stop in text.long_words:
        if start < end:
            continue
        if stop - start >= max(least, LEAST_RUN):
            for run in compiled(_BASE64).finditer(text.text, start, stop):
                size = run.end() - run.start()
                if size >= max(least, LEAST_RUN) and _is_base64(text.text, *run.span()):
                    yield *run.span(), ""
        elif lines := compiled(_LINES).match(text.text, start):
            end = lines.end()
            # The lines of a certificate or key have a name in front of them.
            is_named = text.text[max(0, start - 8) : start].rstrip().endswith("-----")
            if end - start >= max(least, _LEAST_LINES) and not is_named:
                yield *lines.span(), ""


def _is_base64(text: str, start: int, end: int) -> bool:
    """Whether both ends of `text[start:end]` look like base64, and not like words or a path."""
    sample = text[start : start + _SAMPLE] + text[max(start, end - _SAMPLE) : end]
    if not sample.isascii() or sample.startswith("eyJ") or not compiled(_BASE64).match(sample):
        return False
    kinds = any(map(str.isupper, sample)), any(map(str.islower, sample)), any(map(str.isdigit, sample))
    signs = sum(char in "+/-_" for char in sample)
    return all(kinds) and signs <= _MOST_SIGNS * len(sample)


def described(base64: str, kind: str) -> str:
    """Return a marker with type, size and hash, as in `[image/png 3.1 MB sha256:0a1b…]`.

    The hash is of the data itself: the same 16 first digits as those of its file's SHA-256.
    """
    body = base64[base64.find(_URL_SIGN) + len(_URL_SIGN) :] if _URL_SIGN in base64[:_LONGEST_HEAD] else base64
    if "-" in body or "_" in body:
        body = body.replace("-", "+").replace("_", "/")
    try:
        data = binascii.a2b_base64(body + "=" * (-len(body) % 4))
    except binascii.Error:
        data = body.encode()
    kind = kind or _type_of(data)
    return f"[{kind} {_size(len(data))} sha256:{hashlib.sha256(data).hexdigest()[:16]}]"


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
