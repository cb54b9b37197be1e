"""A daily run goes on where the column of `renewal` is gone, and says so; a column that guards customers stops it."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
import pytest
from structlog.testing import capture_logs

from churn_mlops.cli.scoring import show
from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.errors import ContractError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.fit_settings import FitSettings
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.pipelines.doctor.contract_and_source import source_found
from churn_mlops.pipelines.inputs.validate_source import validate_source
from churn_mlops.pipelines.scoring.publish import run_day
from tests.pipelines.scoring.test_renewal import AS_OF, NOW, ROWS, contract

# A job leaves its connections to the end of its process.
pytestmark = pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
LOST = {
    "its column is gone": (
        "ALTER TABLE plans DROP COLUMN period_end",
        "table 'plans' has no column 'period_end'; nearest: 'loaded'",
    ),
    "it holds no dates": (
        "ALTER TABLE plans DROP COLUMN period_end; ALTER TABLE plans ADD COLUMN period_end integer",
        "column 'period_end' of table 'plans' is of type int32, which holds no dates",
    ),
}


@pytest.fixture(params=["duckdb", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A company whose live model knows a renewal."""
    address = str(tmp_path / "company.duckdb")
    if request.param == "postgresql":
        address = str(request.getfixturevalue("postgres"))
    run_sql(address, ROWS)
    return settings_of(tmp_path, address, contract())


def settings_of(folder: Path, address: str, declared: HistoryContract) -> Settings:
    given = {
        "source": {"url": address, "as_of": str(AS_OF)},
        "contract": {"path": folder / "contract.yaml"},
        "models": {"folder": folder / "models"},
        "store": {"url": f"sqlite:///{folder / 'churn.db'}", "tombstones": folder / "tombstones.jsonl"},
    }
    settings = Settings.model_validate(given)
    settings.contract.path.write_text(json.dumps(declared.to_dict()), encoding="utf-8")
    Deployer(settings).deploy(bundle_of(declared), version="1", provenance={}, reason="first")
    return settings


def bundle_of(declared: HistoryContract) -> Bundle:
    draw = np.random.default_rng(1)
    rows = pa.table({"visits": draw.poisson(3.0, 200).astype(float), "days": draw.uniform(1.0, 90.0, 200)})
    y = (draw.random(200) < 0.3).astype(float)
    flat = declared.flat()
    return fit_bundle(rows, y, flat, "logistic_regression", history=declared, settings=FitSettings(threads=1))


def run_sql(address: str, sql: str) -> None:
    if address.startswith("postgres"):
        with psycopg.connect(address) as server:
            server.execute(sql)
    else:
        with duckdb.connect(address) as file:
            file.execute(sql)


@pytest.mark.parametrize("lost", LOST)
def test_a_list_is_made_without_a_renewal_and_every_face_names_it(
    settings: Settings, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    sql, reason = LOST[lost]
    before = run_day(settings, now=NOW)
    assert (before.run.warnings, before.scored.total) == ((), 5)
    run_sql(str(settings.source.url), sql)
    with capture_logs() as logs:
        after = run_day(settings, now=NOW)
    assert after.scored.customers.to_pydict() == before.scored.customers.to_pydict()  # no score rests on it
    (warning,) = after.run.warnings
    assert warning.startswith(f"warning: plans.period_end: renewal unread; {reason}. No renewal date is shown")
    (event,) = [one for one in logs if one["event"] == "renewal_unread"]
    assert (event["renewal"], event["reason"], event["log_level"]) == ("plans.period_end", reason, "warning")
    show(after.scored, settings)
    assert f"Renewal: {reason}. No renewal date is shown until" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("lost", LOST)
def test_validate_and_doctor_name_a_renewal_that_is_lost_and_stop_nothing(settings: Settings, lost: str) -> None:
    sql, reason = LOST[lost]
    assert "renewal_unread" not in {one.rule for one in validate_source(settings, None, NOW).problems}
    assert {one.check: one.status for one in source_found(settings)}["source"] == "ok"
    run_sql(str(settings.source.url), sql)
    (problem,) = [one for one in validate_source(settings, None, NOW).problems if one.rule == "renewal_unread"]
    assert (problem.severity, problem.column, reason in problem.advice) == ("warning", "plans.period_end", True)
    (found,) = [one for one in source_found(settings) if one.check == "source"]
    assert (found.status, reason in found.found) == ("warning", True)


def test_a_household_whose_column_is_gone_stops_the_run_since_it_guards_customers(tmp_path: Path) -> None:
    address = str(tmp_path / "company.duckdb")
    run_sql(address, f"{ROWS}; ALTER TABLE people ADD COLUMN home text")
    settings = settings_of(tmp_path, address, contract(household="home"))
    assert run_day(settings, now=NOW).scored.total == 5
    run_sql(address, "ALTER TABLE people DROP COLUMN home")
    with pytest.raises(ContractError, match="household 'home', which is no column of the customers"):
        run_day(settings, now=NOW)
