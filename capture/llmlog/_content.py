"""Content policy: what of prompts, answers, arguments and error texts goes into records.

none      nothing, the default
hash      a keyed hash of each message prefix: equal prompts are seen to be equal, nothing is read
redacted  the content with secrets, personal data and inline data (images, audio) replaced in place
full      the content as it is; secrets are still removed from error texts
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast, get_args

from llmlog import _credentials
from llmlog._jsonable import jsonable
from llmlog._redaction.custom import Custom, custom_rule
from llmlog._redaction.redactor import PERSONAL, SECRETS, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmlog._foreign import Fields
    from llmlog._guard import Guard

ContentPolicy: TypeAlias = Literal["none", "hash", "redacted", "full"]


class Content:
    """One session's policy; `custom` are the application's own rules of redaction."""

    def __init__(self, policy: ContentPolicy, custom: Iterable[Custom], guard: Guard) -> None:
        if policy not in get_args(ContentPolicy):
            names = ", ".join(get_args(ContentPolicy))
            raise ValueError(f"content is one of {names}, not {policy!r}")
        given = (custom,) if isinstance(custom, str) else custom
        rules = [custom_rule(rule, guard.warn) for rule in given]
        self._guard = guard
        self.computes_hashes = policy != "none"
        """Whether anything of the content is looked at."""
        self._secrets = Redactor(SECRETS, rules)
        self._redactor = (
            Redactor((*SECRETS, *PERSONAL), rules, summarise_data=True)
            if policy == "redacted"
            else None
        )
        self._labels = self._redactor or self._secrets
        self.keeps_content = policy in ("redacted", "full")
        """Whether input, output and error texts are written at all."""

    def snapshot(self, value: object) -> object:
        """Return a copy of content, as the application may change it; None if not kept."""
        return jsonable(value) if self.keeps_content and value is not None else None

    def prefix_hashes(self, messages: object) -> list[str] | None:
        """Return a 16-digit hex hash per message, covering it and all earlier messages.

        The hash is a keyed BLAKE2b.
        """
        if not self.computes_hashes or not isinstance(messages, (list, tuple, str)):
            return None
        each = [messages] if isinstance(messages, str) else cast("list[object]", messages)
        with self._guard:
            state = hashlib.blake2b(key=_user_key(), digest_size=8)
            hashes: list[str] = []
            for message in each:
                _update(state, jsonable(message))
                hashes.append(state.hexdigest())
            return hashes
        return None

    def apply(self, fields: Fields) -> Fields:
        """`fields` with content as the policy has it; without any if redaction itself fails."""
        if fields.keys().isdisjoint(_CONTENT_FIELDS):
            return fields
        content = {name: fields.pop(name) for name in _CONTENT_FIELDS if name in fields}
        if not self.keeps_content:
            return fields
        with self._guard:
            if (error := content.get("error_message")) is not None:
                text = str(error)
                for credential in filter(
                    _credentials.is_credential, _credentials.from_exception(error)
                ):
                    text = text.replace(credential, "[redacted:api_key]")
                content["error_message"] = self._secrets.text(text)
            if self._redactor is not None:
                redact = self._redactor.json
                content = {name: redact(jsonable(value)) for name, value in content.items()}
            return fields | content
        return fields

    def tags(self, tags: Mapping[str, object] | None) -> Fields:
        """Return the application's tags without secrets; none if redaction itself fails.

        Under `redacted` they are without personal data, too.
        """
        if tags:
            with self._guard:
                return cast("Fields", self._labels.json(jsonable(dict(tags))))
        return {}

    def label(self, text: str | None) -> str | None:
        """Return a name given by the application, redacted as its tags; None if that fails."""
        if text:
            with self._guard:
                return self._labels.text(str(text))
        return None


_LONG_TEXT: Final = 65_536
"""Minimum characters of a text that is hashed without escapes.

One example is an image in base64.
"""


def _update(state: hashlib.blake2b, message: object) -> None:
    """Add a message to a hash: its JSON, and its long texts separately.

    Long texts are costly to encode as JSON.
    """
    texts: list[str] = []
    text = json.dumps(_without_long_texts(message, texts), sort_keys=True)
    state.update(text.encode())
    for long in texts:
        state.update(long.encode(errors="surrogatepass"))
    state.update(b"\n")


def _without_long_texts(value: object, texts: list[str]) -> object:
    """Replace each long text in `value` by its length; add these to `texts`."""
    if isinstance(value, str) and len(value) >= _LONG_TEXT:
        texts.append(value)
        return {"": len(value)}
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {name: _without_long_texts(item, texts) for name, item in sorted(pairs)}
    if isinstance(value, list):
        return [_without_long_texts(item, texts) for item in cast("list[object]", value)]
    return value


_CONTENT_FIELDS: Final = ("input", "output", "error_message")


@functools.cache
def _user_key() -> bytes:
    """Return the user's own key, made on first use.

    Keyed hashes can be compared, but not looked up.
    """
    path = _data_folder() / "llmlog" / "key"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # A name of its own each time: one of a process that died may be there.
        fd, fresh = tempfile.mkstemp(prefix="key.", dir=path.parent)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(os.urandom(_KEY_BYTES))
            # Of several processes that get here at once, the first to link wins.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            os.unlink(fresh)  # noqa: PTH108 - a name, not a Path
    key = path.read_bytes()
    # With no key anyone could look a prompt up by its hash.
    if len(key) < _KEY_BYTES:
        raise ValueError(f"{path} holds no key of {_KEY_BYTES} bytes: delete it for a new one")
    return key[: hashlib.blake2b.MAX_KEY_SIZE]


_KEY_BYTES: Final = 32


def _data_folder() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    folder = Path(os.environ.get("XDG_DATA_HOME", ""))
    # The XDG specification: a relative path is ignored.
    return folder if folder.is_absolute() else Path.home() / ".local" / "share"
