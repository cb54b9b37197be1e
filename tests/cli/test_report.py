"""``churn report``."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest

from churn_mlops.models.registry import bundle_of
from churn_mlops.models.tracking import Run, log_run
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from tests.cli.conftest import Churn
from tests.companies.small import Company


def test_the_report_of_the_live_version_and_its_pictures_are_written(churn: Churn, company: Company) -> None:
    result = churn("--config", company.config(), "report", "--pictures", "pictures")
    assert (result.code, result.err) == (0, "")
    assert "Wrote the report of version 1 to report-1.html." in result.out
    page = Path("report-1.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "live now" in page
    written = sorted(path.name for path in Path("pictures").iterdir())
    assert f"Wrote its {len(written) // 2} pictures to pictures/, each as SVG and PNG." in result.out
    assert {"roc.svg", "roc.png", "profit.png", "feature-1.svg"} <= set(written)
    assert Path("pictures/roc.png").read_bytes().startswith(b"\x89PNG")
    assert "Churners found against false alarms (ROC)" in Path("pictures/roc.svg").read_text(encoding="utf-8")


def test_the_report_needs_the_record_only_and_not_the_data(churn: Churn, company: Company) -> None:
    away = company.with_settings("source", url="gone.csv").with_settings("contract", path=Path("gone.yaml"))
    config = Path("config.yaml")
    config.write_bytes(away.config().read_bytes())
    company.config()
    again = churn("--config", config, "report", "1", "--out", "a/b.html", "--customers", "100000")
    assert again.code == 0
    assert "100,000" in Path("a/b.html").read_text(encoding="utf-8")


def test_json_prints_the_facts_and_writes_nothing(churn: Churn, company: Company) -> None:
    result = churn("--config", company.config(), "report", "--json")
    facts = json.loads(result.out)
    assert (facts["version"], facts["live"], facts["subject"]["name"]) == (1, True, "demo")
    assert facts["counts"]["source"] == len(company.rows())
    assert list(Path().iterdir()) == []
    assert churn("--config", company.config(), "report", "--json", "--out", "x.html").code == 2


def test_a_version_that_is_not_there_is_named(churn: Churn, company: Company) -> None:
    result = churn("--config", company.config(), "report", "9")
    assert result.code == 1
    assert "there is no version 9 of 'churn': `churn models list`" in result.err


def test_without_a_live_model_it_says_what_to_do(churn: Churn, own_company: Company) -> None:
    shutil.rmtree(own_company.settings.models.folder)
    result = churn("--config", own_company.config(), "report")
    assert result.code == 1
    assert "no model is live in" in result.err
    assert "churn train" in result.err


def test_a_version_recorded_without_a_report_says_to_train_again(churn: Churn, own_company: Company) -> None:
    bundle = bundle_of(tracking(own_company.settings), 1)
    place = replace(tracking(own_company.settings), experiment="old")
    _, version = log_run(place, Run(bundle, {}, {}, {}, {"provenance.json": {}}))
    result = churn("--config", own_company.config(), "report", version)
    assert result.code == 1
    assert f"version {version} was recorded without a report: train again with `churn train`" in result.err


@pytest.mark.parametrize("option", ["--out", "--pictures"])
def test_a_place_that_cannot_be_written_is_named(churn: Churn, company: Company, option: str) -> None:
    Path("file").write_text("in the way")
    result = churn("--config", company.config(), "report", option, "file/x")
    assert result.code == 1
    assert "cannot write file" in result.err
    assert "Not a directory" in result.err or "File exists" in result.err


def test_training_records_the_card_and_says_how_to_read_the_report(churn: Churn, own_company: Company) -> None:
    config = own_company.config()
    printed = churn("--config", config, "train").out
    assert f"in pictures: churn --config {config} report 2" in printed
    place = own_company.settings.mlflow
    client = mlflow.MlflowClient(place.uri, place.uri)
    version = client.get_model_version(place.model_name, "2")
    assert version.description.startswith("# Model card: demo\n")
    assert "model_card.md" in {found.path for found in client.list_artifacts(str(version.run_id))}
