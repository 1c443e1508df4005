"""Structures lose their secrets and keep all the rest: names, counts, schemas, order."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.capture.corpus_structures import HARMLESS, SECRETS

from llmlog._redaction import redactor as redact
from llmlog._redaction.redactor import Redactor

EVERYTHING = Redactor((*redact.SECRETS, *redact.PERSONAL))


def text_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(("given", "secrets"), SECRETS, ids=lambda value: text_of(value)[:40])
def test_secrets_go_from_a_structure(given: Any, secrets: list[str]) -> None:  # noqa: ANN401
    redacted = text_of(EVERYTHING.json(given))
    assert all(secret in text_of(given) for secret in secrets) or '\\"' in text_of(given)
    assert not [secret for secret in secrets if secret in redacted]
    assert "[redacted:" in redacted


@pytest.mark.parametrize("given", HARMLESS, ids=lambda value: text_of(value)[:40])
def test_a_harmless_structure_stays(given: Any) -> None:  # noqa: ANN401
    assert EVERYTHING.json(given) == given


@pytest.mark.parametrize(("given", "_secrets"), SECRETS, ids=lambda value: text_of(value)[:40])
def test_redacting_a_structure_twice_changes_nothing_more(
    given: Any,  # noqa: ANN401
    _secrets: list[str],
) -> None:
    once = EVERYTHING.json(given)
    assert EVERYTHING.json(once) == once


def test_only_the_value_goes_from_a_header_as_a_pair() -> None:
    given = {"headers": [["X-Api-Key", "abcdefgh1234"], ["Accept", "*/*"]]}
    gone = [["X-Api-Key", "[redacted:password]"], ["Accept", "*/*"]]
    assert EVERYTHING.json(given) == {"headers": gone}


def test_of_a_schema_only_the_examples_go() -> None:
    schema = {"type": "string", "default": "hunter2", "description": "The password"}
    assert EVERYTHING.json({"password": schema}) == {
        "password": {**schema, "default": "[redacted:password]"}
    }


def test_names_that_are_secrets_stay_apart() -> None:
    given = {"jane@example.com": 1, "bob@example.com": 2}
    assert EVERYTHING.json(given) == {"[redacted:email]": 1, "[redacted:email] 1": 2}


def test_personal_numbers_stay_in_tags() -> None:
    tags = {"phone": "0446681800", "order": 4111111111111111}
    assert Redactor(redact.SECRETS).json(tags) == tags


def test_equal_texts_are_redacted_once() -> None:
    seen: list[str] = []

    def see(text: str) -> str:
        seen.append(text)
        return text

    Redactor((), [see]).json(["a text"] * 100)
    assert seen == ["a text"]
