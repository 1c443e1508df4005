"""What is known of a terminal from its user's environment."""

from __future__ import annotations

import pytest

from llmlog_tui.terminal import is_ascii_only


@pytest.mark.parametrize(
    ("environment", "is_ascii"),
    [
        ({}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C.utf8"}, False),
        ({"LC_CTYPE": "UTF-8"}, False),
        ({"LANG": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "C"}, False),
        ({"LC_ALL": "", "LC_CTYPE": "de_DE.utf8", "LANG": "C"}, False),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "dumb"}, True),
        ({"LANG": "en_US.UTF-8", "TERM": "xterm-256color"}, False),
    ],
)
def test_the_locale_and_the_kind_of_terminal_tell(
    environment: dict[str, str],
    is_ascii: bool,  # noqa: FBT001
) -> None:
    assert is_ascii_only(environment, "utf-8", utf8_mode=False) is is_ascii


def test_an_encoding_that_lacks_the_signs_tells_too() -> None:
    assert is_ascii_only({"LANG": "C.UTF-8"}, "iso8859-1", utf8_mode=False)


@pytest.mark.parametrize(("lang", "is_ascii"), [("C", True), ("", False), ("C.UTF-8", False)])
def test_what_python_made_of_the_locale_is_not_taken_for_the_users(
    lang: str,
    is_ascii: bool,  # noqa: FBT001
) -> None:
    coerced = {"LC_CTYPE": "C.UTF-8", "LANG": lang}
    assert is_ascii_only(coerced, "utf-8", utf8_mode=True) is is_ascii
    assert not is_ascii_only(coerced, "utf-8", utf8_mode=False)


def test_a_setting_goes_before_the_locale_and_the_environment_before_a_setting() -> None:
    c, utf8 = {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}
    assert is_ascii_only(utf8, "utf-8", utf8_mode=False, setting=True)
    assert not is_ascii_only(c, "utf-8", utf8_mode=True, setting=False)
    assert is_ascii_only({**utf8, "LLMLOG_ASCII": "1"}, "utf-8", utf8_mode=False, setting=False)
    assert not is_ascii_only({**c, "LLMLOG_ASCII": "0"}, "utf-8", utf8_mode=True, setting=True)
    assert is_ascii_only({**c, "LLMLOG_ASCII": ""}, "utf-8", utf8_mode=True)
