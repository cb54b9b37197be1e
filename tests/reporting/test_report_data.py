"""The recorded facts: plain data, and nothing about a single customer."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.pipelines.training.report import Recorded
from churn_mlops.reporting import read_report
from churn_mlops.reporting.build import _subject
from churn_mlops.reporting.report_data import SMALLEST_GROUP, ReportError
from tests.companies.small import Company


def test_facts_survive_json_unchanged(found: Recorded) -> None:
    written = json.dumps(found.report.to_dict(), allow_nan=False)
    assert read_report(json.loads(written), "version 1") == found.report


def test_a_newer_or_broken_document_is_refused_with_what_to_do(found: Recorded) -> None:
    document = found.report.to_dict()
    with pytest.raises(ReportError, match="version 3 has format 2; this program reads up to 1: update"):
        read_report(document | {"format": 2}, "version 3")
    with pytest.raises(ReportError, match=r"with version 3 cannot be read \(at counts\): train again"):
        read_report(document | {"counts": None}, "version 3")
    with pytest.raises(ReportError, match="train again"):
        read_report([], "version 3")


def test_no_single_customer_is_in_the_facts(found: Recorded, company: Company) -> None:
    written = json.dumps(found.report.to_dict())
    assert not any(row["customer_id"] in written for row in company.rows())
    assert all(segment.customers >= SMALLEST_GROUP for segment in found.report.segments)
    assert all(each.customers >= SMALLEST_GROUP for each in found.report.calibration)
    cells = [cell for effect in found.report.effects for cell in effect.cells]
    assert {"step", "level"} <= {cell.kind for cell in cells}
    assert all(cell.rows >= SMALLEST_GROUP for cell in cells)


def test_a_horizon_left_to_the_default_is_not_taken_for_stated(company: Company) -> None:
    assert company.trained is not None
    bundle = replace(company.trained.bundle, contract=DataContract.load(company.settings.contract.path))
    assert _subject(bundle, 0.0).horizon_stated
    unstated = replace(bundle, contract=DataContract.from_dict(bundle.contract.to_dict()))
    assert (_subject(unstated, 0.0).horizon_days, _subject(unstated, 0.0).horizon_stated) == (30, False)


def test_the_facts_are_those_of_the_training(found: Recorded, company: Company) -> None:
    trained, report = company.trained, found.report
    assert trained is not None
    assert (found.version, found.is_live) == (1, True)
    assert report.counts.source == len(company.rows())
    assert report.counts.left == sum(row["churned"] == "yes" for row in company.rows())
    assert report.counts == trained.counts
    assert report.counts.customers == report.counts.trained_on + report.counts.set_aside
    assert report.metrics["auc"].value == trained.metrics["auc"].value
    assert report.made.model_sha256 == trained.bundle.sha256
    assert report.made.verdict == trained.decision.sentence
    assert {effect.feature for effect in report.effects} == set(trained.bundle.contract.features)
    assert all(effect.importance and effect.cells for effect in report.effects)
    assert sum(each.customers for each in report.calibration) == trained.counts.set_aside
