"""``churn doctor`` on the models: what is live, and what the record says of it."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from churn_mlops.pipelines.deployment.promote import promote, sync
from tests.companies.small import Company
from tests.pipelines.doctor.doctor_findings import CHECKS, change, found


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
def test_a_champion_that_cannot_be_trusted_is_reported_and_the_advice_mends_it(
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


@pytest.mark.parametrize("harm", [cut_bundle, lambda company: bundle_of(company).unlink()], ids=["cut", "gone"])
def test_a_damaged_champion_comes_back_from_a_store_that_has_it(
    own_company: Company, harm: Callable[[Company], object]
) -> None:
    sync(own_company.settings)
    harm(own_company)
    assert found(own_company.config())["champion"].advice.startswith("`churn models sync` fetches a file")
    sync(own_company.settings)
    assert found(own_company.config())["champion"].status == "ok"


def test_a_folder_that_everyone_may_write_is_reported(own_company: Company) -> None:
    own_company.settings.models.folder.chmod(0o777)
    assert "every user" in found(own_company.config())["models folder"].found
    own_company.settings.models.folder.chmod(0o700)
    assert "may be read by its owner only" in found(own_company.config())["models folder"].found


def test_a_models_folder_that_is_a_file_is_reported(own_company: Company) -> None:
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


def test_a_record_that_names_another_champion_is_reported(own_company: Company) -> None:
    change(own_company.live, '"version": "1"', '"version": "7"')
    finding = found(own_company.config())["MLflow"]
    assert finding.status == "warning"
    assert finding.found.endswith("calls version 1 champion, but version 7 is live")
    assert finding.advice.startswith("`churn models list` makes them agree")
    assert finding.advice.endswith("; a version that MLflow lost stays live")
    own_company.live.unlink()
    assert found(own_company.config())["MLflow"].found.endswith("calls version 1 champion, but none is live")


def test_a_record_that_is_no_database_is_reported(own_company: Company) -> None:
    (own_company.folder / "mlflow.db").write_bytes(b"nothing of the kind" * 99)
    checks = found(own_company.config())
    assert checks["MLflow"].status == "failed"
    assert "mlflow.uri" in checks["MLflow"].advice
