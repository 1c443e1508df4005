"""Names of secrets, such as `DB_PASS` or `X-Api-Key`, and JSON schemas that have such names."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, cast

from llmlog._redaction.text import compiled

Category: TypeAlias = Literal[
    "password", "key", "credentials", "token", "cookie", "authorization", "maybe"
]
"""Certainty of a secret's name.

Any text under `password` is a secret, under `maybe` only a random one.
"""

_NAMES: Final[dict[Category, str]] = {
    "password": (
        r"pass(?:word|wd|wrd|phrase|code|wort)s?|pwds?|\b(?:passe?|pw|psw|pswd)|"
        r"(?:db|user|my|smtp|mail|root|admin|ftp|ldap|sudo|imap|redis|mysql|pg|store|key)"
        r"(?:pass|pw)|\bmdp|"
        r"mnemonic|(?:seed|mnemonic|recovery)phrase|requirepass|kennw(?:o|ö)rt|contrase(?:n|ñ)a|senha|"
        r"motdepasse|wachtwoord|hasło|heslo|(?:l(?:o|ö)senord|passord)(?:et)?|adgangskoden?|parola|"
        r"şifre|clave ?(?:acceso|secreta)|katasandi|m(?:a|ậ)tkh(?:a|ẩ)u|"
        r"парол[ья]|密码|密碼|パスワード|비밀번호[는은]?"
    ),
    "key": (
        r"secrets?|(?:api|app|access|secret|private|auth|encryption|encrypt|decryption|signing|account|"
        r"master|storage|shared|ssh|license|service|admin|deploy|subscription|functions?|consumer|"
        r"webhook|hmac|client|ingest|instrumentation|pgp|gpg|wallet|recovery|tls|ssl|crypto|cipher|"
        r"aes|rsa|jwt|write|openai|anthropic|mistral|gemini|groq|cohere|stripe|sendgrid|twilio|"
        r"mailgun|algolia|datadog|newrelic|segment|maps|aws|azure|gcp)keys?|secretkeybase|"
        r"\b(?:dsn|jwt|t?otp)|(?:otp|mfa|2fa)(?:seed|secret)|connectionstring|connstr|(?:recovery|backup)codes?|"
        r"securityanswer|(?:amz|goog|oss|cos)(?:signature|credential)"
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
# Tokens of language models and of pages, switches, functions, and keys known to everyone.
_HARMLESS: Final = (
    r"\b(?:pad|bos|eos|unk|sep|cls|mask|stop|start|end|begin|special|image|audio|video|next|prev|"
    r"previous|per|max|min|num|page|pagination|continuation|prompt|completion|thinking|extra) "
    r"tokens?\Z|\bpublic |\A(?:has|is|uses?|enable|allow|show|hide|skip|no|requires?|needs?|with|"
    r"without|forgot|can|should|must|invalid|missing|wrong|bad|get|set(?! cookie)|fetch|create|"
    r"generate|make|validate|check|revoke|rotate|list|count|encode|decode|parse|update|delete|find|"
    r"search|hash|compare) "
)
_LONGEST_NAME: Final = 128


def words_of(name: str) -> str:
    """Return the words of a name in lower case: `DBPassword` is `db password`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^\w]+|_+", " ", name)
    return words.lower().strip()


@functools.lru_cache(maxsize=1024)
def category(name: str) -> Category | None:
    """Return how sure `name` names a secret; None if it does not."""
    if len(name) > _LONGEST_NAME:
        return None
    words = words_of(name)
    if compiled(_HARMLESS).search(words):
        return None
    # Once with its words apart, as `pass` must be one, and once joined, as in `ApiKey`.
    for form in (words, words.replace(" ", "")):
        if match := compiled(_SENSITIVE).search(form):
            return cast("Category", match.lastgroup)
    # Of an environment variable: DEEPGRAM_KEY.
    return "maybe" if name.isupper() and words.endswith(" key") else None


_SCHEMA_TYPES: Final = frozenset(
    ["string", "object", "array", "integer", "number", "boolean", "null", "str", "text", "password"]
)
_SCHEMA_WORDS: Final = frozenset(["$ref", "anyOf", "oneOf", "allOf", "enum", "const", "not"])
_DESCRIPTION: Final = frozenset(
    ["description", "title", "minLength", "maxLength", "minItems", "maxItems", "pattern", "format",
     "required", "nullable", "default", "example", "examples", "readOnly", "writeOnly", "label",
     "placeholder", "help", "widget", "minimum", "maximum", "deprecated"]
)  # fmt: skip


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
