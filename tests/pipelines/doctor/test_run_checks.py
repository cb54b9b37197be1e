"""``churn doctor``: settings, contract and source; no check hides another, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as parquet
import pytest

from tests.companies.small import Company
from tests.pipelines.doctor.doctor_findings import CHECKS, change, files, found


def test_of_a_sound_company_every_check_is_ok(own_company: Company) -> None:
    checks = found(own_company.config())
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


def test_the_origin_of_the_settings_is_reported(company: Company) -> None:
    said = found(company.config())["configuration"].found
    assert (
        said == f"{company.folder / 'config.yaml'} sets 8, the environment CHURN__SERVING__PORT; the rest are defaults"
    )


def test_a_secret_from_a_file_is_reported_by_its_variable_alone(company: Company, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 32)
    said = found(company.config(), {"CHURN__WEBHOOK__SECRET_FILE": str(tmp_path / "secret")})["configuration"].found
    assert said.endswith(", CHURN__WEBHOOK__SECRET_FILE; the rest are defaults")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("CHURN_SERVING_PORT", "CHURN__SERVING__PORT"),
        ("CHURN_MODELS__FOLDER", "CHURN__MODELS__FOLDER"),
        ("churn__source__url", "CHURN__SOURCE__URL"),
        ("CHURN_DECISION_TRESHOLD", "CHURN__DECISION__THRESHOLD"),
    ],
)
def test_a_variable_that_looks_like_a_setting_is_reported(company: Company, variable: str, meant: str) -> None:
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


def test_a_broken_contract_is_named_and_the_source_is_still_checked(own_company: Company) -> None:
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


def test_a_column_that_the_contract_does_not_know_is_reported(own_company: Company) -> None:
    own_company.rewrite(lambda rows: [row | {"shoe_size": "42"} for row in rows])
    finding = found(own_company.config())["source"]
    assert finding.status == "warning"
    assert finding.found.endswith("the contract does not know 'shoe_size'")


@pytest.mark.parametrize("kind", ["parquet", "sqlite", "duckdb"])
def test_any_kind_of_source_lists_its_columns(own_company: Company, kind: str) -> None:
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


def test_every_finding_is_plain_data(company: Company) -> None:
    for finding in found(company.config()).values():
        assert json.loads(json.dumps(vars(finding))) == vars(finding)
        assert "\n" not in str(finding)
