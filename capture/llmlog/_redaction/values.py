"""Classify values beside a secret's name: random text, words, code or placeholders.

Words, code and placeholders stay.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from llmlog._redaction.names import category
from llmlog._redaction.text import compiled

_PLACEHOLDER: Final = (
    # Filled in elsewhere, or left out.
    r"(?i)[<\[{(]?(?:\$|%[sd(]|\{\{|<|\[redacted|\*{3}|x{3,}\Z|\.{3}|…|•{3}|_{3}|#\{|@\w+\Z|:\w+\Z|"
    r"\?\Z|[^\s]{0,16}\.{3}\Z|"
    r"(?:[a-z]{2,4}[-_])?(?:your|insert|replace|change|enter|put|add|example|sample|dummy|fake|todo|tbd|placeholder|"
    r"redacted|hidden|masked)(?:[-_ ]|me\b|\Z)|(?:my|the|some|any)(?:[-_]|\Z)|"
    # Tags of YAML, which are filled in by a tool.
    r"!(?:vault|secret|env(?:_var)?|ref|sub|getatt|importvalue)\b|"
    # Types and states.
    r"(?:null|none|nil|undefined|true|false|yes|no|n/a|empty|unset|unknown|void|string|str|text|int|"
    r"integer|number|float|bool|boolean|bytes|object|array|any|required|optional|default|secretstr|"
    r"invalid|expired|missing|incorrect|wrong|valid|disabled|enabled|revoked)"
    r"(?: ?[\])}>,;:.|].*)?\Z|"
    # Patterns and code.
    r"\[[\w^\\].{0,64}\][*+{]|\(\?|urn:|process\.env|os\.|env\.|getenv|config\.|settings\.|self\.|"
    r"vault:|secrets?\.|ref\+|arn:aws:secrets)"
)
_LABEL: Final = (
    r"(?i)\b(?:enter|your|must|required|requires|forgot|forgotten|invalid|incorrect|password|"
    r"passwort|passphrase|tokens?|api key|secrets?|credentials?|characters|should|cannot)\b"
)


def is_placeholder(value: str) -> bool:
    """Whether `value` is a substitute for a secret: `<token>`, `${TOKEN}`, or its type."""
    return compiled(_PLACEHOLDER).match(value.strip("\"'` ")) is not None


def is_reference(value: str) -> bool:
    """Whether `value` is filled in elsewhere: `${PASSWORD}`, `<password>`, `***`."""
    return compiled(r"[<\[{(]?(?:\$|%s|%\(|\{|<|\[redacted|\*{3})").match(value) is not None


def is_secret_name(value: str) -> bool:
    """Whether `value` is itself a name, as in {"account-key": "AZURE_STORAGE_ACCOUNT_KEY"}."""
    is_name = compiled(r"[A-Za-z][A-Za-z0-9]*(?:[._-][A-Za-z]+)+\Z").match(value) is not None
    return is_name and category(value) is not None


def is_preference(value: str) -> bool:
    """Whether `value` is of cookies that keep a choice of the user, such as `theme=dark`."""
    preference = r"(?:theme|lang|language|locale|consent|currency|timezone|tz|mode)=[\w/+-]{1,32}"
    return re.fullmatch(rf"(?i){preference}(?:; ?{preference})*;?", value) is not None


def is_label(value: str) -> bool:
    """Whether `value` is a phrase about a secret, such as `Enter your password`."""
    return " " in value and compiled(_LABEL).search(value) is not None


def is_described(value: str) -> bool:
    """Whether `value` describes a secret instead of being one."""
    return is_placeholder(value) or is_label(value) or is_secret_name(value)


_TECHNICAL: Final = (
    r"(?i)(?:base\d\d|sha-?\d|md5|utf-?\d|oauth|rsa|aes|http|bcrypt|scrypt|argon2|pbkdf2|ed25519|"
    r"x\.?509|iso-?\d|rfc|ipv[46]|[iuf]\d+\Z|u?int\d|float\d|bytes?\d|v\d|var|char|p256|[hre]s\d|"
    r"python\d|\d+(?:-[a-z]+){1,3}\Z|\d+[-+x]?(?:bits?|bytes?|chars?|characters?|days?|hours?|mins?|"
    r"hrs?|h|s|ms|k|m|d|th|st|nd|rd)?\Z)"
)
# A dotted name, a descriptive name, a call.
_CODE: Final = (
    r"(?:[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+|(?:\w*_)?(?:password|passwd|pwd|pass|token|secret|key|value|"
    r"credentials?|cookie)s?_?\d{0,2}|[A-Za-z_][\w.]*[(\[].*)\Z"
)
# Capitals within a word begin the next one, or are an abbreviation.
_CAMEL_CASE: Final = r"[a-z]*(?:[A-Z]+[a-z]{2,})*[A-Z]*s?\Z"
_LONG_ENOUGH: Final = 10
_LONG: Final = 20
_LEAST_CHANGES: Final = 0.38
"""Minimum share of changes between small letters and capitals; names in code have fewer."""


def is_random(value: str, *, is_quoted: bool = False) -> bool:
    """Whether `value` is neither a word nor, where no quotes are around it, code."""
    value = without_punctuation(value)
    if compiled(_TECHNICAL).match(value) or (not is_quoted and compiled(_CODE).match(value)):
        return False
    if value.isalpha() and value.isascii() and _LONG_ENOUGH <= len(value) < _LONG:
        return not compiled(_CAMEL_CASE).match(value)
    if value.isalpha() and len(value) >= _LONG:
        changes = sum(one.isupper() != two.isupper() for one, two in pairwise(value))
        return changes >= _LEAST_CHANGES * len(value)
    has_digit = any(map(str.isdigit, value))
    has_letter = any(map(str.isalpha, value))
    return (has_digit and has_letter) or compiled(r".*[!@#$%^&*~+=?]").match(value) is not None


_LEAST_LONG: Final = 16


def is_long_random(value: str) -> bool:
    """Whether `value` is a secret even where its name might be of something else."""
    is_dashed = re.search(r"[a-z]{3,}-[a-z]{3,}|://", value) is not None
    return len(value) >= _LEAST_LONG and not is_dashed and is_random(value, is_quoted=True)


def is_token(value: str) -> bool:
    """Whether quoted `value` is a token: no word, count, constant's name or sentence."""
    if " " in value or value.isdigit() or re.fullmatch(r"[A-Z]+(?:_[A-Z0-9]+)+", value):
        return False
    is_word = re.fullmatch(r"[\w.:/-]*", value) is not None
    return is_random(value, is_quoted=True) or not is_word


def is_joined_phrase(value: str) -> bool:
    """Whether `value` is a pass phrase of words joined by hyphens."""
    is_joined = re.fullmatch(r"[a-z]{3,}(?:-[a-z]{3,}){2,}", value) is not None
    return len(value) >= _LEAST_LONG and is_joined


# Words that sentences about passwords have, and pass phrases do not.
_CODE_WORDS: Final = r"(?i)\b(?:or|and|if|else|not|is|are|see)\b"
_PROSE_WORDS: Final = (
    r"(?i)\b(?:an?|the|to|not|no|too|by|in|on|of|for|with|and|or|at|be|been|it|that|this|was|are|as|"
    r"from|only|short|long|wrong|stored|sent|used|set|your|my|you|we|they|if|when|than|least)\b"
)
_MANY_WORDS: Final = 4


def is_phrase(value: str, *, is_sentence: bool, is_line: bool) -> bool:
    """Whether unquoted words are a pass phrase.

    They come in a sentence after `is`, or in a line.
    """
    if is_described(value):
        return False
    words = value.split()
    if any(word[-1] in ".?!" for word in words[:-1]) or words[-1][-1] == ".":
        return False
    if is_line and not is_sentence and not is_random(words[0]):
        return not compiled(_CODE_WORDS).search(value)
    # Else the first word may be all of it: `DB_PASS=hunter2 on that server`.
    is_long = len(words) >= _MANY_WORDS or (is_line and not is_sentence)
    return is_long and not compiled(_PROSE_WORDS).search(value)


def without_punctuation(value: str) -> str:
    """Return `value` without the punctuation of the sentence it ends."""
    return value.rstrip(".,;:!?)")
