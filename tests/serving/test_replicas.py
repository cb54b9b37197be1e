"""Real server processes with keys, on one PostgreSQL: they agree on who is let in."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key, revoke_key
from tests.command import runner
from tests.companies.flat import demo_columns, write_demo
from tests.companies.models_folder import fill_folder
from tests.test_api import CUSTOMER

ROOT = Path(__file__).parents[2]
CHURN = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]
ADMIN_KEY = "churn_" + "5a" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a model that is live."""
    folder = tmp_path_factory.mktemp("replicas")
    company = pd.DataFrame(demo_columns(1_500, seed=1))
    known = company[company["churned"] != ""]
    contract = DataContract.load(write_demo(folder, 10).contract)
    model = ChurnModel("logistic_regression", contract=contract, seed=1).fit(known[list(CUSTOMER)], known["churned"])
    fill_folder(folder / "models", model.bundle_)
    (folder / "admin.key").write_text(f"{ADMIN_KEY}\n")
    return folder


@contextmanager
def replica(folder: Path, log: Path, **settings: str) -> Iterator[int]:
    """The port of a server on all addresses, until the block ends."""
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    environ |= {f"CHURN__{name.upper()}": value for name, value in settings.items()}
    command = [*CHURN, "serve", "--host", "0.0.0.0", "--port", "0"]
    with (
        log.open("w") as said,
        subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+) ", process.stdout.readline())
            assert found, log.read_text()
            yield int(found[1])
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0
        finally:
            process.kill()


def ask(port: int, key: str | None, method: str = "POST", path: str = "/predict") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    connection.request(method, path, json.dumps(CUSTOMER) if method == "POST" else None, headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


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
