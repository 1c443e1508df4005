"""Secrets go, everything else stays: measured on a corpus written before the rules."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import pytest

from llmlog._redaction.redactor import PERSONAL, SECRETS, Redactor

HERE = Path(__file__).parent
EVERYTHING = Redactor((*SECRETS, *PERSONAL))


def lines(name: str) -> list[str]:
    texts = (HERE / name).read_text().splitlines()
    escapes = {r"\n": "\n", r"\\": "\\"}
    return [
        re.sub(r"\\[n\\]", lambda escape: escapes[escape.group()], text)
        for text in texts
        if not text.startswith("# ")
    ]


def fake_secrets() -> list[tuple[str, str, str]]:
    """(kind, text, the secret in it)."""
    found: list[tuple[str, str, str]] = []
    for line in lines("corpus_secrets.tsv"):
        kind, _, text = line.replace("·", "").partition("\t")
        secret = text[text.index("⟦") + 1 : text.index("⟧")]
        found.append((kind, text.replace("⟦", "").replace("⟧", ""), secret))
    return found


def test_the_corpus_is_large_enough() -> None:
    assert len(fake_secrets()) >= 500
    assert len({kind for kind, _, _ in fake_secrets()}) >= 100
    assert len(lines("corpus_harmless.txt")) >= 700


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


REPEATED = [
    "a", "a-", "1 ", "1.2.", "a:", "::", "sk-", "eyJ", "-eyJ", "a@", "AB12 ", "+1 (2) ", "token=",
    "A_KEY=", "-----BEGIN PRIVATE KEY-----", "bearer ", "authorization: ", "authorization: a 1",
    "authorization: a b=1, ", 'authorization: a b="', "a=", "://a:", "password", "password: ",
    "password: a ", 'password="', "password='a\\", "passwords: [", "passwords:\n- a", "%41", "%41 ",
    "&#65;", "\\u0041", "key ", "cookie: a=b; ", "(0", "0 ", "((((", "+", "1-", "\\", '"',
    "name value ", "password>a", " -u a:", "?sig=a", "bot1:", "data:;base64,AAAA", "A" * 79 + "\n",
    "Aa1/", "GB29 ABCD ", "a (at) b (dot) ", "mysql -p", "$6$", "code is ", "call 1 ", "1.2.3.4 ",
    "PuTTY-User-Key-File-2: a", "2001:", "İ", '"token": [', "password is a b c d ",
    "password for a ", "password of a b c d ", "password: a ", "password {", "code of a ",
    "echo a | ", " is the password", "a / ", '("', "<x name=a>", "token: a = ", "secret to ",
]  # fmt: skip


def calls_for(text: str) -> int:
    """How many functions of Python and C redaction calls for `text`, patterns included."""
    count = 0

    def counted(_frame: object, event: str, _of: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(counted)
    try:
        EVERYTHING.text(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", REPEATED, ids=lambda unit: repr(unit)[1:13])
def test_the_work_grows_as_the_text_does(unit: str) -> None:
    EVERYTHING.text(unit * 10)  # compiles patterns
    few, many = (calls_for(unit * (size // len(unit))) for size in (17_000, 34_000))
    assert many <= 2.5 * few


@pytest.mark.parametrize("unit", REPEATED, ids=lambda unit: repr(unit)[1:13])
def test_a_pattern_that_went_wild_would_not_come_to_an_end(unit: str) -> None:
    def give_up(_signal: int, _frame: object) -> None:
        pytest.fail("a pattern takes far longer than its text is long")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    try:
        EVERYTHING.text(unit * (64_000 // len(unit)))
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_a_letter_that_is_two_in_lower_case_switches_no_rule_off() -> None:
    given = "İ Bearer abcdef0123456789 and DB_PASS=hunter2 of jane@example.com"
    redacted = "İ Bearer [redacted:bearer] and DB_PASS=[redacted:password] of [redacted:email]"
    assert EVERYTHING.text(given) == redacted


def test_of_a_word_with_escapes_only_the_secret_goes() -> None:
    text = "https://example.org/?to=jane%40example.com&x=%31"
    assert EVERYTHING.text(text) == "https://example.org/?to=[redacted:email]&x=%31"
