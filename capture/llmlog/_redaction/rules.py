"""The rules of redaction: secrets, which give access, and personal data.

A rule takes a text and yields what it finds. All rules see the same text, so their order decides
only which kind is named where two find the same characters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Final

from llmlog._redaction.commands import COMMANDS
from llmlog._redaction.named import named_secrets
from llmlog._redaction.numbers import numbers
from llmlog._redaction.personal import emails, ibans, ipv6_addresses
from llmlog._redaction.prefixes import prefixed_keys
from llmlog._redaction.text import Found, PatternRule, Rule, Text, compiled
from llmlog._redaction.values import (
    is_long_random,
    is_placeholder,
    is_preference,
    is_random,
    is_reference,
)


def _has_digit(match: str, _start: int, _text: str) -> bool:
    return any(map(str.isdigit, match))


def _is_authorization(match: str, _start: int, _text: str) -> bool:
    # A list of headers, or code.
    is_name = re.match(r"[a-z]+(?:-[a-z0-9]+)+\Z|authorization\b", match) is not None
    return not is_name and not is_placeholder(match)


_LONG_WORD: Final = 24
_SHORTEST_BEARER: Final = 12


def _is_bearer(match: str, start: int, text: str) -> bool:
    """Whether a word after a scheme's name is its credential, not prose."""
    before = text[max(0, start - 48) : start].lower()
    if is_placeholder(match) or "://" in match:
        return False
    is_header = re.search(r"authorization\W{1,8}(?:[a-z-]{1,16}\W{1,3})?\Z", before) is not None
    if is_header or _is_basic(match):
        return True
    has_digit = any(map(str.isdigit, match))
    if "bearer" in before[-16:]:
        is_long = len(match) >= _LONG_WORD and "-" not in match and "/" not in match
        return (len(match) >= _SHORTEST_BEARER and (has_digit or "=" in match)) or is_long
    return "basic" not in before[-14:] and len(match) >= _LONG_WORD and has_digit


def _is_basic(match: str) -> bool:
    try:
        return b":" in base64.b64decode(match, validate=True)
    except (binascii.Error, ValueError):
        return False


def _is_cookie(match: str, start: int, text: str) -> bool:
    if is_preference(match):
        return False
    values = [pair.partition("=")[2] for pair in match.split(";")]
    if any(is_random(value, is_quoted=True) or len(value) >= _SHORTEST_BEARER for value in values):
        return "[redacted:" not in match
    before = text[max(0, start - 16) : start]
    return re.search(r"(?:\A|[\n\"'>])\s*(?:set-)?cookie: ?\Z", before, re.IGNORECASE) is not None


def _is_url_password(match: str, _start: int, _text: str) -> bool:
    # A port, and a path with a sign of its own: https://example.org:443/@name.
    is_port = re.match(r"\d{1,5}/", match) is not None
    is_example = re.fullmatch(r"(?i)(?:your_?)?(?:pass(?:word|wd)?|pwd)", match) is not None
    return not (is_port or is_example or is_reference(match))


def _is_query_secret(match: str, _start: int, _text: str) -> bool:
    if is_placeholder(match):
        return False
    return any(map(str.isdigit, match)) or len(match) >= _LONG_WORD


_CODE_BEFORE: Final = (
    r"(?i)(?:\b(?:otp|pin[_-]?code|cvv2?|cvc2?)|(?:verification|security|one-time|2fa|two-factor|mfa|auth|login|"
    r"authentication|access|confirmation|sms|pass|backup|recovery|temporary|"
    r"alarm|door|gate|activation|unlock)[ -]?code|"
    r"\b(?:my|your|card|atm) pin|"
    r"(?:einmal|bestätigungs|verifizierungs|sicherheits|verificatie)code|"
    r"code (?:de (?:vérification|confirmation|sécurité)|secret|pin)|"
    r"código de (?:verificación|confirmación|verificação|seguridad|segurança)|"
    r"codice di (?:verifica|sicurezza)|\b(?:mein|ihr|dein|mi|tu|su|mon|votre|mio|tuo) pin|"
    r"код подтверждения|验证码|驗證碼|認証コード|인증번호)"
)
_CODE_WORDS: Final = (
    "cod", "otp", "pin", "cv", "код", "验证码", "驗證碼", "認証コード",
    "인증번호",
)  # fmt: skip
_CODE_NAME: Final = (
    r"(?:code(?: secret)?(?=\W(?!\d{3}\b))|pin(?= ?[^\d ])|(?:otp|cvv2?|cvc2?)(?=\W)|"
    r"código|codice|[^a-z\W\d]{2,6})"
    r"(?: (?:de|di|for|of|für|pour|para)(?: [^\W\d_]{2,16}){1,3}?| подтверждения)?"
)
_CODE_VERB: Final = (
    r"(?: (?:is|was|ist|lautet|est|es|è|é)\b|[は是为為는은])?[\"']? ?[:=：]? {0,2}[\"']?"
)


def _is_one_time_code(_match: str, start: int, text: str) -> bool:
    before = text[max(0, start - 40) : start]
    return (
        compiled(_CODE_BEFORE).search(before) is not None
        or re.search(r"\bPIN\W", before) is not None
    )


_STATED: Final = (
    " is your ",
    " is my ",
    " is our ",
    " is the ",
    " as your ",
)
_NAME_AFTER: Final = (
    r" \w{2,3} \w{2,5} (?:[\w-]{1,24} ){0,3}?"
    r"(?:(?P<code>\w{0,16}code|otp|pin)|"
    r"(?P<password>pass(?:word|phrase|wort)|kennwort|mot de passe)|"
    r"(?:api|secret|access) (?:key|token))\b"
)


def stated_before_name(text: Text) -> Iterator[Found]:
    """Yield secrets in front of their name: `482913 is your code`, `… is the password`."""
    for stated in _STATED:
        at = text.lower.find(stated)
        while at >= 0:
            name = compiled(_NAME_AFTER).match(text.lower, at)
            word = compiled(r"[^\s\"'`]{4,128}").match(text.text[max(0, at - 128) : at][::-1])
            if name and word and _is_stated(word.group()[::-1], name.lastgroup):
                yield Found(at - word.end(), at, "one_time_code" if name["code"] else "password")
            at = text.lower.find(stated, at + len(stated))


def _is_stated(value: str, kind: str | None) -> bool:
    if kind == "code":
        return re.fullmatch(r"(?:G-)?\d{4,8}", value) is not None
    return is_random(value) if kind == "password" else is_long_random(value)


# What follows is the scheme, if there is one, and what it takes: a word, or parameters.
_AUTHORIZATION: Final = r"authorization\\{0,3}[\"']?\s{0,8}[:=,]\s{0,8}\\{0,3}[\"']?"
_PARAMETER: Final = (
    r"[a-z][\w-]{0,31} {0,2}= {0,2}(?:\\{0,3}\"[^\"\r\n]{0,2048}\"|[^\s\"',\\]{0,2048})"
)
_WORD: Final = r"[a-z0-9._~+/-]"
_COOKIE: Final = r"[\w!#$%&*.^`|~+-]{1,128}=[^\s\"'\\;]{1,4096}"

SECRETS: Final[tuple[Rule, ...]] = (
    PatternRule(
        "private_key",
        ("-----BEGIN ", "---- BEGIN SSH2 ENCRYPTED", "PuTTY-User-Key-File"),
        (
            r"(?s)(?:-----BEGIN (?:[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?|PGP MESSAGE)-----"
            # Not in prose or code about it.
            r"(?![\"'`)\],:.]{0,4}(?:\s{1,2}[a-z]{1,12}\b(?![+/=])|[)\]:]))"
            r"(?:(?!-----END ).){0,65536}(?:-----END [A-Z0-9 ]{0,40}-----)?"
            r"|---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----(?:(?!---- END ).){0,65536}"
            r"|PuTTY-User-Key-File-\d: (?:(?!Private-MAC).){0,16384}"
            r"(?:Private-MAC: [0-9a-f]{1,128})?)"
        ),
    ),
    PatternRule("private_key", ('"d"',), r'"d"\s{0,4}:\s{0,4}"(?P<secret>[\w-]{43,1024})"'),
    PatternRule(
        "url_password",
        ("://",),
        (
            r"://[^\s/:@\"'<>?#]{0,128}:(?P<secret>[^\s\"'<>@]{1,256}(?:@[^\s\"'<>@/]{1,64}){0,2}?)@"
            r"(?=[\w.\[:%$({-]{1,255})(?![^\s\"'<>@/]{0,64}@)"
        ),
        _is_url_password,
    ),
    PatternRule(
        "url_password", ("://",), r"://(?P<secret>[A-Za-z0-9_-]{16,256})@[\w.-]{3,}", _has_digit
    ),
    PatternRule(
        "webhook_url",
        (
            "hooks.",
            "/api/webhooks/",
            ".webhook.office.com/",
            "maker.ifttt.com/",
            "hook.",
            "/webhookb2/",
            "open.feishu.cn/",
        ),
        (
            r"(?:hooks\.slack\.com/(?:services|workflows|triggers)/[\w/-]{10,256}"
            r"|/api/webhooks/\d{5,24}/[\w-]{20,128}"
            r"|\.webhook\.office\.com/[\w/@.-]{20,512}|/webhookb2/[\w/@.-]{20,512}"
            r"|hooks\.zapier\.com/hooks/catch/[\w/-]{6,128}"
            r"|maker\.ifttt\.com/trigger/[\w-]{1,64}/(?:json/)?with/key/[\w-]{10,64}"
            r"|hook\.\w\w\d\.make\.com/\w{20,64}"
            r"|open\.feishu\.cn/open-apis/bot/v2/hook/[\w-]{20,64})"
        ),
    ),
    prefixed_keys,
    PatternRule(
        "bearer",
        ("bearer", "basic", "apikey ", "api-key ", "token "),
        rf"(?:bearer|basic|apikey|api-key|token)(?:\s|%20|\+|:){{1,8}}(?P<secret>{_WORD}{{8,8192}}={{0,2}})",
        _is_bearer,
        any_case=True,
    ),
    PatternRule(
        "authorization",
        ("authorization",),
        (
            rf"{_AUTHORIZATION}[a-z0-9-]{{1,32}} {{1,8}}"
            rf"(?P<secret>{_PARAMETER}(?:(?:[,;]\s{{0,8}}| {{1,8}}){_PARAMETER}){{0,32}})"
        ),
        _has_digit,
        any_case=True,
    ),
    PatternRule(
        "authorization",
        ("authorization",),
        (
            rf"{_AUTHORIZATION}(?![\w.]{{1,64}}\(|[^\s]{{1,40}} {{1,8}}\[redacted:)"
            r"(?:[a-z0-9-]{1,32} {1,8})?"
            r"(?P<secret>(?=[^\s\"'\\,]{0,512}(?:[\d!#+~]|=(?![a-z])))[^\s\"'\\,\[]{6,8192})"
        ),
        _is_authorization,
        any_case=True,
    ),
    PatternRule(
        "cookie",
        ("cookie", " -b "),
        (
            r"(?:cookie| -b)\\{0,3}[\"']?\s{0,4}[:=, ]\s{0,8}\\{0,3}[\"']?"
            rf"(?P<secret>{_COOKIE}(?:; ?[^\s\"'\\;]{{1,4096}}){{0,64}})"
        ),
        _is_cookie,
        any_case=True,
    ),
    PatternRule(
        "signature",
        ("?", "&", ";", "#"),
        (
            r"[?&;#](?:amp;)?(?:appid(?==[0-9a-f]{32})|sig|signature|x-(?:amz|goog|oss|cos|obs|bz)-(?:signature|credential|security-token)|"
            r"awsaccesskeyid|googleaccessid|key|api[_-]?key|apikey|code|auth|[a-z_-]{0,24}token|hmac|hash|ticket|"
            r"sid|sess(?:ion)?(?:id)?|jwt|assertion|secret|client_secret|pwd|pass(?:word)?|policy|subscription-key)="
            r"(?P<secret>[^\s&#\"'<>\\]{6,4096})"
        ),
        _is_query_secret,
        any_case=True,
    ),
    *COMMANDS,
    PatternRule(
        "one_time_code",
        _CODE_WORDS,
        rf"{_CODE_NAME}{_CODE_VERB}(?P<secret>\d{{3,4}}[ -]\d{{3,4}}|\d{{3,8}})(?![a-z\d]|[.-]\d)",
        _is_one_time_code,
        any_case=True,
    ),
    stated_before_name,
    named_secrets,
)
"""Rules for all that gives access; tags and error texts pass them under every policy."""


PERSONAL: Final[tuple[Rule, ...]] = (
    emails,
    ibans,
    numbers,
    ipv6_addresses,
    PatternRule(
        "account",
        ("passport", "account"),
        (
            r"(?:passport|account(?=[ _]?n))[ _]?(?:number|no\.?|nr\.?)?[\"']?"
            r"(?: is|\s{0,2}[:=#])\s{0,2}[\"']?(?P<secret>[a-z]{0,2}\d{6,17})(?!\w)"
        ),
        any_case=True,
    ),
)
"""Rules for personal data; content passes them, and SECRETS, under the policy `redacted`."""
