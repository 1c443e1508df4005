"""Names of secrets, such as `DB_PASS` or `X-Api-Key`, and values that are none under them."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final, Literal, TypeAlias, cast

from llmlog._redact_text import compiled

Category: TypeAlias = Literal[
    "password", "key", "credentials", "token", "cookie", "authorization", "maybe"
]
"""How sure a name is: any text under `password` is a secret, under `maybe` only a random one."""

_NAMES: Final[dict[Category, str]] = {
    "password": (
        r"pass(?:word|wd|wrd|phrase|code|wort)s?|\bpasse|pwds?|^(?:pass|pw|psw|pswd)|\b(?:pass|pw|psw|pswd)|"
        r"(?:db|user|my|smtp|mail|root|admin|ftp|ldap|sudo|imap|redis|mysql|pg)(?:pass|pw)|"
        r"mnemonic|(?:seed|mnemonic|recovery)phrase|kennw(?:o|ö)rt|contrase(?:n|ñ)a|senha|motdepasse|парол[ья]|密码|密碼|パスワード|비밀번호|requirepass"
    ),
    "key": (
        r"secrets?|(?:api|app|access|secret|private|auth|encryption|encrypt|decryption|signing|account|"
        r"master|storage|shared|ssh|license|service|admin|deploy|subscription|functions?|consumer|"
        r"webhook|hmac|client|ingest|instrumentation|pgp|gpg|wallet|recovery|tls|ssl|crypto|cipher|"
        r"aes|rsa|jwt|write|openai|anthropic|mistral|gemini|groq|cohere|stripe|sendgrid|twilio|"
        r"mailgun|algolia|datadog|newrelic|segment|maps|aws|azure|gcp)keys?|secretkeybase|"
        r"\b(?:dsn|jwt|otp|totp)|connectionstring|connstr|(?:recovery|backup)codes?|"
        r"securityanswer"
    ),
    "credentials": r"\bcreds?|credentials?|login(?:data|details|info)",
    "token": r"tokens?|\b(?:auth|sig|bearer)|(?:x|proxy|basic|http)auth",
    "cookie": r"cookies?|phpsessid|jsessionid|aspnetsessionid|connectsid|sessid",
    "authorization": r"authorization",
}
_QUALIFIER: Final = (
    r"(?:\d{1,3}|v\d|prod(?:uction)?|dev(?:elopment)?|staging|test(?:ing)?|live|old|new|current|"
    r"confirm(?:ation)?|again|repeat|value|plain(?:text)?|raw|b64|base64|primary|secondary|"
    r"default|admin|root|user|db|main|backup|github|gitlab|slack|aws|openai|stripe)"
)
_SENSITIVE: Final = (
    "(?:"
    + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _NAMES.items())
    + rf")(?: ?{_QUALIFIER})?\Z"
)
# Tokens of language models and of pages, switches, and keys that are known to everyone.
_HARMLESS: Final = (
    r"\b(?:pad|bos|eos|unk|sep|cls|mask|stop|start|end|begin|special|image|audio|video|next|prev|"
    r"previous|per|max|min|num|page|pagination|continuation|prompt|completion|thinking|extra) tokens?\Z|"
    r"\A(?:has|is|uses?|enable|allow|show|hide|skip|no|requires?|needs?|with|without|forgot|can|"
    r"should|must|invalid|missing|wrong|bad) |\bpublic "
)
_LONGEST_NAME: Final = 128


@functools.lru_cache(maxsize=1024)
def category(name: str) -> Category | None:
    """Return how sure `name` names a secret; None if it does not."""
    if len(name) > _LONGEST_NAME:
        return None
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^\w]+|_+", " ", name)
    words = words.lower().strip()
    if compiled(_HARMLESS).search(words):
        return None
    # Once with its words apart, as `pass` must be one, and once joined, as in `ApiKey`.
    for form in (words, words.replace(" ", "")):
        if match := compiled(_SENSITIVE).search(form):
            return cast("Category", match.lastgroup)
    # Of an environment variable: DEEPGRAM_KEY.
    return "maybe" if name.isupper() and words.endswith(" key") else None


_PLACEHOLDER: Final = (
    r"(?i)[<\[{(]?(?:\$|%[sd(]|\{\{|<|\[redacted|\*{3}|x{3,}\Z|\.{3}|…|•{3}|_{3}|#\{|@\w+\Z|:\w+\Z|\?\Z|"
    r"(?:your|insert|replace|change|enter|put|add|example|sample|dummy|fake|todo|tbd|placeholder|"
    r"redacted|hidden|masked)(?:[-_ ]|me\b|\Z)|(?:my|the|some|any)(?:[-_]|\Z)|[^\s]{0,16}\.{3}\Z|"
    r"(?:null|none|nil|undefined|true|false|yes|no|n/a|empty|unset|unknown|void|string|str|text|int|"
    r"integer|number|float|bool|boolean|bytes|object|array|any|required|optional|default|secretstr|"
    r"invalid|expired|missing|incorrect|wrong|valid|disabled|enabled|revoked)(?:[\])}>,;:.|].*)?\Z|"
    r"\[[\w^\\].{0,64}\][*+{]|\(\?|"
    r"urn:|process\.env|os\.|env\.|getenv|config\.|settings\.|self\.|vault:|secrets?\.|ref\+|arn:aws:secrets)"
)
# A label or a sentence about a secret.
_LABEL: Final = (
    r"(?i)\b(?:enter|your|must|required|requires|forgot|forgotten|invalid|incorrect|password|passwort|"
    r"passphrase|tokens?|api key|secrets?|credentials?|characters|should|cannot)\b"
)


def is_placeholder(value: str) -> bool:
    """Whether `value` stands for a secret: `<token>`, `${TOKEN}`, `your-key`, or its type."""
    return compiled(_PLACEHOLDER).match(value.strip("\"'` ")) is not None


def is_secret_name(value: str) -> bool:
    """Whether `value` is itself a name, as in {"account-key": "AZURE_STORAGE_ACCOUNT_KEY"}."""
    is_name = compiled(r"[A-Za-z]+(?:[._-][A-Za-z]+)+\Z").match(value) is not None
    return is_name and category(value) is not None


def is_reference(value: str) -> bool:
    """Whether `value` is filled in elsewhere: `${PASSWORD}`, `<password>`, `***`."""
    return compiled(r"[<\[{(]?(?:\$|%s|%\(|\{|<|\[redacted|\*{3})").match(value) is not None


def is_label(value: str) -> bool:
    """Whether `value` is a phrase about a secret, such as `Enter your password`."""
    return " " in value and compiled(_LABEL).search(value) is not None


_TECHNICAL: Final = (
    r"(?i)(?:base\d\d|sha-?\d|md5|utf-?\d|oauth|rsa|aes|http|bcrypt|scrypt|argon2|pbkdf2|ed25519|"
    r"x\.?509|iso-?\d|rfc|ipv[46]|[iuf]\d+\Z|u?int\d|float\d|bytes?\d|v\d|var|char|p256|hs\d|rs\d|es\d|"
    r"python\d|\d+[-+x]?(?:bits?|bytes?|chars?|characters?|days?|hours?|mins?|hrs?|h|s|ms|k|m|d|th|st|nd|rd)?\Z|"
    r"\d+(?:-[a-z]+){1,3}\Z)"
)
# An expression of code: a dotted name, a name that says what it holds, a type.
_CODE: Final = (
    r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|(?:\w*_)?(?:password|passwd|pwd|pass|token|secret|key|value|"
    r"credentials?|cookie)s?_?\d{0,2}|[A-Za-z]\w*\()\Z"
)


def is_random(value: str, *, is_quoted: bool = False) -> bool:
    """Whether `value` is neither a word nor, where no quotes are around it, code."""
    value = value.rstrip(".,;:!?)")
    if compiled(_TECHNICAL).match(value) or (not is_quoted and compiled(_CODE).match(value)):
        return False
    changes = sum(one.isupper() != two.isupper() for one, two in pairwise(value))
    if value.isalpha() and len(value) >= _LONG and changes >= _MANY * len(value):
        return True
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    return (has_digit and has_letter) or compiled(r".*[!@#$%^&*~+=?]").match(value) is not None


_LONG: Final = 20
_MANY: Final = 0.38
"""Minimum share of changes between small letters and capitals; names in code have fewer."""

_SCHEMA_TYPES: Final = frozenset(
    ["string", "object", "array", "integer", "number", "boolean", "null", "str", "text", "password"]
)
_SCHEMA_WORDS: Final = frozenset(["$ref", "anyOf", "oneOf", "allOf", "enum", "const", "not"])
_DESCRIPTION: Final = frozenset(
    "description title minLength maxLength minItems maxItems pattern format required nullable default "
    "example examples readOnly writeOnly label placeholder help widget minimum maximum deprecated".split()
)


def is_schema(value: object) -> bool:
    """Whether `value` is a JSON schema, which describes a secret and holds none."""
    if not isinstance(value, Mapping):
        return False
    schema = cast("Mapping[str, object]", value)
    kind = schema.get("type")
    kinds = cast("list[object]", kind) if isinstance(kind, list) else [kind]
    if any(isinstance(each, str) and each.lower() in _SCHEMA_TYPES for each in kinds):
        return True
    return not _SCHEMA_WORDS.isdisjoint(schema) or set(schema) <= _DESCRIPTION
