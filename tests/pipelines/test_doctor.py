"""``churn doctor``: what each check finds, that none hides another, and that nothing is changed."""

from __future__ import annotations

import json
import re
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as parquet
import pytest
from packaging.requirements import Requirement

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.models.promotion import LiveModels
from churn_mlops.pipelines.doctor import Finding, examine, machine, versions
from churn_mlops.pipelines.promote import promote
from churn_mlops.serving.live import LiveSource
from churn_mlops.serving.server import Server, address_of, listen, load_champion
from tests.company import Company

CHECKS = {
    "configuration", "environment", "contract", "source", "models folder", "champion", "champion's contract", "MLflow",
    "disk", "port", "Python", "libraries", "machine",
}  # fmt: skip
Found = dict[str, Finding]


def found(config: Path | None, environ: Mapping[str, str] | None = None) -> Found:
    return {
        finding.check: finding for finding in examine(config, {"CHURN__SERVING__PORT": "0"} | (environ or {}), listen)
    }


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Everything on disk, with when it was written."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in folder.rglob("*")
    }


def test_of_a_sound_company_every_check_is_ok(company: Company) -> None:
    checks = found(company.config())
    assert set(checks) == CHECKS
    assert {check: str(finding) for check, finding in checks.items() if finding.status != "ok"} == {}
    assert "10 columns, all that the contract declares" in checks["source"].found
    assert "gives its 10 recorded scores" in checks["champion"].found
    assert checks["MLflow"].found.endswith("its champion is the version that is live, 1")


def test_nothing_is_changed_on_disk(own_company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = own_company.config()
    before = files(tmp_path)
    found(config)
    found(None)  # where nothing is there yet
    after = files(tmp_path)
    folders = {str(own_company.settings.models.folder), str(own_company.settings.models.folder / "bundles")}
    assert {path: content for path, content in after.items() if path not in folders} == {
        path: content for path, content in before.items() if path not in folders
    }  # the write probe touches the time of these two


def test_where_nothing_is_there_yet_it_says_how_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checks = found(None)
    assert {check: finding.status for check, finding in checks.items() if finding.status != "ok"} == {
        "contract": "failed",
        "source": "warning",
        "champion": "warning",
    }
    assert "`churn init`" in checks["contract"].found
    assert "`churn init --from FILE`" in checks["source"].advice
    assert "`churn train`" in checks["champion"].advice
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("harm", "named"),
    [
        (lambda text: text + "serving: {prot: 1}\n", "serving.prot is not a setting; did you mean serving.port?"),
        (lambda text: text + "decision: {threshold: 7}\n", "less than or equal to 1 (it is 7)"),
        (lambda text: text + "decision: {medium_from: 0.9, high_from: 0.1}\n", "`medium_from` is above `high_from`"),
        (lambda text: text + "servin: {port: 1}\n", "servin is not a setting; did you mean serving?"),
    ],
    ids=["unknown key", "out of range", "two that do not fit", "unknown section"],
)
def test_a_wrong_setting_is_named_and_hides_nothing(
    own_company: Company, harm: Callable[[str], str], named: str
) -> None:
    config = own_company.config()
    config.write_text(harm(config.read_text()))
    checks = found(config)
    assert checks["configuration"].status == "failed"
    assert named in checks["configuration"].found
    assert {check for check, finding in checks.items() if finding.status != "ok"} == {"configuration"}


@pytest.mark.parametrize("text", ["{", "- 1", "\0"], ids=["no YAML", "no sections", "no text"])
def test_settings_that_cannot_be_read_hide_no_other_check(own_company: Company, text: str) -> None:
    config = own_company.config()
    config.write_text(text)
    checks = found(config, {"CHURN__CONTRACT__PATH": str(own_company.settings.contract.path)})
    assert checks["configuration"].status == "failed"
    assert checks["contract"].status == "ok"
    assert {"disk", "port", "libraries"} <= set(checks)


def test_where_the_settings_come_from_is_said(company: Company) -> None:
    said = found(company.config())["configuration"].found
    assert (
        said == f"{company.folder / 'config.yaml'} sets 6, the environment CHURN__SERVING__PORT; the rest are defaults"
    )


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CHURN_SERVING_PORT", "CHURN__SERVING__PORT"),
        ("CHURN_MODELS__FOLDER", "CHURN__MODELS__FOLDER"),
        ("churn__source__url", "CHURN__SOURCE__URL"),
        ("CHURN_DECISION_TRESHOLD", "CHURN__DECISION__THRESHOLD"),
    ],
)
def test_a_variable_that_looks_like_a_setting_is_told(company: Company, variable: str, meant: str) -> None:
    finding = found(company.config(), {variable: "x"})["environment"]
    assert (finding.status, finding.advice) == ("warning", f"write {meant}")
    assert variable in finding.found


@pytest.mark.parametrize("variable", ["CHURN_PORT", "CHURN_SERVICE_HOST", "CHURN_PORT_8000_TCP", "CHURN_DATA"])
def test_a_variable_of_others_is_let_alone(company: Company, variable: str) -> None:
    assert found(company.config(), {variable: "x"})["environment"].status == "ok"


def test_a_contract_without_a_label_can_score_but_not_train(own_company: Company) -> None:
    change(
        own_company.settings.contract.path, "label: {column: churned", "set_aside: {churned: {reason: by_choice}}\n#"
    )
    finding = found(own_company.config())["contract"]
    assert (finding.status, "no label" in finding.found) == ("warning", True)
    assert "none can be trained" in finding.advice


def test_a_broken_contract_is_named_and_the_source_looked_at_all_the_same(own_company: Company) -> None:
    own_company.settings.contract.path.write_text("features: {}\n")
    checks = found(own_company.config())
    assert checks["contract"].status == "failed"
    assert "name: Field required" in checks["contract"].found
    assert (checks["source"].status, "10 columns" in checks["source"].found) == ("warning", True)
    assert checks["champion"].status == "ok"


@pytest.mark.parametrize(
    ("old", "new", "status", "named"),
    [
        ("tenure,", "tenures,", "failed", "without 'tenure' of the contract (nearest: 'tenures')"),
        ("customer_id,", "client,", "failed", "without 'customer_id' of the contract"),
        (",churned\n", ",gone\n", "warning", "without the label 'churned'"),
    ],
)
def test_columns_that_do_not_fit_the_contract_are_named(
    own_company: Company, old: str, new: str, status: str, named: str
) -> None:
    change(own_company.folder / "customers.csv", old, new)
    finding = found(own_company.config())["source"]
    assert (finding.status, named in finding.found) == (status, True), finding


def test_a_column_that_the_contract_does_not_know_is_told(own_company: Company) -> None:
    own_company.rewrite(lambda rows: [row | {"shoe_size": "42"} for row in rows])
    finding = found(own_company.config())["source"]
    assert finding.status == "warning"
    assert finding.found.endswith("the contract does not know 'shoe_size'")


@pytest.mark.parametrize("kind", ["parquet", "sqlite", "duckdb"])
def test_any_kind_of_source_tells_its_columns(own_company: Company, kind: str) -> None:
    address = own_company.folder / f"customers.{kind}"
    rows = pa_csv.read_csv(own_company.folder / "customers.csv")
    if kind == "parquet":
        parquet.write_table(rows, address)
    elif kind == "sqlite":
        import sqlite3

        rows.to_pandas().to_sql("customers", connection := sqlite3.connect(address), index=False)
        connection.close()
    else:
        import duckdb

        with duckdb.connect(str(address)) as database:
            database.execute("CREATE TABLE customers AS SELECT * FROM rows")
    finding = found(own_company.with_settings("source", url=str(address)).config())["source"]
    assert (finding.status, "10 columns" in finding.found) == ("ok", True), finding


@pytest.mark.parametrize(
    "name", ["customers.parquet", "customers.sqlite", "customers.duckdb", "customers.csv", "x.csv"]
)
def test_a_source_that_is_none_is_a_finding(own_company: Company, name: str) -> None:
    address = own_company.folder / name
    if name != "x.csv":
        address.write_bytes(b"\x89not what its name says\0\xff")
    checks = found(own_company.with_settings("source", url=str(address)).config())
    assert checks["source"].status == "failed"
    assert name in checks["source"].found
    assert set(checks) == CHECKS


@pytest.mark.parametrize("password", ["hunter2", "hunter2/x", "hunter2#x", "hunter2:x", "hunter2@x", "hunter2?x"])
def test_no_password_is_shown(own_company: Company, password: str) -> None:
    changed = own_company.with_settings("source", url=f"postgres://me:{password}@127.0.0.1:1/shop").with_settings(
        "mlflow", uri=f"http://me:{password}@127.0.0.1:1/"
    )
    checks = found(changed.config())
    assert checks["source"].status == "failed"
    assert checks["MLflow"].status == "failed"
    assert "hunter2" not in repr(checks)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def bundle_of(company: Company) -> Path:
    return next((company.settings.models.folder / "bundles").glob("*.bundle"))


def cut_bundle(company: Company) -> None:
    bundle_of(company).write_bytes(bundle_of(company).read_bytes()[:700])


@pytest.mark.parametrize(
    "harm",
    [
        lambda company: company.live.write_text("[{"),
        lambda company: company.live.write_text('[{"version": 3}]'),
        lambda company: bundle_of(company).unlink(),
        cut_bundle,
        lambda company: bundle_of(company).write_bytes(b"\xff\n" * 9),
    ],
    ids=["live.json cut", "live.json of another program", "no bundle", "bundle cut", "no bundle at all"],
)
def test_a_champion_that_cannot_be_trusted_is_told_and_the_advice_mends_it(
    own_company: Company, harm: Callable[[Company], object]
) -> None:
    harm(own_company)
    checks = found(own_company.config())
    assert checks["champion"].status == "failed"
    assert set(checks) >= CHECKS - {"champion's contract"}
    advice = checks["champion"].advice
    for command in re.findall(r"`(mv .*?)`", advice):
        subprocess.run(shlex.split(command), check=True)
    assert "`churn models promote VERSION --reason ...`" in advice
    promote(own_company.settings, 1, "it was live")
    assert found(own_company.config())["champion"].status == "ok"


def test_a_folder_that_everybody_may_write_is_told(own_company: Company) -> None:
    own_company.settings.models.folder.chmod(0o777)
    assert "everybody" in found(own_company.config())["models folder"].found
    own_company.settings.models.folder.chmod(0o700)
    assert "may be read by its owner only" in found(own_company.config())["models folder"].found


def test_a_models_folder_that_is_a_file_is_told(own_company: Company) -> None:
    changed = own_company.with_settings("models", folder=own_company.settings.contract.path)
    checks = found(changed.config())
    assert checks["models folder"].status == "failed"
    assert "set models.folder to another" in checks["models folder"].advice
    assert checks["champion"].advice == "see the check of the models folder"
    assert set(checks) >= CHECKS - {"champion's contract"}


def test_a_champion_of_another_contract_should_be_trained_again(own_company: Company) -> None:
    contract = own_company.settings.contract.path
    change(contract, "  tenure:\n", "  months:\n    column: tenure\n")
    change(contract, "[month-to-month, one_year, two_year]", "[month-to-month, one_year, two_year, weekly]")
    finding = found(own_company.config())["champion's contract"]
    assert finding.status == "warning"
    assert "months is new; tenure is gone; contract_type is declared in another way" in finding.found
    assert "`churn train`" in finding.advice


def test_words_and_ranges_may_change_without_training(own_company: Company) -> None:
    change(own_company.settings.contract.path, "range: [1, 72]", "range: [1, 80]")
    change(own_company.settings.contract.path, "title: tenure", "title: months with us")
    assert found(own_company.config())["champion's contract"].status == "ok"


def test_a_record_that_names_another_champion_is_told(own_company: Company) -> None:
    change(own_company.live, '"version": "1"', '"version": "7"')
    finding = found(own_company.config())["MLflow"]
    assert finding.status == "warning"
    assert finding.found.endswith("calls version 1 champion, but version 7 is live")
    assert "`churn models promote 7" in finding.advice
    own_company.live.unlink()
    assert found(own_company.config())["MLflow"].found.endswith("calls version 1 champion, but none is live")


def test_a_record_that_is_no_database_is_told(own_company: Company) -> None:
    (own_company.folder / "mlflow.db").write_bytes(b"nothing of the kind" * 99)
    checks = found(own_company.config())
    assert checks["MLflow"].status == "failed"
    assert "mlflow.uri" in checks["MLflow"].advice


def test_little_room_is_told_with_its_place(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_port_of_another_program_is_told(company: Company, taken: int) -> None:
    finding = found(company.config(), {"CHURN__SERVING__PORT": str(taken)})["port"]
    assert finding.status == "failed"
    assert f"port {taken} of 127.0.0.1 is in use" in finding.found


def test_an_address_that_the_server_would_refuse_is_told(company: Company) -> None:
    finding = found(company.config(), {"CHURN__SERVING__HOST": "0.0.0.0"})["port"]
    assert (finding.status, "loopback" in finding.found) == ("failed", True)


def test_our_own_server_on_the_port_is_known_and_its_version_compared(own_company: Company) -> None:
    listening = listen("127.0.0.1", 0)
    ready = threading.Event()
    source = LiveSource(load_champion(own_company.settings))
    server = Server(source, own_company.settings, address_of(listening), lambda address: ready.set())
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
    ("declared", "told"),
    [
        ("numpy>=1", None),
        ("numpy<1", "numpy is "),
        ("no-such-library>=1", "no-such-library is not installed"),
    ],
)
def test_a_library_out_of_bounds_is_named(declared: str, told: str | None) -> None:
    said = versions._wrong(Requirement(declared))
    assert said is None if told is None else said is not None and said.startswith(told)


def test_a_python_out_of_bounds_is_named() -> None:
    assert versions._python_found("<3").status == "failed"


def test_a_package_that_is_not_installed_is_told(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "DISTRIBUTION", "not-of-this-world")
    finding = found(company.config())["Python"]
    assert (finding.status, "not installed" in finding.found) == ("warning", True)


def test_a_tree_model_needs_lightgbm(own_company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = DataContract.load(own_company.settings.contract.path)
    rows = [row for row in own_company.rows() if row["churned"]][:800]
    forest = ChurnModel("random_forest", contract=contract).fit(rows, [row["churned"] for row in rows])
    live = LiveModels(own_company.settings.models.folder)
    live.publish(forest.bundle_, version="2", provenance={}, reason="test")
    assert found(own_company.config())["LightGBM"].status == "ok"
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    checks = found(own_company.config())
    assert (checks["LightGBM"].status, checks["champion"].status) == ("failed", "failed")
    assert "champion 2 (random_forest) needs LightGBM" in checks["LightGBM"].found


def test_every_finding_is_plain_data(company: Company) -> None:
    for finding in found(company.config()).values():
        assert json.loads(json.dumps(vars(finding))) == vars(finding)
        assert "\n" not in str(finding)
