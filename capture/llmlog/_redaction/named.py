"""Secrets beside their name in text: `DB_PASS=…`, `"token": "…"`, `the password is …`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from llmlog._redaction.names import Category, category
from llmlog._redaction.text import Found, Text, compiled
from llmlog._redaction.values import (
    is_described,
    is_joined_phrase,
    is_long_random,
    is_phrase,
    is_placeholder,
    is_preference,
    is_random,
    is_token,
    without_punctuation,
)

# Parts of names of secrets: a substring search for each costs far less than one pattern for all.
_STEMS: Final = (
    "pass", "pw", "mdp", "psw", "secret", "key", "token", "cred", "auth", "cookie", "dsn", "jwt",
    "otp", "mnemonic", "phrase", "string", "sid", "signature", "connstr", "codes", "kennw",
    "contrase", "senha", "wachtw", "hasło", "heslo", "senord", "adgangskode", "parola",
    "şifre", "acceso", "sandi", "khẩu", "парол", "密码", "密碼", "パスワード", "비밀번호",
)  # fmt: skip

_Form: TypeAlias = Literal["value", "assign", "is", "of", "pair", "cell", "xml", "call", "space"]
"""Form in which a value follows its name: a group's name in _HEAD."""

_QUOTE: Final = r"(?:\\{0,7}[\"'`])"
_NO_WORD: Final = r"(?=\\{0,7}[\"'`]|[^\s\d!@#$%^&*~+=]{0,64}[\d!@#$%^&*~+=])"
_IS: Final = (
    r"(?:(?:has been |is |was )?(?:set|changed|reset) to|"
    r"(?:is|was|ist|war|lautet|est|était|es|era|è|é|jest|är|var|er)(?: now)?|"
    r"with (?:the )?value|equals)(?:[ \t]?:)?[ \t]{1,4}"
)
# `: str =` of a declaration, and the type of one in Go.
_TYPE: Final = r"(?:\??:[ \t]{0,4}[&'a-z_.\[\]|<>? ]{2,40}?[ \t]|[ \t]string[ \t]?)=(?![=>])"
# From a stem: the rest of the name, and all that is between name and value.
_HEAD: Final = (
    rf"(?P<rest>[\w.-]{{0,48}})[*_]{{0,3}}(?P<close>{_QUOTE}?)(?:\[\d{{0,4}}\]|\]|\))?(?:"
    r"(?P<value>\s{0,4}\{[^{}]{0,256}?\bdefault[ \t]{0,8}=[ \t]{0,8}|"
    rf"\s{{0,40}},?\s{{0,40}}{_QUOTE}?(?:value|val|text|content){_QUOTE}?"
    r"\s{0,8}[:=][ \t]{0,8}|(?:</key)?>\s{0,16}<(?:string|value)>)"
    rf"|(?P<assign>[ \t]{{0,16}}(?:{_TYPE}|[は是为為는은「][ \t「]?(?=[!-~]{{6}})|"
    r"(?::=|=>|={1,3}|->|→|[—–](?=[ \t])|[:：＝])[*_]{0,3})[ \t]{0,16}"
    # A block of YAML, a prefix of a string, a tag.
    r"(?:[|>][+-]?(?=[ \t]{0,8}\r?\n)|[bfnru@$]{1,2}(?=[\"'])|!!\w{1,8} |secretstr\()?)"
    rf"|(?P<is>[ \t]{{1,4}}{_IS})"
    # The password for the router is …, le mot de passe du wifi est ….
    r"|(?P<of>[ \t](?:for|of|to|on|für|von|zum|vom|de|del|du|pour|para|per|"
    r"di|da|do|van|voor|till|от|для|"
    r"provisoire|temporaire|temporária|temporal|provisional|inicial|"
    r"generated|created|assigned|changed|reset|updated|here|below)"
    rf"(?:[ \t][\w.@'/-]{{1,24}}){{0,4}}?(?:[ \t]?:[ \t]|[ \t]{_IS})|[ \t](?:to|as)[ \t])"
    r"|(?P<pair>,\s{0,8})"
    r"|(?P<cell>[ \t]{0,16}\|[ \t]{0,16})"
    r"|(?P<xml>>)"
    r"|(?P<call>\([ \t]{0,4}(?=\"|'))"
    rf"|(?P<space>(?:[ \t]|\\t){{1,4}}{_NO_WORD}))"
)
_LONGEST_BEFORE: Final = 64
_BEFORE: Final = rf"[\w.-]{{0,{_LONGEST_BEFORE}}}"
_SECOND_WORDS: Final = frozenset(
    ["key", "keys", "phrase", "codes", "string", "acceso", "sandi", "khẩu"]
)

_QUOTED: Final = (
    r"(?P<quote>\\{1,7}[\"'`])(?P<escaped>(?:(?!(?P=quote))[^\r\n]){1,1024})(?P=quote)"
    r"|\"\"\"(?P<triple>[^\"\r\n]{1,1024})\"\"\""
    r"|\"(?P<double>(?:[^\"\\\r\n]|\\.){1,1024})\"|'(?P<single>(?:[^'\\\r\n]|\\.|''){1,1024})'"
    r"|`(?P<back>[^`\r\n]{1,1024})`"
)
_BARE: Final = r"[^\s\"'`\\&;,<>{}()\[\]]{1,2048}"
_REST_OF_LINE: Final = r"[^\s\"'`][^\s]{0,2047}"
_WORD: Final = r"[^\s\"'`<>{}()\[\]|,;:=]{2,32}"
_PHRASE: Final = rf"{_WORD}(?: {_WORD}){{1,25}}[ \t]*(?=\r?\n|\\n|\"|'|\Z)"
_MANY: Final = (
    r"\[[^\[\]{}]{1,4096}\]|\{[^{}]{1,4096}\}|"
    r"(?:\s{0,4}\n[ \t]{0,16}-[ \t]+[^\r\n:]{1,512}(?=\r?\n|\Z)){1,64}"
)
_ITEM: Final = (
    r"(?:\"([^\"\r\n]{1,512})\"|'([^'\r\n]{1,512})'|\n[ \t]{0,16}-[ \t]+([^\s\"'][^\r\n]{0,511})|"
    r"[\[,]\s{0,8}(?P<bare>[^\s\"'\[\]{}(),]{3,512})(?=[\],]))"
)
_SCHEMA_KEY: Final = r"[\"']?(?:type|description|\$ref|anyOf)[\"']?\s{0,4}:"

_LEAST: Final = 3
_LEAST_TOKEN: Final = 6
_LEAST_COOKIE: Final = 10
_MOST: Final = 256
"""Maximum characters of a value that are looked at to judge it."""


class _Name(NamedTuple):
    """A name of a secret in a text, and how its value comes after it."""

    text: str
    name: str
    category: Category
    form: _Form
    start: int
    end: int
    """Where the value begins."""

    is_quoted: bool

    @property
    def is_strong(self) -> bool:
        """Whether any text under the name is a secret."""
        return self.category in {"password", "key", "credentials"}

    @property
    def is_verb(self) -> bool:
        """Whether the name alone is most often another word: `pass x=1 to it`."""
        return self.name.lower() == "pass"

    @property
    def is_typed(self) -> bool:
        """Whether the value is typed into a field: `"#password", "text": "…"`."""
        between = self.text[self.start + len(self.name) : self.end].lower()
        return self.form == "value" and ("text" in between or "content" in between)

    @property
    def before(self) -> str:
        return self.text[max(0, self.start - _LONGEST_BEFORE) : self.start]


def named_secrets(text: Text) -> Iterator[Found]:
    """Yield the values of names such as `password`, in any notation."""
    seen: set[int] = set()
    for stem in _STEMS:
        at = text.lower.find(stem)
        while at >= 0:
            name = _name_at(text, at)
            at += len(stem)
            if name and name.end not in seen:
                seen.add(name.end)
                kind = "cookie" if name.category == "cookie" else "password"
                yield from (Found(start, end, kind) for start, end in _values(name))
            at = text.lower.find(stem, max(at, name.end if name else 0))


def _name_at(text: Text, at: int) -> _Name | None:
    head = compiled(_HEAD).match(text.lower, at)
    if head is None:
        return None
    before = compiled(_BEFORE).match(text.text[max(0, at - _LONGEST_BEFORE) : at][::-1])
    start, end = at - (before.end() if before else 0), head.end("rest")
    name = text.text[start:end]
    form = cast("_Form", head.lastgroup)
    known = category(_attribute_of(name) if form == "call" else name)
    if known is None and name.lower() in _SECOND_WORDS:
        known = _category_of_two_words(text.text, start, end)
    is_folder = name in {"PWD", "OLDPWD"} and text.text.startswith("/", head.end())
    if known is None or is_folder or text.text.startswith("[redacted:", start - 10):
        return None
    return _Name(text.text, name, known, form, start, head.end(), bool(head.group("close")))


def _attribute_of(method: str) -> str:
    """Return the attribute that a method sets: `password` of `builder.setPassword`."""
    return re.sub(r"\A(?:[sS]et|[wW]ith)(?=_|[A-Z])_?", "", method.rpartition(".")[2])


def _category_of_two_words(text: str, start: int, end: int) -> Category | None:
    """Return the category of a name of two words, such as `api key`."""
    before = compiled(r" ?(?:ed )?([^\W\d_]{2,16})\b").match(text[max(0, start - 20) : start][::-1])
    word = before.group(1)[::-1].lower() if before else ""
    if word in {"this", "my", "our"} and text[start:end].lower() == "key":
        return "maybe"
    return category(f"{word} {text[start:end]}") if word else None


def _values(name: _Name) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret after a name."""
    if name.form in {"xml", "space"} and _is_tag(name):
        yield from _element(name)
    elif name.form == "xml":
        yield from _element(name) if _is_attribute(name) else ()
    elif name.form in {"assign", "value"} and (many := compiled(_MANY).match(name.text, name.end)):
        if _has_secrets(name, many.group()):
            yield from _items(name, many)
    elif quoted := compiled(_QUOTED).match(name.text, name.end):
        group = quoted.lastgroup or 0
        if _is_quoted_secret(name, quoted.group(group)):
            yield quoted.span(group)
    elif name.form not in {"pair", "call"}:
        yield from _bare(name)


def _is_tag(name: _Name) -> bool:
    """Whether the name is of an XML element."""
    return compiled(r"<(?:\w{1,16}:)?\Z").search(name.before) is not None


def _is_attribute(name: _Name) -> bool:
    """Whether the name is an attribute of the value's element: `<x name="password">…</x>`."""
    pattern = r"<[^<>]{0,48} (?:name|key|property)=[\"'](?:[\w.-]{0,24}\.)?\Z"
    return name.is_quoted and compiled(pattern).search(name.before) is not None


def _element(name: _Name) -> Iterator[tuple[int, int]]:
    """Yield the text of an XML element, in `<password type="x">…</password>`."""
    start = name.end
    if name.form == "space":
        attributes = compiled(r"[^<>\r\n]{0,128}>").match(name.text, start)
        start = attributes.end() if attributes else start
    content = compiled(r"[^<\r\n]{1,2048}(?=</)").match(name.text, start)
    if content and not is_placeholder(content.group()):
        yield content.span()


def _has_secrets(name: _Name, many: str) -> bool:
    """Whether a name's list or object holds secrets, not fields or a schema."""
    if many.startswith("[redacted:"):
        return False
    is_plural = name.name.lower().endswith("s") and not name.name.lower().endswith("pass")
    if many[0] == "{":
        return is_plural and name.category != "token" and not compiled(_SCHEMA_KEY).search(many)
    return is_plural or name.name.lower().endswith("password")


def _items(name: _Name, many: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield the secrets of a list or an object: `passwords: […]`, `credentials: {…}`."""
    is_object = many.group()[0] == "{"
    is_weak = name.category in {"token", "cookie", "credentials"}
    # Of a workflow or a manifest: `secrets: ["DB_PASSWORD"]`.
    has_names = name.name.lower().endswith("secrets")
    for item in compiled(_ITEM).finditer(name.text, *many.span()):
        value = item.group(item.lastindex or 0)
        is_key = compiled(r"\s{0,8}[:=]").match(name.text, item.end()) is not None
        bare = item.group("bare")
        is_code = bare is not None and (is_object or not is_random(bare))
        is_name = has_names and re.fullmatch(r"[A-Z][A-Z0-9_]+", value) is not None
        is_secret = not is_placeholder(value) and (is_random(value) or not is_weak)
        if is_secret and not (is_key or is_code or is_name):
            yield item.span(item.lastindex or 0)


def _is_quoted_secret(name: _Name, value: str) -> bool:
    # In `"password: " + x` the quote after the name ends the text that the name is in.
    is_outside = value[0] in " ),;]}+:" or value[-1] == " "
    is_template = "{" in value and "}" in value
    if is_outside or is_template or len(value) < _LEAST or is_described(value):
        return False
    if name.form == "pair":
        return name.is_quoted and _is_quoted_token(value)
    if name.form in {"of", "call"} or name.is_typed:
        is_phrase = name.category == "password" and value.count(" ") > 1 and name.form == "of"
        return is_phrase or (len(value) >= _LEAST_TOKEN and _is_random_word(value))
    if name.form == "space" and (name.is_verb or name.category != "password"):
        return not name.is_verb and is_random(value)
    return _QUOTED_SECRETS.get(name.category, _is_quoted_token)(value)


def _is_quoted_token(value: str) -> bool:
    return len(value) >= _LEAST_TOKEN and is_token(value)


def _is_random_word(value: str) -> bool:
    return " " not in value and is_random(value)


_QUOTED_SECRETS: Final[dict[Category, Callable[[str], bool]]] = {
    "password": lambda _: True,
    "key": lambda value: " " not in value or is_random(value),
    "cookie": lambda value: not is_preference(value) and ("=" in value or _is_random_word(value)),
    "maybe": is_long_random,
    "authorization": _is_random_word,
}


def _bare(name: _Name) -> Iterator[tuple[int, int]]:
    """Yield a secret without quotes, or a pass phrase."""
    text, start = name.text, name.end
    is_line = _starts_line(name)
    phrase = compiled(_PHRASE).match(text, start) if _may_be_phrase(name) else None
    if phrase and is_phrase(phrase.group(), is_sentence=name.form == "is", is_line=is_line):
        yield phrase.span()
        return
    is_next_line = False
    if name.form == "assign" and (
        gap := compiled(r"[ \t]{0,8}\r?\n[ \t]{0,16}").match(text, start)
    ):
        is_next_line, start = True, gap.end()
    # In a file of settings all of the line is the value, whatever its signs.
    is_setting = is_line and not is_next_line and name.form == "assign" and text[start - 1] == "="
    match = compiled(_REST_OF_LINE if is_setting else _BARE).match(text, start)
    if match is None or is_placeholder(match.group()):
        return
    value = match.group()[:_MOST]
    is_call = text[match.end() : match.end() + 1] in {"(", "["} and re.fullmatch(r"[\w.]+", value)
    if not is_call and _is_bare_secret(_Bare(name, value, is_line, is_setting, is_next_line)):
        sign = len(value) - len(without_punctuation(value))
        yield match.start(), match.end() - (sign if len(value) < _MOST else 0)


def _may_be_phrase(name: _Name) -> bool:
    return name.category == "password" and name.form in {"assign", "is"} and not name.is_verb


_LINE_BEFORE: Final = (
    r"(?i)(?:\A|\n|\\n)\s{0,32}(?:(?:export|set|env|declare -x|-e|--env|-D|ARG|ENV|[-#])\s{0,8})?\Z"
)


def _starts_line(name: _Name) -> bool:
    """Whether only `export` and its like come before the name in its line."""
    if name.start > _LONGEST_BEFORE and not re.search(r"\n|\\n", name.before):
        return False
    return compiled(_LINE_BEFORE).search(name.before) is not None


class _Bare(NamedTuple):
    """A value without quotes, and its place in the line."""

    name: _Name
    value: str
    starts_line: bool
    is_setting: bool
    is_next_line: bool


def _is_bare_secret(bare: _Bare) -> bool:
    name, value = bare.name, without_punctuation(bare.value)
    match name.form:
        case "space":
            return _is_after_space(name, value)
        case "cell":
            is_row = compiled(r"(?:\A|\n)[ \t]{0,16}\|[ \t*_`]{0,16}\Z").search(name.before)
            return is_row is not None and len(value) >= _LEAST_TOKEN and is_random(value)
        case "of" if name.category != "password":
            return name.category != "cookie" and is_long_random(value)
        case "of" if name.is_verb:
            return len(value) >= _LEAST_TOKEN and is_random(value)
        case "is" | "of":
            is_number = value.isdigit() and name.category == "password"
            is_secret = is_number or is_random(value) or _is_joined(name, value)
            return len(value) >= _LEAST_TOKEN and is_secret
        case _:
            return _is_assigned(bare, value)


def _is_joined(name: _Name, value: str) -> bool:
    return name.category == "password" and is_joined_phrase(value)


def _is_after_space(name: _Name, value: str) -> bool:
    """Whether a word after the name is its value: `--password x1`, `login a password x1`."""
    is_pair = re.match(r"[\w.-]{1,32}[=:]", value) is not None
    if is_pair or name.is_verb or len(value) < _LEAST_TOKEN:
        return False
    if name.category == "password" or name.name.startswith("-"):
        return is_random(value) or value.isdigit()
    return name.category in {"key", "token"} and is_long_random(value)


def _is_assigned(bare: _Bare, value: str) -> bool:
    match bare.name.category:
        case "authorization":
            return False  # a rule of its own knows its schemes
        case "maybe":
            return is_long_random(value)
        case "cookie":
            return len(value) >= _LEAST_COOKIE and is_random(value.partition("=")[2] or value)
        case "token":
            return len(value) >= _LEAST_TOKEN and is_random(value)
        case _:
            return _is_assigned_to_strong(bare, value)


def _is_assigned_to_strong(bare: _Bare, value: str) -> bool:
    name = bare.name
    is_path = value.startswith(("/", "~", "./", "http://", "https://")) and "@" not in value
    if is_path and name.category != "key":
        return False
    if re.fullmatch(r"[\d.]+", value):
        return name.category == "password" and len(value) > _LEAST and value.isdigit()
    least = _LEAST_TOKEN if name.category != "password" or bare.is_next_line else _LEAST + 1
    if (len(value) >= least and is_random(value)) or _is_joined(name, value):
        return True
    is_word = not bare.is_next_line and len(value) >= _LEAST
    is_sure = _is_setting(bare, value) or _is_one_of_many(name, bare.value) or _is_header(bare)
    return is_word and is_sure


def _is_header(bare: _Bare) -> bool:
    """Whether the name is of a header or a flag.

    No name in code has hyphens.
    """
    name, end = bare.name, bare.name.end + len(bare.value)
    is_last = re.match(r"\s*(?:\Z|[\n\"'\\-])", name.text[end : end + 8]) is not None
    is_name = re.fullmatch(r"[A-Z_]+", bare.value) is not None
    is_joined = name.text[name.end - 1] == "="
    return (
        ("-" in name.name.strip("-") or name.name.startswith("--"))
        and (is_joined or len(bare.value) >= _LEAST_COOKIE)
        and is_last
        and not is_name
    )


# Objects in code, whose members are no settings: `self.password = x`.
_OBJECTS: Final = (
    r"(?:self|this|cls|config|cfg|settings|args|options|opts|user|req|request|res|data|form|obj|db|"
    r"client|app|params|props|state|credentials|creds|session|auth|conn|connection|body|payload)\."
)


def _is_setting(bare: _Bare, value: str) -> bool:
    """Whether a word is a value of an environment variable or a setting.

    Settings are those of a file.
    """
    name = bare.name
    if name.name.isupper():
        is_spaced = " =" in name.text[name.start : name.end]
        is_name = re.fullmatch(r"[A-Z_]+", value) is not None
        return bare.starts_line and not is_spaced and not is_name
    is_code = re.fullmatch(r"[a-z_]\w*(?:[.(\[].*)?", value) is not None
    is_property = "." in name.name and not compiled(_OBJECTS).match(name.name)
    return bare.is_setting and (is_property or (name.category == "password" and not is_code))


def _is_one_of_many(name: _Name, value: str) -> bool:
    """Whether name and value are one pair of several: `?a=b&password=x`, `host=db password=x`."""
    after = name.text[name.end + len(value) :][:32]
    if name.before[-1:] in {"?", "&", ";", "="} or after[:1] == "&":
        return True
    has_next = re.match(r" [a-z_]{2,24}=[\w/]", after) is not None
    has_previous = re.search(r"\b[a-z_]{2,24}=[^\s,(]{1,40} \Z", name.before) is not None
    return name.text[name.end - 1] == "=" and value[-1] != "," and (has_next or has_previous)
