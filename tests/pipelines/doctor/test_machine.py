"""``churn doctor`` on the machine: disk, port, libraries."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.pipelines.doctor import machine, versions
from churn_mlops.serving.model.model_watcher import load_champion
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.server import Server, address_of, listen
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from tests.companies.models_folder import fill_folder
from tests.companies.small import Company
from tests.pipelines.doctor.doctor_findings import change, found


def test_little_disk_space_is_reported_with_its_folder(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ENOUGH", 1 << 60)
    finding = found(company.config())["disk"]
    assert finding.status == "warning"
    assert f"models ({company.settings.models.folder})" in finding.found
    assert "make room on the file system of " in finding.advice


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program holds."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        yield other.getsockname()[1]


def test_a_port_of_another_program_is_reported(company: Company, taken: int) -> None:
    finding = found(company.config(), {"CHURN__SERVING__PORT": str(taken)})["port"]
    assert finding.status == "failed"
    assert f"port {taken} of 127.0.0.1 is in use" in finding.found


def test_an_address_that_the_server_would_refuse_is_reported(company: Company) -> None:
    finding = found(company.config(), {"CHURN__SERVING__HOST": "0.0.0.0"})["port"]
    assert (finding.status, "loopback" in finding.found) == ("failed", True)


def test_an_address_that_others_reach_is_fine_once_there_are_keys(company: Company, tmp_path: Path) -> None:
    environ = {
        "CHURN__SERVING__HOST": "0.0.0.0",
        "CHURN__STORE__URL": f"sqlite:///{tmp_path}/keys.db",
        "CHURN__STORE__CUSTOMER_HASH_KEY": "secret",
    }
    assert found(company.config(), environ)["port"].status == "failed"
    assert not (tmp_path / "keys.db").exists()
    with open_store(environ["CHURN__STORE__URL"]) as store:
        assert found(company.config(), environ)["port"].status == "failed"
        make_key(store, "me", "admin", by="test")
    assert found(company.config(), environ)["port"].status == "ok"


def test_a_hash_key_with_which_no_server_would_start_is_reported(company: Company) -> None:
    finding = found(company.config(), {"CHURN__SERVING__HOST": "0.0.0.0"})["hash key"]
    assert (finding.status, "CHURN__STORE__CUSTOMER_HASH_KEY_FILE" in finding.found) == ("failed", True)
    assert "hash key" not in found(company.config(), {})


def test_our_own_server_on_the_port_is_known_and_its_version_compared(own_company: Company) -> None:
    listening = listen("127.0.0.1", 0)
    ready = threading.Event()
    source = ModelSlot(load_champion(own_company.settings))
    server = Server(source, own_company.settings, address_of(listening), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(10)
        environ = {"CHURN__SERVING__PORT": str(listening.getsockname()[1])}
        finding = found(own_company.config(), environ)["port"]
        assert finding.status == "ok"
        assert finding.found.endswith("a churn server answers there already, with version 1")
        change(own_company.live, '"version": "1"', '"version": "2"')
        finding = found(own_company.config(), environ)["port"]
        assert finding.status == "warning"
        assert finding.found.endswith("with version 1, but 2 is live")
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()


@pytest.mark.parametrize(
    ("declared", "start"),
    [
        ("numpy>=1", None),
        ("numpy<1", "numpy is "),
        ("no-such-library>=1", "no-such-library is not installed"),
    ],
)
def test_a_library_out_of_bounds_is_named(declared: str, start: str | None) -> None:
    said = versions._wrong(Requirement(declared))
    assert said is None if start is None else said is not None and said.startswith(start)


def test_a_python_out_of_bounds_is_named() -> None:
    assert versions._python_found("<3").status == "failed"


def test_a_package_that_is_not_installed_is_reported(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "DISTRIBUTION", "not-of-this-world")
    finding = found(company.config())["Python"]
    assert (finding.status, "not installed" in finding.found) == ("warning", True)


def test_a_tree_model_needs_lightgbm(own_company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = DataContract.load(own_company.settings.contract.path)
    rows = [row for row in own_company.rows() if row["churned"]][:800]
    forest = ChurnModel("random_forest", contract=contract).fit(rows, [row["churned"] for row in rows])
    fill_folder(own_company.settings.models.folder, forest.bundle_, version="2")
    assert found(own_company.config())["LightGBM"].status == "ok"
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    checks = found(own_company.config())
    assert (checks["LightGBM"].status, checks["champion"].status) == ("failed", "failed")
    assert "champion 2 (random_forest) needs LightGBM" in checks["LightGBM"].found
