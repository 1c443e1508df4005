"""The content policy decides which content is written, on every path of a call."""

from __future__ import annotations

import base64
import hashlib
import stat
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from tests.capture.conftest import (
    KEY,
    QUESTION,
    Anything,
    chunk,
    client_of,
    completion,
    last_chunk,
    streamed,
)

import llmlog
from llmlog import _content, testing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLICIES: list[Any] = ["none", "hash", "redacted", "full"]
SECRET = "sk-proj-" + "Ab3dEfGh1jKlMnOpQrStUvWxYz0123"
MESSAGES: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": f"Mail jane@example.com the key {SECRET}."},
]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(_content, "_data_folder", lambda: tmp_path / "data")
    _content._user_key.cache_clear()  # noqa: SLF001 - a key of this test's own
    return tmp_path / "data"


def client_under(content: Any, memory: testing.Memory, response: httpx2.Response) -> Anything:  # noqa: ANN401
    return testing.session(memory, content=content).wrap(client_of(response))


def ask(client: Anything, **options: Anything) -> Anything:
    return client.chat.completions.create(model="m", messages=MESSAGES, **options)


def answer(text: str = "Done: jane@example.com") -> httpx2.Response:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return httpx2.Response(200, json=completion(choices=[choice]))


def test_by_default_nothing_of_the_content_is_written(memory: testing.Memory) -> None:
    ask(client_under("none", memory, answer()))
    record = memory.records()[0]
    assert not record.keys() & {"input", "output", "prefix_hashes"}
    assert b"brief" not in memory.lines[0]


def test_hash_reveals_which_prompts_share_a_prefix_and_nothing_else(memory: testing.Memory) -> None:
    client = client_under("hash", memory, answer())
    ask(client)
    client.chat.completions.create(model="m", messages=[MESSAGES[0], QUESTION[0]])
    first, second = memory.records()
    assert len(first["prefix_hashes"]) == len(MESSAGES)
    assert first["prefix_hashes"][0] == second["prefix_hashes"][0]
    assert first["prefix_hashes"][1] != second["prefix_hashes"][1]
    assert not first.keys() & {"input", "output"}
    assert b"brief" not in memory.lines[0]


def test_the_key_of_the_hashes_is_the_users_alone(
    memory: testing.Memory, data_folder: Path
) -> None:
    ask(client_under("hash", memory, answer()))
    key = data_folder / "llmlog" / "key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_bytes()) == 32
    key.write_bytes(b"another key" * 3)
    _content._user_key.cache_clear()  # noqa: SLF001
    ask(client_under("hash", memory, answer()))
    first, second = memory.records()
    assert first["prefix_hashes"] != second["prefix_hashes"]


def test_redacted_keeps_the_structure_and_takes_the_secrets_out(memory: testing.Memory) -> None:
    ask(client_under("redacted", memory, answer()))
    (record,) = memory.records()
    assert record["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Mail [redacted:email] the key [redacted:api_key]."},
    ]
    assert record["output"] == {"role": "assistant", "content": "Done: [redacted:email]"}
    assert len(record["prefix_hashes"]) == 2


IMAGE = "data:image/png;base64," + base64.b64encode(bytes(100_000)).decode()


def ask_about(client: Anything, image: str) -> None:
    part = {"type": "image_url", "image_url": {"url": image}}
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": [part]}])


def test_redacted_tells_of_an_image_its_type_size_and_hash(memory: testing.Memory) -> None:
    ask_about(client_under("redacted", memory, answer()), IMAGE)
    (record,) = memory.records()
    digest = hashlib.sha256(bytes(100_000)).hexdigest()[:16]
    url = record["input"][0]["content"][0]["image_url"]["url"]
    assert url == f"[image/png 100.0 KB sha256:{digest}]"


def test_prompts_that_differ_in_an_image_only_have_other_hashes(memory: testing.Memory) -> None:
    client = client_under("hash", memory, answer())
    for image in (IMAGE, IMAGE, IMAGE[:-4] + "AAA="):
        ask_about(client, image)
    first, same, other = (record["prefix_hashes"] for record in memory.records())
    assert first == same
    assert first != other


def test_a_prompt_that_contains_itself_is_cut_and_recorded(memory: testing.Memory) -> None:
    given: dict[str, Any] = {"question": "jane@example.com"}
    given["again"] = given
    testing.session(memory, content="redacted").trace().record(event="span", input=given)
    assert memory.records()[0]["input"] == {
        "question": "[redacted:email]",
        "again": "[cut: contains itself]",
    }


def test_full_keeps_content_unchanged(memory: testing.Memory) -> None:
    ask(client_under("full", memory, answer()))
    (record,) = memory.records()
    assert record["input"] == MESSAGES
    assert record["output"] == {"role": "assistant", "content": "Done: jane@example.com"}


def test_the_message_of_a_stream_is_put_together(memory: testing.Memory) -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "look", "arguments": '{"q": 1}'}}
    asks = chunk(choices=[{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}])
    response = streamed(chunk("Hel"), chunk("lo"), asks, last_chunk())
    list(ask(client_under("full", memory, response), stream=True))
    function = {"name": "look", "arguments": '{"q": 1}'}
    assert memory.records()[0]["output"] == {
        "role": "assistant",
        "content": "Hello",
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }


def test_a_secret_cut_in_two_by_the_chunks_of_a_stream_is_found(memory: testing.Memory) -> None:
    response = streamed(chunk("It is " + SECRET[:12]), chunk(SECRET[12:]), last_chunk())
    list(ask(client_under("redacted", memory, response), stream=True))
    assert memory.records()[0]["output"]["content"] == "It is [redacted:api_key]"


def test_the_input_is_a_snapshot_of_the_request_even_if_the_list_changes_later(
    memory: testing.Memory,
) -> None:
    client = client_under("full", memory, streamed(chunk("a"), last_chunk()))
    messages: list[Any] = [{"role": "user", "content": "first"}]
    stream = client.chat.completions.create(model="m", messages=messages, stream=True)
    messages[0]["content"] = "second"
    list(stream)
    assert memory.records()[0]["input"] == [{"role": "user", "content": "first"}]


def test_the_responses_api_has_its_instructions_before_its_input(memory: testing.Memory) -> None:
    body = {"id": "r1", "object": "response", "status": "completed", "output": [{"type": "x"}]}
    client = client_under("full", memory, httpx2.Response(200, json=body))
    client.responses.create(model="m", input="Hi.", instructions="Be brief.")
    (record,) = memory.records()
    assert record["input"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi."},
    ]
    assert record["output"] == [{"type": "x"}]


def test_a_tools_arguments_and_result_follow_the_policy(memory: testing.Memory) -> None:
    trace = testing.session(memory, content="redacted").trace()

    @trace.tool
    def look(who: str, password: str) -> list[str]:
        return [who, password]

    look("jane@example.com", password="x")  # noqa: S106 - an invention
    (record,) = memory.records()
    assert record["input"] == {"who": "[redacted:email]", "password": "[redacted:password]"}
    assert record["output"] == ["[redacted:email]", "x"]


@pytest.mark.parametrize("content", POLICIES)
def test_an_error_text_is_content_and_never_has_secrets(
    memory: testing.Memory,
    content: Any,  # noqa: ANN401
) -> None:
    body = {"error": {"message": f"Incorrect API key provided: {SECRET}"}}
    client = client_under(content, memory, httpx2.Response(401, json=body))
    with pytest.raises(openai.AuthenticationError):
        ask(client)
    (record,) = memory.records()
    assert ("error_message" in record) == (content in ("redacted", "full"))
    assert SECRET.encode() not in memory.lines[0].split(b'"input"')[0]


@pytest.mark.parametrize("content", POLICIES)
def test_the_clients_own_key_is_nowhere(memory: testing.Memory, content: Any) -> None:  # noqa: ANN401
    token, cookie = "gateway-token-0123", "session-cookie-4567"
    session = testing.session(memory, content=content, tags={"note": f"key {KEY}"})
    bare = client_of(
        httpx2.Response(200, json=completion(model=f"m-{KEY}", id=cookie)),
        default_headers={"Cookie": cookie},
    )
    client: Any = session.wrap(bare)
    client.chat.completions.create(
        model=f"m {KEY} {token}",
        messages=[{"role": "user", "content": f"{KEY} {token} {cookie}"}],
        extra_headers={"Authorization": f"Bearer {token}"},
    )
    for credential in (KEY, token, cookie):
        assert credential.encode() not in memory.lines[0]
    assert memory.records()[0]["model"] == "m-[redacted:api_key]"


def test_words_given_as_a_key_to_servers_without_keys_stay(memory: testing.Memory) -> None:
    session = testing.session(memory)
    ask(session.wrap(client_of(httpx2.Response(200, json=completion()), api_key="stop")))
    assert memory.records()[0]["finish_reason"] == "stop"


@pytest.mark.parametrize("content", POLICIES)
def test_tags_pass_the_secret_rules_under_every_policy(
    memory: testing.Memory,
    content: Any,  # noqa: ANN401
) -> None:
    tags = {"tier": "free", "deploy_token": "abc", "note": SECRET}
    testing.session(memory, content=content, tags=tags).trace().record(event="embedding")
    assert memory.records()[0]["extra"] == {
        "tier": "free",
        "deploy_token": "[redacted:password]",
        "note": "[redacted:api_key]",
    }


def test_records_of_other_sdks_follow_the_policy_too(memory: testing.Memory) -> None:
    for content in POLICIES:
        trace = testing.session(memory, content=content).trace()
        trace.record(event="chat_completion", input="jane@example.com", error_message="x")
    none, hashed, redacted, full = memory.records()
    assert "input" not in none | hashed
    assert redacted["input"] == "[redacted:email]"
    assert full["input"] == "jane@example.com"


def raises(_: str) -> str:
    raise RuntimeError


def gives_no_text(_: str) -> Any:  # noqa: ANN401
    return None


@pytest.mark.parametrize("broken", [raises, gives_no_text])
def test_if_redaction_fails_the_content_is_dropped_and_the_record_written(
    memory: testing.Memory, broken: Callable[[str], str]
) -> None:
    session = llmlog.session(memory, content="redacted", redact=[broken])
    client: Any = session.wrap(client_of(answer()))
    with pytest.warns(llmlog.CaptureWarning):
        ask(client)
    (record,) = memory.records()
    assert not record.keys() & {"input", "output"}
    assert record["finish_reason"] == "stop"
    assert session.faults == 1


def test_an_unknown_policy_is_refused(memory: testing.Memory) -> None:
    unknown: Any = "everything"
    with pytest.raises(ValueError, match="none, hash, redacted, full"):
        llmlog.session(memory, content=unknown)


def test_one_pattern_may_be_given_without_a_list(memory: testing.Memory) -> None:
    session = testing.session(memory, content="redacted", redact=r"EMP-\d+")
    session.trace().record(event="embedding", input="EMP-123 asks")
    assert memory.records()[0]["input"] == "[redacted:custom] asks"
