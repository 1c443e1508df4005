from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from llmlog_tui.clickhouse.client import Client
from llmlog_tui.clickhouse.url import Login, TableUrl, TableUrlError, connecting, is_table_url
from llmlog_tui.errors import UserError

LOCAL = TableUrl.of("clickhouse://127.0.0.1/llm.calls")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("clickhouse://h/db.t", "clickhouse://h/db.t"),
        ("clickhouse://default@h:8123/db.t", "clickhouse://h/db.t"),
        ("clickhouses://bob@h:8443/db.t", "clickhouses://bob@h/db.t"),
        ("clickhouses://b%40x@h:9440/my-db.t_1", "clickhouses://b%40x@h:9440/my-db.t_1"),
        ("clickhouse://[::1]:8124/db.t", "clickhouse://[::1]:8124/db.t"),
    ],
)
def test_an_address_is_shown_without_its_defaults(text: str, shown: str) -> None:
    url = TableUrl.of(text)
    assert str(url) == shown
    assert TableUrl.of(shown) == url


def test_the_port_follows_from_the_scheme() -> None:
    assert TableUrl.of("clickhouse://h/db.t").port == 8123
    assert TableUrl.of("clickhouses://h/db.t").port == 8443


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(TableUrlError, match="set CLICKHOUSE_PASSWORD instead") as found:
        TableUrl.of("clickhouse://bob:hunter2@h/db.t")
    assert "hunter2" not in str(found.value)


@pytest.mark.parametrize(
    "text",
    [
        "clickhouse://h",
        "clickhouse://h/t",
        "clickhouse:///db.t",
        "clickhouse://h:0/db.t",
        "clickhouse://h:99999/db.t",
        "clickhouse://h:hunter2/db.t",
        "clickhouse://[::1/db.t",
        "clickhouse://h/db.t?secure=1",
        "clickhouse://h/db.t.u",
        "clickhouse://h/db.t`; DROP TABLE u",
        "clickhouse://h/db.%60t",
        "clickhouse://h/db.a%20b",
        "clickhouse://h/db.t\n",
        "clickhouse://h/db.",
        "http://h/db.t",
    ],
)
def test_any_other_text_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TableUrlError) as found:
        TableUrl.of(text)
    assert str(found.value).isprintable()
    assert "hunter2" not in str(found.value)


def test_names_are_quoted_for_sql() -> None:
    assert TableUrl.of("clickhouse://h/my-db.order").quoted == "`my-db`.`order`"


def test_only_an_address_is_taken_for_one() -> None:
    assert is_table_url("clickhouse://")
    assert is_table_url("clickhouses://h/db.t")
    assert not is_table_url("clickhouse.jsonl")


def test_the_password_comes_from_the_environment_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "hunter2")
    login = Login.to(LOCAL)
    assert login == Login("hunter2")
    assert "hunter2" not in repr(Client(LOCAL, login))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"])
def test_a_password_goes_to_this_machine_without_tls(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "secret")
    assert Login.to(TableUrl.of(f"clickhouse://{host}/db.t")) == Login("secret")


def test_a_password_crosses_no_network_in_the_clear_unless_insecure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = TableUrl.of("clickhouse://localhost.example.com/db.t")
    assert Login.to(url) == Login()
    monkeypatch.setenv("CLICKHOUSE_PASSWORD", "secret")
    with pytest.raises(TableUrlError, match="a password would be sent without TLS"):
        Login.to(url)
    with connecting(insecure=True):
        assert Login.to(url) == Login("secret")
    assert Login.to(TableUrl.of("clickhouses://example.com/db.t")) == Login("secret")


def test_an_authority_has_to_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    secure = TableUrl.of("clickhouses://h/db.t")
    with connecting(ca=tmp_path / "ca.pem"):
        assert Login.to(secure).ca == tmp_path / "ca.pem"
    with connecting(ca=tmp_path / "none.pem"), pytest.raises(TableUrlError, match="no such file"):
        Login.to(secure)
    assert Login.to(secure) == Login()


def test_without_its_extra_a_table_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'llmlog\[clickhouse\]'"):
        Client(LOCAL)
