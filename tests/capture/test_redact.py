"""Secrets go, everything else stays: measured on a corpus written before the rules."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from llmlog._redact import PERSONAL, SECRETS, Redactor

HERE = Path(__file__).parent
EVERYTHING = Redactor((*SECRETS, *PERSONAL))


def lines(name: str) -> list[str]:
    texts = (HERE / name).read_text().splitlines()
    return [text.replace("\\n", "\n") for text in texts if not text.startswith("#")]


def fake_secrets() -> list[tuple[str, str, str]]:
    """(kind, text, the secret in it)."""
    found: list[tuple[str, str, str]] = []
    for line in lines("corpus_secrets.tsv"):
        kind, _, text = line.replace("·", "").partition("\t")
        secret = text[text.index("⟦") + 1 : text.index("⟧")]
        found.append((kind, text.replace("⟦", "").replace("⟧", ""), secret))
    return found


def test_the_corpus_is_large_enough() -> None:
    assert len(fake_secrets()) >= 60
    assert len(lines("corpus_harmless.txt")) >= 60


def test_of_the_fake_secrets_at_least_95_percent_are_found() -> None:
    missed = [text for _, text, secret in fake_secrets() if secret in EVERYTHING.text(text)]
    assert len(missed) <= 0.05 * len(fake_secrets()), missed


def test_of_the_harmless_texts_not_one_is_touched() -> None:
    touched = [EVERYTHING.text(text) for text in lines("corpus_harmless.txt")]
    assert touched == lines("corpus_harmless.txt")


def test_a_secret_is_replaced_by_its_kind_where_it_stands() -> None:
    assert EVERYTHING.text("mail jane@example.com now") == "mail [redacted:email] now"


def test_redacting_twice_changes_nothing_more() -> None:
    for _, text, _ in fake_secrets():
        once = EVERYTHING.text(text)
        assert EVERYTHING.text(once) == once


def test_a_structure_keeps_its_shape() -> None:
    given = {
        "to": "jane@example.com",
        "password": "x",
        "tries": [1, None, True, 2.5, {"n": "+41 44 668 18 00"}],
    }
    assert EVERYTHING.json(given) == {
        "to": "[redacted:email]",
        "password": "[redacted:password]",
        "tries": [1, None, True, 2.5, {"n": "[redacted:phone]"}],
    }


@pytest.mark.parametrize("value", [12345678, ["x"], {"value": "x"}, [{"a": "x"}]])
def test_whatever_stands_under_the_name_of_a_secret_goes(value: object) -> None:
    assert EVERYTHING.json({"api_key": value}) == {"api_key": "[redacted:password]"}


@pytest.mark.parametrize(
    "value",
    [
        {"cost_per_token": 0.5, "prompt_token": 12},
        {"properties": {"token": {"type": "string"}, "credentials": {"type": "object"}}},
    ],
)
def test_counts_and_schemas_under_the_name_of_a_token_stay(value: object) -> None:
    assert EVERYTHING.json(value) == value


def test_text_under_the_name_of_a_token_goes_also_from_a_list() -> None:
    gone = "[redacted:password]"
    assert EVERYTHING.json({"token": "x"}) == {"token": gone}
    assert EVERYTHING.json({"token": ["x", 1]}) == {"token": [gone, 1]}


@pytest.mark.parametrize("value", [None, "", 0, True, False, [], {}])
def test_nothing_under_the_name_of_a_secret_stays_nothing(value: object) -> None:
    assert EVERYTHING.json({"api_key": value}) == {"api_key": value}


@pytest.mark.parametrize("scheme", ["Bearer ", "token ", "", "AWS4-HMAC-SHA256 "])
def test_an_authorization_of_any_scheme_goes(scheme: str) -> None:
    text = f'{{"Authorization": "{scheme}n0t-a!token#of-ours"}}'
    assert "n0t-a" not in EVERYTHING.text(text)


PARAMETERS = [
    (
        "AWS4-HMAC-SHA256 Credential=AK1/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=fe5f80f77d5fa3beca038a248ff027d0"
    ),
    'Digest username="Muf4sa", realm="x", nc=00000001, response="6629fae49393a05397450978507c4ef1"',
    'Hawk id="dh37fgj492je", ts="1353832234", mac="6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE="',
    'OAuth oauth_token="nnch734d00sl2jdk",oauth_signature="wOJIO9A2W5mFwDgiDvZbTSMK%2FPY%3D"',
    'Signature keyId="rsa-key-1",algorithm="hs2019",signature="Base64(c2lnbmF0dXJl)"',
]


@pytest.mark.parametrize("value", PARAMETERS, ids=lambda text: text[:6])
def test_an_authorization_goes_with_all_its_parameters(value: str) -> None:
    scheme = value.partition(" ")[0]
    gone = f"{scheme} [redacted:authorization]"
    for before, after in (
        ("Authorization: ", "\nHost: a"),
        ("curl -H 'Authorization: ", "' https://example.org"),
        ("{'Authorization': '", "'}"),
    ):
        assert EVERYTHING.text(before + value + after) == before + gone + after
    dumped = json.dumps({"Authorization": value})
    assert EVERYTHING.text(dumped) == json.dumps({"Authorization": gone})


def test_the_application_adds_patterns_and_functions_of_its_own() -> None:
    redactor = Redactor((), [r"EMP-\d+", lambda text: text.replace("Bern", "a city")])
    assert redactor.text("EMP-123 lives in Bern") == "[redacted:custom] lives in a city"


PROSE = (
    "The agent read 14 pages (3.5 MB) on 2026-11-23 at 10:30:45: see https://example.org/a?b=1. "
    "It then asked: what changed between v1.2.3 and v1.3.0, and why did p95 go from 240 ms to "
    "1,312 ms? The fingerprint fp_44709d6fcb had changed; total cost was $0.0123. "
)


@pytest.mark.parametrize(
    "text",
    [
        PROSE * 40,
        "a" * 16_384,
        "a-" * 8_192,
        "1 " * 8_192,
        "1.2." * 4_096,
        "a:" * 8_192,
        "::" * 8_192,
        "sk-" * 5_000,
        "eyJ" * 5_000,
        "a@" * 8_192,
        "AB12 " * 3_000,
        "+1 (2) " * 2_000,
        "token=" * 2_700,
        "-----BEGIN PRIVATE KEY-----" * 600,
        "bearer " * 2_300,
        "authorization: " * 1_100,
        "authorization: a 1" * 900,
        "authorization: a b=1, " * 700,
        'authorization: a b="' * 800,
        "authorization: a " + "a=" * 8_000,
        "://a:" * 3_200,
    ],
    ids=lambda text: text[:12],
)
def test_no_text_takes_long_even_if_it_is_made_to(text: str) -> None:
    # tests/bench measures; here a hundred times the usual would be a pattern gone wild.
    assert min(_seconds(text) for _ in range(3)) < 0.01 * len(text) / 1024


def _seconds(text: str) -> float:
    start = time.thread_time()
    EVERYTHING.text(text)
    return time.thread_time() - start
