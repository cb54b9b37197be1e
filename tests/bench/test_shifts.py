"""A short form of the study of shifts: one month of the demo company, lived again and again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bench.shifts.__main__ import (
    DECISIONS,
    chosen,
    earned,
    expected,
    is_enough,
    limit_of,
    observed,
    paged,
    table,
    within_reach,
)
from bench.shifts.changes import KINDS, Shift, drawn
from bench.shifts.company import Company, month_of
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.demo_company import write_company
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.models.train import fit_bundle

CHEAP = DECISIONS["cheap offers"]
SHIFT = Shift(kind="level", size=1.0, up=False, what=0, start=4, ramp=0, seed=1)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    files = write_company(tmp_path_factory.mktemp("shifts"), 6000, 8, 1)
    contract = load_contract(files.contract)
    assert isinstance(contract, HistoryContract)
    truth = pq.read_table(files.truth)
    day = sorted(set(truth["as_of"].to_pylist()))[4]
    month = month_of(open_tables(str(files.database), contract), contract, truth, day)
    y = month.rows.column(LABEL).to_numpy().astype(float)
    return Company([month] * 8, fit_bundle(month.rows, y, contract.flat(), "logistic_regression", seed=1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shift_changes_the_customers_or_the_source_from_its_month_on(company: Company, kind: str) -> None:
    shift = replace(SHIFT, kind=kind)
    months = list(company.shifted(shift))
    known, true = company.scored(company.months[0]).scores, company.months[0].true
    for place, month in enumerate(months):
        is_same = bool(np.all(month.scores == known)), bool((month.true == true).all())
        concept, source = ("reason lost", "unseen reason", "level", "group"), ("missing", "mixed up", "scaled")
        if place < shift.start:
            assert is_same == (True, True)
        else:
            assert is_same == (kind in concept, kind in source)
    assert months[-1].true.min() > 0
    assert np.all(months[-1].scores == company.scored(replace(months[-1], scores=None)).scores)


def test_a_shift_comes_in_steps() -> None:
    slow = replace(SHIFT, size=0.6, ramp=3)
    assert [slow.strength(month) for month in range(3, 8)] == pytest.approx([0, 0.2, 0.4, 0.6, 0.6])
    draw = np.random.default_rng(1)
    assert {drawn(draw).kind for _ in range(100)} == set(KINDS)


def test_a_company_that_loses_fewer_customers_earns_less_and_is_paged_and_a_quiet_one_is_not(company: Company) -> None:
    after = list(company.shifted(SHIFT))
    before = after[0]
    assert earned(after[-1], CHEAP) < 0.5 * earned(before, CHEAP)
    page = paged(observed(after, CHEAP, 1))
    assert page is not None
    assert page >= SHIFT.start
    assert paged(observed([before] * 8, CHEAP, 1)) is None


def test_a_test_that_knows_the_month_of_a_shift_finds_it_and_finds_nothing_without_one(company: Company) -> None:
    after = list(company.shifted(SHIFT))
    still = after[:1] * 8
    without = expected(still, CHEAP)
    assert within_reach(observed(after, CHEAP, 1), without, SHIFT.start)
    assert not within_reach(observed(still, CHEAP, 1), without, SHIFT.start)


def test_pages_are_right_late_early_or_missing() -> None:
    def run(fall: float, page: int | None, peer: int | None = None) -> dict[str, Any]:
        own = {"fall": fall, "page": page, "within_reach": fall > 0.1}
        return {"start": 5, "defaults": own, "peers": {"other": peer}}

    rows = [run(0.3, 7, 2), run(0.06, None, 6), run(0.2, 3), run(0.0, 8), run(-0.5, None), run(0.04, 4)]
    found = table(rows, "defaults", "product")
    assert (found["harmful"], found["harmless"], found["false_pages"], found["before_the_shift"]) == (3, 3, 3, 2)
    assert (found["precision"], found["recall"]) == (0.25, 0.333)
    assert found["recall_by_fall"] == {"5 to 10 %": [0, 1], "10 to 20 %": [0, 0], "20 % and more": [1, 2]}
    assert found["days_to_page"] == [97, 97]
    assert table(rows, "defaults", "other")["recall_by_fall"]["5 to 10 %"] == [1, 1]
    assert limit_of(rows, "defaults") == {"5 to 10 %": [0, 1], "10 to 20 %": [0, 0], "20 % and more": [2, 2]}
    assert len(chosen(rows, "defaults", 2)) == 4
    assert is_enough(rows, ["defaults"], 3)
    assert not is_enough(rows[:-1], ["defaults"], 3)
