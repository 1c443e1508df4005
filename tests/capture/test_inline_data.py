"""Inline data is left as it is under `full`, and told by type, size and hash under `redacted`."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from typing import Any

import pytest

from llmlog import testing
from llmlog._redaction.redactor import PERSONAL, SECRETS, Redactor

SUMMARISES = Redactor((*SECRETS, *PERSONAL), summarise_data=True)
NOISE = random.Random(1).randbytes(30_000)  # noqa: S311 - the same in each run
PNG = b"\x89PNG\r\n\x1a\n" + NOISE


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{encoded(data)}"


def marker(kind: str, size: str, data: bytes) -> str:
    return f"[{kind} {size} sha256:{hashlib.sha256(data).hexdigest()[:16]}]"


PNG_MARKER = marker("image/png", "30.0 KB", PNG)


def test_a_data_url_is_replaced_by_its_type_size_and_hash() -> None:
    assert SUMMARISES.text(url(PNG)) == PNG_MARKER


def test_megabytes_are_told_as_such() -> None:
    data = bytes(3_100_000)
    assert SUMMARISES.text(url(data)) == marker("image/png", "3.1 MB", data)


def test_a_data_url_within_text_is_replaced_and_the_text_around_it_redacted() -> None:
    text = f"jane@example.com sends ![it]({url(PNG)}) and password: hunter2"
    assert SUMMARISES.text(text) == (
        f"[redacted:email] sends ![it]({PNG_MARKER}) and password: [redacted:password]"
    )


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBP", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVE", "audio/wav"),
        (b"%PDF-1.7", "application/pdf"),
        (b"ID3", "audio/mpeg"),
        (b"\x00\x00\x00\x20ftypisom", "video/mp4"),
        (b"?", "data"),
    ],
)
def test_base64_without_a_type_is_known_by_its_first_bytes(head: bytes, kind: str) -> None:
    data = head + NOISE
    size = f"{len(data) / 1000:.1f} KB"
    assert SUMMARISES.text(encoded(data)) == marker(kind, size, data)


CONTENT: list[Any] = [
    {"type": "image_url", "image_url": {"url": url(PNG)}},
    {"type": "input_audio", "input_audio": {"data": encoded(PNG), "format": "wav"}},
    {"type": "file", "file": {"file_data": url(PNG, "application/pdf"), "filename": "a.pdf"}},
    {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": encoded(PNG)},
    },
]


@pytest.mark.parametrize("part", CONTENT, ids=lambda part: str(part["type"]))
def test_data_in_each_place_a_message_may_have_it_is_replaced(part: Any) -> None:  # noqa: ANN401
    text = json.dumps(SUMMARISES.json(part))
    assert f"30.0 KB sha256:{hashlib.sha256(PNG).hexdigest()[:16]}" in text
    assert len(text) < 300


def test_url_safe_and_unpadded_base64_has_the_same_hash() -> None:
    safe = base64.urlsafe_b64encode(PNG).decode().rstrip("=")
    assert SUMMARISES.text(safe) == PNG_MARKER


def test_base64_in_lines_is_replaced() -> None:
    lines = base64.encodebytes(PNG).decode().rstrip("\n")
    assert SUMMARISES.text(f"Attachment:\n\n{lines}\n\nBye") == (
        f"Attachment:\n\n{PNG_MARKER}\n\nBye"
    )


def test_bytes_are_told_like_any_other_data(memory: testing.Memory) -> None:
    trace = testing.session(memory, content="redacted").trace()
    trace.record(event="tool_call", tool_name="draw", output=PNG)
    kind = "application/octet-stream"
    assert memory.records()[0]["output"] == marker(kind, "30.0 KB", PNG)


def test_full_leaves_data_as_it_is(memory: testing.Memory) -> None:
    trace = testing.session(memory, content="full").trace()
    trace.record(event="tool_call", tool_name="draw", output=CONTENT)
    assert memory.records()[0]["output"] == CONTENT


def test_data_in_an_error_text_is_left_and_secrets_around_it_go(memory: testing.Memory) -> None:
    trace = testing.session(memory, content="full").trace()
    text = f"password=hunter2 in {url(PNG)}"
    trace.record(event="tool_call", tool_name="draw", status="error", error_message=text)
    assert memory.records()[0]["error_message"] == f"password=[redacted:password] in {url(PNG)}"


@pytest.mark.parametrize(
    "text",
    [
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "data:image/png;base64,iVBORw0KGgo=",
        "0123456789abcdef" * 64,
        "a" * 16_384,
        "/Some/Path-1/of_files/" * 100,
        "word-1-And-Another-" * 100,
        f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(NOISE[:1500]).decode()}",
    ],
    ids=lambda text: text[:16],
)
def test_short_data_and_other_long_words_stay(text: str) -> None:
    assert SUMMARISES.text(text) == text


def test_a_token_of_a_thousand_characters_is_no_data() -> None:
    token = "IQoJb3JpZ2luX2Vj" + encoded(NOISE[:600])
    redacted = Redactor(SECRETS).text(f"AWS_SESSION_TOKEN={token}")
    assert redacted == "AWS_SESSION_TOKEN=[redacted:password]"


def test_the_work_for_a_data_url_is_not_that_of_the_rules() -> None:
    """Rules see nothing of the data, whose megabytes they would search one by one."""
    seen: list[int] = []

    def counting(text: Any) -> list[Any]:  # noqa: ANN401
        seen.append(len(text.text))
        return []

    Redactor([counting], summarise_data=True).json({"url": url(bytes(3_000_000)), "a": "some text"})
    assert sum(seen) < 100
