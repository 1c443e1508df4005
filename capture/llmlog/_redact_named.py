"""Secrets in text that stand beside their name: `DB_PASS=…`, `"token": "…"`, `the password is …`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from llmlog._redact_names import (
    Category,
    category,
    is_label,
    is_placeholder,
    is_random,
    is_secret_name,
)
from llmlog._redact_text import Found, Text, compiled

# What is common to all names of secrets; for speed, searched for before anything else is.
_STEMS: Final = (
    "pass", "pwd", "pw", "psw", "secret", "key", "token", "cred", "auth", "cookie", "dsn", "jwt",
    "otp", "mnemonic", "phrase", "string", "sid", "connstr", "codes", "kennw", "contrase",
    "senha", "парол", "密码", "密碼", "パスワード", "비밀번호",
)  # fmt: skip

_QUOTE: Final = r"(?:\\{0,7}[\"'`])"
# Without a sign between name and value, a value in quotes or one that is no word.
_NO_WORD: Final = r"(?=\\{0,7}[\"'`]|[^\s\d!@#$%^&*~+=]{0,64}[\d!@#$%^&*~+=])"
# From a stem: the rest of the name, and how a value comes after it.
_HEAD: Final = (
    rf"(?P<rest>[\w.-]{{0,48}})[*_]{{0,3}}(?P<close>{_QUOTE}?)(?:\]|\))?(?:"
    rf"(?P<value>\s{{0,40}},?\s{{0,40}}{_QUOTE}?(?:value|val){_QUOTE}?\s{{0,8}}[:=][ \t]{{0,8}})"
    r"|(?P<assign>[ \t]{0,16}(?::=|=>|={1,3}|->|[:：＝])[*_]{0,3}[ \t]{0,16}"
    r"(?:[|>][+-]?(?=[ \t]{0,8}\r?\n)|[bfru@$]{1,2}(?=[\"'])|!!\w{1,8} )?)"
    r"|(?P<is>[ \t]{1,4}(?:is|was|ist|lautet|est|es|has been set to|set to|with (?:the )?value|equals)(?: now)?:?[ \t]{1,4})"
    r"|(?P<pair>,\s{0,8})"
    r"|(?P<cell>[ \t]{0,16}\|[ \t]{0,16})"
    r"|(?P<xml>>)"
    rf"|(?P<space>(?:[ \t]|\\t){{1,4}}{_NO_WORD})"
    r")"
)
_BEFORE: Final = r"[\w.-]{0,64}"
_BARE: Final = r"[^\s\"'`\\&;,<>{}()\[\]]{1,2048}"
_LINE: Final = r"[^\s\"'`][^\s]{0,2047}"
_QUOTED: Final = (
    r"(?P<quote>\\{1,7}[\"'`])(?P<escaped>(?:(?!(?P=quote))[^\r\n]){1,1024})(?P=quote)"
    r"|\"\"\"(?P<triple>[^\"\r\n]{1,1024})\"\"\"|\"(?P<double>(?:[^\"\\\r\n]|\\.){1,1024})\"|'(?P<single>(?:[^'\\\r\n]|\\.|''){1,1024})'"
    r"|`(?P<back>[^`\r\n]{1,1024})`"
)
_LIST: Final = r"\[[^\[\]{}]{1,4096}\]|\{[^{}]{1,4096}\}|(?:\s{0,4}\n[ \t]{0,16}-[ \t]+[^\r\n:]{1,512}(?=\r?\n|\Z)){1,64}"
_ITEM: Final = r"(?:\"([^\"\r\n]{1,512})\"|'([^'\r\n]{1,512})'|\n[ \t]{0,16}-[ \t]+([^\s\"'][^\r\n]{0,511})|[\[,]\s{0,8}([^\s\"'\[\]{},]{3,512}))"


class _Name(NamedTuple):
    """A name of a secret in a text, and how its value comes after it."""

    text: str
    name: str
    category: Category
    form: str
    start: int
    end: int
    """Where the value begins."""
    is_quoted: bool

    @property
    def before(self) -> str:
        return self.text[self.start - 1 : self.start]


def named_secrets(text: Text) -> Iterator[Found]:
    """Yield the values of names such as `password`, in any notation."""
    seen: set[int] = set()
    for stem in _STEMS:
        at = text.lower.find(stem)
        while at >= 0:
            name = _name_at(text, at)
            if name is None:
                at = text.lower.find(stem, at + len(stem))
                continue
            if name.end not in seen:
                seen.add(name.end)
                kind = "cookie" if name.category == "cookie" else "password"
                yield from (Found(*span, kind) for span in _values(name))
            at = text.lower.find(stem, max(at + len(stem), name.end))


def _name_at(text: Text, at: int) -> _Name | None:
    head = compiled(_HEAD).match(text.lower, at)
    if head is None:
        return None
    backwards = text.text[max(0, at - 64) : at][::-1]
    before = compiled(_BEFORE).match(backwards)
    start = at - (before.end() if before else 0)
    end = head.end("rest")
    form = head.lastgroup or ""
    name = text.text[start:end]
    if text.text.startswith("[redacted:", start - 10):
        return None
    sure = category(name)
    if sure is None and name.lower() in _SECOND_WORDS:
        sure = _two_words(text, start, end)
    if sure is None or (name in {"PWD", "OLDPWD"} and text.text.startswith("/", head.end())):
        return None
    is_quoted = bool(head.group("close"))
    return _Name(text.text, name, sure, form, start, head.end(), is_quoted)


_SECOND_WORDS: Final = frozenset(["key", "keys", "phrase", "codes", "string"])


def _two_words(text: Text, start: int, end: int) -> Category | None:
    """Return the category of a name of two words, such as `api key`."""
    before = compiled(r" ?([^\W\d_]{2,16})\b").match(text.text[max(0, start - 20) : start][::-1])
    if before is None:
        return None
    return category(f"{before.group(1)[::-1]} {text.text[start:end]}")


def _values(name: _Name) -> Iterator[tuple[int, int]]:
    text, end = name.text, name.end
    if name.form in {"xml", "space"} and name.before == "<":
        if name.form == "space" and (rest := compiled(r"[^<>\r\n]{0,128}>").match(text, end)):
            end = rest.end()
        if match := compiled(r"[^<\r\n]{1,2048}(?=</)").match(text, end):
            if not is_placeholder(match.group()):
                yield match.span()
        return
    if name.form == "xml":
        return
    if name.form in {"assign", "value"} and (many := compiled(_LIST).match(text, end)):
        yield from _items(name, many)
        return
    if match := compiled(_QUOTED).match(text, end):
        # In `"password: " + x` the quote after the name ends the text that the name is in.
        value = match.group(match.lastgroup or 0)
        if value[0] not in " ),;]}+:" and _is_quoted_secret(name, value):
            yield match.span(match.lastgroup or 0)
        return
    yield from _bare(name)


def _items(name: _Name, many: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield the secrets of a list or an object: in `passwords: [...]`, `credentials: {...}`."""
    text = name.text
    is_plural = name.name.lower().endswith("s")
    is_schema = compiled(r"[\"']?(?:type|description|\$ref|anyOf)[\"']?\s{0,4}:").search(
        many.group()
    )
    if many.group()[0] == "{" and (is_schema or not is_plural or name.category == "token"):
        return
    if many.group().startswith("[redacted:") or not (
        is_plural or name.name.lower().endswith("password")
    ):
        return
    for item in compiled(_ITEM).finditer(text, *many.span()):
        value = item.group(item.lastindex or 0)
        is_key = compiled(r"\s{0,8}[:=]").match(text, item.end()) is not None
        is_key = is_key or (many.group()[0] == "{" and item.lastindex == 4)  # noqa: PLR2004 - without quotes
        weak = name.category in {"token", "cookie", "credentials"}
        if is_key or is_placeholder(value) or (weak and not is_random(value)):
            continue
        if name.name.lower().endswith("secrets") and compiled(r"[A-Z][A-Z0-9_]+\Z").match(value):
            continue
        yield item.span(item.lastindex or 0)


_SHORTEST: Final = 3
_SHORTEST_BARE: Final = 6
_LONG: Final = 20
_MOST: Final = 256
"""Maximum characters of a value that are looked at to judge it."""


def _is_quoted_secret(name: _Name, value: str) -> bool:
    if is_placeholder(value) or is_label(value) or is_secret_name(value):
        return False
    if len(value) < _SHORTEST or value[-1] == " ":
        return False
    if (name.form == "pair" and not name.is_quoted) or ("{" in value and "}" in value):
        return False
    if name.category == "cookie":
        return "=" in value or (is_random(value) and " " not in value)
    if name.category == "maybe":
        return _is_long_random(value)
    if name.category == "authorization":
        return " " not in value and is_random(value)
    if name.category in {"token", "credentials"} or name.form == "pair":
        is_word = re.fullmatch(r"[\w.:/-]*", value) is not None and not is_random(
            value, is_quoted=True
        )
        is_word = (
            is_word or " " in value or re.fullmatch(r"[A-Z]+(?:_[A-Z0-9]+)+", value) is not None
        )
        return len(value) >= _SHORTEST_BARE and not is_word and not value.isdigit()
    if name.form == "space":
        is_verb = name.name.lower() == "pass"
        return not is_verb and (name.category == "password" or is_random(value))
    return not (name.category == "key" and " " in value and not is_random(value))


def _bare(name: _Name) -> Iterator[tuple[int, int]]:
    text, end = name.text, name.end
    line = _line_start(name)
    if name.form in {"assign", "is"} and (phrase := _phrase(name, line)):
        yield phrase
        return
    if name.form == "assign":
        end += len(compiled(r"[ \t]{0,8}(?:\r?\n[ \t]{0,16})?").match(text, end).group())  # type: ignore[union-attr]
    whole = line and name.form == "assign" and text[name.end - 1] == "=" and end == name.end
    match = compiled(_LINE if whole else _BARE).match(text, end)
    if match is None or is_placeholder(match.group()) or name.form == "pair":
        return
    value = match.group()[:_MOST]
    if text[match.end() : match.end() + 1] in {"(", "["} and re.fullmatch(r"[\w.]+", value):
        return
    if _is_bare_secret(name, value, is_line=whole, on_next_line=end != name.end):
        sign = len(value) - len(value.rstrip(".,;:!?)"))
        yield match.start(), match.end() - (sign if len(value) < _MOST else 0)


_LINE_BEFORE: Final = (
    r"(?:\A|\n|\\n)\s{0,32}(?:(?:export|set|env|declare -x|-e|--env|-D|ARG|ENV|[-#])\s{0,8})?\Z"
)


def _line_start(name: _Name) -> bool:
    """Whether only `export` and its like come before the name in its line."""
    before = name.text[max(0, name.start - 48) : name.start]
    return compiled(_LINE_BEFORE, re.I).search(before) is not None


# Words that pass phrases do not have, but sentences about passwords do.
_PROSE: Final = (
    r"(?i)\b(?:an?|the|to|not|no|too|by|in|on|of|for|with|and|or|at|be|been|it|that|this|was|are|as|from|"
    r"only|short|long|wrong|stored|sent|used|set|your|my|you|we|they|if|when|than|least)\b"
)


def _phrase(name: _Name, line: bool) -> tuple[int, int] | None:  # noqa: FBT001
    """Return where a pass phrase of several words is: all that is left of a line of its own."""
    if name.category != "password" or name.name.lower() == "pass":
        return None
    match = compiled(
        r"[^\s\"'`<>{}()\[\]|,;:=]{2,32}(?: [^\s\"'`<>{}()\[\]|,;:=]{2,32}){1,25}[ \t]*(?=\r?\n|\\n|\"|'|\Z)"
    ).match(name.text, name.end)
    if match is None or is_label(match.group()) or is_placeholder(match.group()):
        return None
    words = match.group().split()
    is_prose = any(word[-1] in ".?!" for word in words[:-1]) or words[-1][-1] == "."
    if name.form == "is":
        return (
            None
            if is_prose or len(words) < 4 or compiled(_PROSE).search(match.group())
            else match.span()
        )  # noqa: PLR2004
    is_prose = (
        is_prose
        or compiled(r"(?i)\b(?:or|and|if|else|not|is|are|see)\b").search(match.group()) is not None
    )
    if is_prose or not (line or is_random(words[0]) or len(words) >= 4):  # noqa: PLR2004
        return None
    return match.span()


def _is_bare_secret(name: _Name, value: str, *, is_line: bool, on_next_line: bool) -> bool:
    plain = value.rstrip(".,;:!?)")
    strong = name.category in {"password", "key", "credentials"}
    if name.category == "maybe":
        return _is_long_random(plain) and name.form == "assign"
    if name.form == "space":
        return _is_after_space(name, plain)
    if name.form == "cell":
        is_row = compiled(r"(?:\A|\n)[ \t]{0,16}\|[ \t*_`]{0,16}\Z").search(
            name.text[max(0, name.start - 40) : name.start]
        )
        return (
            is_row is not None
            and name.category != "cookie"
            and len(plain) >= _SHORTEST_BARE
            and is_random(plain)
        )
    if name.form == "is":
        is_number = plain.isdigit() and name.category == "password"
        return len(plain) >= _SHORTEST_BARE and (
            is_number or is_random(plain) or _is_joined(name, plain)
        )
    if name.category == "cookie":
        return len(value) >= _LONG // 2 and is_random(value.partition("=")[2] or value)
    if name.category == "authorization":
        return False
    is_path = plain.startswith(("/", "~", "./", "http://", "https://")) and "@" not in plain
    if is_path and strong and name.category != "key":
        return False
    if strong and (plain.isdigit() and len(plain) >= 4):  # noqa: PLR2004
        return name.category == "password"
    if (
        strong
        and name.name.isupper()
        and not on_next_line
        and " =" not in name.text[name.start : name.end]
        and _line_start(name)
        and not re.fullmatch(r"[\d.]+|[A-Z_]+", plain)
    ):
        return len(plain) >= _SHORTEST
    if strong and is_line and not re.fullmatch(r"[\d.]+", plain):
        is_env = name.name.isupper() or name.category == "password"
        is_code = re.fullmatch(r"[a-z_]\w*(?:[.(\[].*)?", plain) and not _is_setting(name.name)
        return is_random(plain) or (is_env and not is_code and len(plain) >= _SHORTEST)
    if _is_joined(name, plain):
        return True
    in_query = (
        name.before in {"?", "&", ";"}
        or name.text[name.end + len(value) : name.end + len(value) + 1] == "&"
    )
    in_pairs = _is_one_of_pairs(name, value)
    if (in_query or in_pairs) and strong and len(plain) >= _SHORTEST and not on_next_line:
        return True
    least = 4 if name.category == "password" and not on_next_line else _SHORTEST_BARE
    return len(plain) >= least and is_random(plain)


_OBJECTS: Final = frozenset(
    "self this cls config cfg settings args options opts user req request res data form obj db client app "
    "params props state credentials creds session auth conn connection body payload".split()
)


def _is_setting(name: str) -> bool:
    """Whether a name is of an environment variable or a properties file, not of an object in code."""
    return name.isupper() or ("." in name and name.split(".", 1)[0] not in _OBJECTS)


def _is_joined(name: _Name, value: str) -> bool:
    """Whether `value` is a pass phrase of words joined by hyphens."""
    is_phrase = name.category == "password" and len(value) >= _LONG - 4
    return is_phrase and re.fullmatch(r"[a-z]{3,}(?:-[a-z]{3,}){2,}", value) is not None


def _is_one_of_pairs(name: _Name, value: str) -> bool:
    """Whether a pair of name and value is one of several, as in `host=db password=x user=y`."""
    after = name.text[name.end + len(value) :][:32]
    before = name.text[max(0, name.start - 64) : name.start]
    return name.text[name.end - 1] == "=" and (
        re.match(r" [a-z_]{2,24}=[\w/]", after) is not None
        or re.search(r"\b[a-z_]{2,24}=[^\s,(]{1,40} \Z", before) is not None
    )


def _is_long_random(value: str) -> bool:
    """Whether `value` is a secret even where its name might be of something else."""
    is_dashed = re.search(r"[a-z]{3,}-[a-z]{3,}|://", value) is not None
    return len(value) >= _LONG - 4 and not is_dashed and is_random(value, is_quoted=True)


def _is_after_space(name: _Name, plain: str) -> bool:
    """Whether a word after the name is its value: `--password x1`, `login a password x1`."""
    if re.match(r"[\w.-]{1,32}[=:]", plain):
        return False
    if name.name.lower() == "pass":
        return False
    is_flag = name.text[max(0, name.start - 2) : name.start] in {"--", " -"} or name.name[:1] == "-"
    if not is_flag and name.category != "password":
        return name.category in {"key", "token"} and _is_long_random(plain)
    return len(plain) >= _SHORTEST_BARE and (
        is_random(plain) or (plain.isdigit() and not is_flag) or (is_flag and plain.isdigit())
    )
