"""The rules of redaction: which characters are a secret, or tell who somebody is.

A rule is a regular expression behind a gate: text without any of the gate's literal strings costs
one substring search. Quantifiers are bounded, so that no text takes long, and a pattern begins
with a character, not with a look behind it, so that the engine can skip to where it may match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Rule(NamedTuple):
    """`pattern` finds a `kind`; its group `secret`, or else all of it, is what goes."""

    kind: str
    gate: tuple[str, ...]
    pattern: str
    check: Callable[[str, int, str], bool] | None = None
    """Given the match, where it starts and the whole text: is it one?"""
    any_case: bool = False
    """Gate and pattern are lower case and see the text in lower case."""


def _mixed(match: str, _start: int, _text: str) -> bool:
    hexadecimal = sum(char in "0123456789abcdef" for char in match)
    return any(map(str.isdigit, match)) and (match.lower() != match or hexadecimal >= 32)  # noqa: PLR2004


def _has_digit(match: str, _start: int, _text: str) -> bool:
    return any(map(str.isdigit, match))


def _luhn(match: str, _start: int, _text: str) -> bool:
    digits = [int(digit) for digit in match if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


_IBAN_COUNTRIES: Final = (
    "AD AE AL AT AZ BA BE BG BH BI BR BY CH CR CY CZ DE DJ DK DO EE EG ES FI FK FO FR GB GE GI GL "
    "GR GT HN HR HU IE IL IQ IS IT JO KW KZ LB LC LI LT LU LV LY MC MD ME MK MN MR MT MU NI NL NO "
    "OM PK PL PS PT QA RO RS RU SA SC SD SE SI SK SM SO ST SV TL TN TR UA VA VG XK YE"
)


def _iban(match: str, _start: int, _text: str) -> bool:
    code = match.replace(" ", "")
    if code[:2] not in _IBAN_COUNTRIES:
        return False
    # ISO 13616: the first four characters go last, letters count from 10.
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97 == 1


def _ipv4(match: str, start: int, text: str) -> bool:
    before = text[max(0, start - 9) : start].lower().rstrip()
    is_version = before.endswith(("version", "release", "v", "v."))
    own = match.startswith("127.") or match == "0.0.0.0"  # noqa: S104 - nothing is bound
    return not is_version and not own and all(int(part) <= 255 for part in match.split("."))  # noqa: PLR2004


def _ipv6(match: str, _start: int, _text: str) -> bool:
    if match.count("::") > 1 or ":::" in match or not any(map(str.isdigit, match)):
        return False
    groups = [group for group in match.split(":") if group]
    if any(len(group) > 4 for group in groups):  # noqa: PLR2004 - RFC 4291
        return False
    return len(groups) == 8 or ("::" in match and 3 <= len(groups) < 8)  # noqa: PLR2004 - RFC 4291


def _email(match: str, _start: int, _text: str) -> bool:
    return not match.startswith("git@")  # the address of a repository, not of a person


def _phone(match: str, _start: int, _text: str) -> bool:
    return 8 <= sum(map(str.isdigit, match)) <= 15  # noqa: PLR2004 - E.164


# No word before it is asked for: DB_PASSWORD and aws_secret_access_key end like this, too.
_NAME: Final = (
    r"password|passwd|passphrase|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|api[_-]?key|access[_-]?key"
    r"|auth[_-]?key|private[_-]?key|credentials?|token|cookie"
)
SENSITIVE_NAME: Final = rf"(?:{_NAME}|authorization)"
_NAME_GATE: Final = ("pass", "pwd", "secret", "key", "credential", "token", "cookie")
# A value in code (`getpass(...)`, `settings.password`) is none: it is called, indexed, or a name.
_VALUE: Final = r"(?=[^\s\"'`\\]{0,512}[^a-z._\s\"'`\\])[^\s\"'`\\&;,<>{}()\[\]$]{6,512}+(?![(\[])"
# What follows is the scheme, if there is one, and what it takes: a word, or parameters.
_AUTHORIZATION: Final = r"authorization\\{0,3}[\"']?\s{0,8}[:=]\s{0,8}\\{0,3}[\"']?"
_PARAMETER: Final = (
    r"[a-z][\w-]{0,31} {0,2}= {0,2}(?:\\{0,3}\"[^\"\r\n]{0,2048}\"|[^\s\"',\\]{0,2048})"
)
_BASE64: Final = r"[a-z0-9._~+/-]"

SECRETS: Final = (
    Rule(
        "private_key",
        ("PRIVATE KEY-----",),
        (
            r"(?s)-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----"
            r"(?:(?!-----END ).){0,65536}(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----)?"
        ),
    ),
    Rule("jwt", ("eyJ",), (r"\beyJ[\w-]{8,8192}\.[\w-]{4,16384}\.[\w-]{4,2048}")),
    Rule("url_password", ("://",), (r"://[^\s/:@]{0,128}:(?P<secret>[^\s/@]{1,256})@")),
    Rule("api_key", ("sk-",), (r"sk-(?<![\w-]sk-)[\w-]{20,512}"), _mixed),
    Rule(
        "api_key",
        ("sk_", "rk_", "xai-", "SG.", "npm_", "pypi-", ":AA", "whsec_"),
        (
            r"\b(?:(?:[sr]k_(?:live|test)|gsk|whsec)_\w{16,512}|xai-\w{32,512}"
            r"|SG\.[\w-]{16,64}\.[\w-]{16,128}|npm_\w{36}|pypi-[\w-]{32,1024}"
            r"|\d{8,10}:AA[\w-]{30,40})"
        ),
    ),
    Rule(
        "aws_key",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
        (r"\bA(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}\b"),
    ),
    Rule(
        "google_key",
        ("AIza", "ya29.", "GOCSPX-"),
        (r"\b(?:AIza[\w-]{35}|ya29\.[\w-]{20,2048}|GOCSPX-[\w-]{20,64})"),
    ),
    Rule("hf_token", ("hf_",), (r"\bhf_[A-Za-z0-9]{30,64}\b")),
    Rule(
        "github_token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        (r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{36,255})"),
    ),
    Rule("gitlab_token", ("glpat-",), (r"\bglpat-[\w-]{20,64}")),
    Rule(
        "slack_token",
        ("xox", "xapp-", "hooks.slack.com"),
        (
            r"\b(?:xox[abeoprs]-[\w-]{10,512}|xapp-[\w-]{10,512}"
            r"|https://hooks\.slack\.com/(?:services|workflows)/[\w/]{10,256})"
        ),
    ),
    Rule(
        "bearer",
        ("bearer", "basic"),
        (
            rf"(?:bearer|basic)\s{{1,8}}(?P<secret>(?={_BASE64}{{0,512}}[\d=]){_BASE64}{{12,8192}}={{0,2}})"
        ),
        any_case=True,
    ),
    Rule(
        "authorization",
        ("authorization",),
        (
            rf"{_AUTHORIZATION}[a-z0-9-]{{1,32}} {{1,8}}"
            rf"(?P<secret>{_PARAMETER}(?:(?:[,;]\s{{0,8}}| {{1,8}}){_PARAMETER}){{0,32}})"
        ),
        _has_digit,
        any_case=True,
    ),
    Rule(
        "authorization",
        ("authorization",),
        (
            rf"{_AUTHORIZATION}(?![\w.]{{1,64}}\(|[^\s]{{1,40}} {{1,8}}\[redacted:)"
            r"(?:[a-z0-9-]{1,32} {1,8})?"
            r"(?P<secret>(?=[^\s\"'\\,]{0,512}(?:[\d!#+~]|=(?![a-z])))[^\s\"'\\,\[]{6,8192})"
        ),
        any_case=True,
    ),
    Rule(
        "cookie",
        ("cookie:",),
        (r"cookie:[ \t]{0,8}(?P<secret>[^\s\"'][^\r\n\"']{3,8192})"),
        any_case=True,
    ),
    Rule(
        "password",
        _NAME_GATE,
        (rf"(?:{_NAME})\\{{0,3}}[\"']?\s{{0,8}}[:=]\s{{0,8}}\\{{0,3}}[\"']?(?P<secret>{_VALUE})"),
        any_case=True,
    ),
)
"""What gives access. Applied to tags and error text under every policy that writes them."""

_DIGITS: Final = tuple("0123456789")

PERSONAL: Final = (
    Rule(
        "email",
        ("@",),
        (
            r"[\w.+-](?<![\w.+-].)[\w.+-]{0,63}@(?!\dx\.)[A-Za-z0-9-]{1,63}"
            r"(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}\b"
        ),
        _email,
    ),
    Rule(
        "iban",
        _DIGITS,
        (r"[A-Z](?<![A-Za-z0-9].)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        _iban,
    ),
    Rule(
        "card",
        ("4", "5", "2", "6"),
        (r"[2456](?<![\w.+-].)\d{3}(?:[ -]?\d{4}){3}(?:\d{3})?(?![\w-])"),
        _luhn,
    ),
    Rule(
        "card",
        ("34", "37"),
        (r"3(?<![\w.+-].)[47]\d{2}[ -]?\d{6}[ -]?\d{5}(?![\w-])"),
        _luhn,
    ),
    Rule(
        "phone",
        ("+",),
        (r"\+(?<![\w.+-].)\d{1,3}(?:[ .-]?\(?\d{1,5}\)?){2,6}(?![\w-])"),
        _phone,
    ),
    Rule("phone", ("(",), (r"\((?<![\w.+-].)\d{3}\) ?\d{3}[-. ]\d{4}(?![\w-])")),
    Rule(
        "phone",
        ("-", "."),
        (r"\d(?<![\w.+-].)\d{2}([-.])\d{3}\1\d{4}(?![\w-])"),
    ),
    Rule(
        "ip",
        (".",),
        (r"\d(?<![\w.-].)\d{0,2}(?:\.\d{1,3}){3}(?![\w-]|\.\w)"),
        _ipv4,
    ),
    Rule(
        "ip",
        (":",),
        (r"[0-9A-Fa-f:](?<![\w:.].)[0-9A-Fa-f:]{5,38}(?![\w:])"),
        _ipv6,
    ),
)
"""What tells who somebody is. Applied, with SECRETS, to content under the policy `redacted`."""
