"""Copies of a customer under another ID stand on one side of test set and training set, and are reported."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from churn_mlops.models.fitting.copies import copy_groups
from churn_mlops.pipelines.inputs.validate_source import validate_source
from churn_mlops.pipelines.training.context import training_context
from churn_mlops.pipelines.training.prepare import PreparedData, prepare
from churn_mlops.pipelines.training.test_set import _numbers
from tests.companies.flat import write_demo
from tests.companies.small import Company, settings_in

CUSTOMERS = 1_200
COPIES = 300


@pytest.fixture
def plain(tmp_path: Path) -> Company:
    write_demo(tmp_path, CUSTOMERS, 1)
    return Company(tmp_path, settings_in(tmp_path))


def prepared(company: Company) -> PreparedData:
    return prepare(training_context(company.settings), date(2026, 6, 1))


def rows_of(found: PreparedData) -> tuple[set[str], set[str]]:
    train, test = ({str(row) for row in part.to_pylist()} for part in (found.data.train, found.data.test))
    return train, test


def test_no_copy_of_a_row_of_the_test_set_is_trained_on(plain: Company) -> None:
    before = prepared(plain)
    plain.rewrite(lambda rows: [*rows, *(row | {"customer_id": f"Z{row['customer_id']}"} for row in rows[:COPIES])])
    after = prepared(plain)
    trained, tested = rows_of(after)
    assert not trained & tested
    assert after.data.copies == sum(row["churned"] != "" for row in plain.rows()[:COPIES])
    # Who was in the test set stays there, so that all versions are compared on the same customers.
    assert rows_of(before)[1] <= tested
    assert (
        len(after.data.train) + len(after.data.test)
        == len(before.data.train) + len(before.data.test) + after.data.copies
    )
    assert after.data.train_customers == len(after.data.train)  # in the report, rows and customers are the same


def test_copies_are_reported_before_the_fit_and_a_file_without_them_is_not(plain: Company) -> None:
    assert "copies" not in {problem.rule for problem in prepared(plain).report.problems}
    assert validate_source(plain.settings, None).problems == ()
    plain.rewrite(lambda rows: [*rows, *(row | {"customer_id": f"Z{row['customer_id']}"} for row in rows[:COPIES])])
    found = prepared(plain)
    said = next(problem for problem in found.report.problems if problem.rule == "copies")
    assert (said.severity, said.rows) == ("warning", found.data.copies)
    assert "copies stay on one side of every split, in the test set if one of them is" in said.advice
    assert validate_source(plain.settings, None).problems == (said,)  # in the same words


def test_copies_are_found_in_the_training_set_by_the_fit_alone(plain: Company) -> None:
    plain.rewrite(lambda rows: [*rows, *(row | {"customer_id": f"Z{row['customer_id']}"} for row in rows[:COPIES])])
    data = prepared(plain).data
    groups = copy_groups([_numbers(column) for column in data.train.columns], data.train_y)
    assert groups is not None
    assert data.train_groups is not None
    assert len(set(groups.tolist())) == len(set(data.train_groups.tolist())) < len(data.train)
