"""Real server processes with keys, on one PostgreSQL: they agree on who is let in."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key, revoke_key
from tests.command import runner
from tests.serving.processes import ADMIN_KEY, ask, folder, replica

__all__ = ["folder"]  # a fixture


def test_two_processes_agree_on_keys_that_are_made_and_revoked(
    folder: Path, postgres_store: str, tmp_path: Path
) -> None:
    with open_store(postgres_store) as store, ExitStack() as running:
        first, _ = make_key(store, "crm", "service", by="test")
        common = {"store__url": postgres_store, "store__customer_hash_key": "secret"}
        common |= {"serving__key_refresh_seconds": "0.1"}
        logs = [tmp_path / "0.log", tmp_path / "1.log"]
        ports = [
            running.enter_context(replica(folder, logs[0], **common)),
            running.enter_context(replica(folder, logs[1], **common, serving__admin_key_file="admin.key")),
        ]
        for port in reversed(ports):  # the second one brings the admin key along
            assert ask(port, None, "GET", "/ready")[0] == 200
            assert [ask(port, key)[0] for key in (None, "churn_wrong", first, ADMIN_KEY)] == [401, 401, 200, 200]
        second, made = make_key(store, "crm-2", "agent", by="test")
        assert [ask(port, second)[0] for port in ports] == [200, 200]
        assert [ask(port, second, "GET", "/metrics")[0] for port in ports] == [403, 403]
        revoke_key(store, made.id, by="test")
        until = time.monotonic() + 5
        alive = set(ports)
        while alive and time.monotonic() < until:
            alive = {port for port in alive if ask(port, second)[0] == 200}
        assert alive == set()
        assert [ask(port, first)[0] for port in ports] == [200, 200]
    text = "".join(log.read_text() for log in logs)
    assert text.count('"request_answered"') > 10
    for secret in (first, second, ADMIN_KEY, "fiber_optic", "65.5", "Bearer"):
        assert secret not in text


def test_without_keys_another_address_than_loopback_is_refused_with_the_way_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = runner(monkeypatch, capsys)("serve", "--host", "0.0.0.0", "--port", "0")
    assert result.code == 1
    assert "without API keys the server binds to the loopback address only" in result.err
    assert "`churn keys create --name NAME --role admin`" in result.err


def test_with_the_hash_key_of_the_program_a_server_starts_for_this_machine_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CHURN__SERVING__ADMIN_KEY_FILE", "admin.key")
    result = runner(monkeypatch, capsys)("serve", "--host", "0.0.0.0", "--port", "0")
    assert result.code == 1
    assert "store.customer_hash_key is the one that comes with the program, and other machines reach" in result.err
    assert "CHURN__STORE__CUSTOMER_HASH_KEY_FILE" in result.err


@pytest.mark.parametrize(("content", "message"), [("short", "is no key"), (None, "cannot be read")])
def test_an_admin_key_file_that_holds_no_key_stops_the_start_without_showing_it(
    content: str | None,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "key").write_text(content)
    monkeypatch.setenv("CHURN__SERVING__ADMIN_KEY_FILE", "key")
    result = runner(monkeypatch, capsys)("serve", "--port", "0")
    assert result.code == 1
    assert message in result.err
    assert "short" not in result.err
