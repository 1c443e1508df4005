"""A server whose certificate has no authority but itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.clickhouse.running import ClickHouse, cancel_endless_query
from tests.commands.conftest import Run, is_refused, llmlog

from llmlog_tui.clickhouse.client import Client
from llmlog_tui.clickhouse.errors import ServerGoneError
from llmlog_tui.clickhouse.url import Login, TableUrl, connecting
from llmlog_tui.shipping.schema import statements

__all__ = ["llmlog"]

CERTIFICATE = Path(__file__).with_name("self_signed.pem")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    pytest.importorskip("chdb", reason="no ClickHouse: pip install 'llmlog[scale-test]'")
    with ClickHouse(tmp_path_factory.mktemp("tls"), CERTIFICATE) as running:
        yield running


def test_it_is_not_trusted_by_itself(secure: ClickHouse) -> None:
    with pytest.raises(ServerGoneError, match="certificate is not trusted; --ca FILE"):
        Client(secure.url()).frame("SELECT 1")


def test_it_is_trusted_as_its_own_authority(secure: ClickHouse) -> None:
    url = secure.url("default.calls")
    with connecting(ca=CERTIFICATE), closing(Client(url, Login.to(url))) as client:
        assert client.frame("SELECT 1").item() == 1


def test_a_query_can_be_cancelled(secure: ClickHouse) -> None:
    with closing(Client(secure.url("default.calls"), Login(ca=CERTIFICATE))) as client:
        cancel_endless_query(client, secure)
        assert client.frame("SELECT 1").item() == 1


def test_without_tls_nothing_is_answered(secure: ClickHouse) -> None:
    plain = TableUrl.of(f"clickhouse://127.0.0.1:{secure.port}/llm.calls")
    with pytest.raises(ServerGoneError, match="the connection broke"):
        Client(plain).frame("SELECT 1")


def test_an_export_to_it_needs_the_authority(secure: ClickHouse, sample: Path, llmlog: Run) -> None:
    for statement in statements():
        secure.query(statement)
    to = ("export", sample, "--to", secure.url("llm.lines"))
    assert is_refused(llmlog(*to), "--ca FILE")
    assert is_refused(llmlog(*to, "--ca", sample.parent / "none.pem"), "no such file")
    done = llmlog(*to, "--ca", CERTIFICATE)
    assert (done.code, done.out) == (0, "")
    assert "965 records sent" in done.err
    read = ("stats", secure.url("llm.calls"), "--json")
    assert is_refused(llmlog(*read), "--ca FILE")
    assert json.loads(llmlog(*read, "--ca", CERTIFICATE).out)["records"] == 965
