"""The counts of a run are those of training on the same rows, whatever batches it scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.models import ChurnModel
from churn_mlops.models.feature_counts import added, count_features
from churn_mlops.models.scorers.lookup_tables import Axis
from tests.companies.customers import CONTRACT, customers, left

REFERENCE: dict[str, dict[str, Any]] = {
    "tenure": {"cuts": [1.0, 6.0, 24.0]},
    "plan": {"levels": ["monthly", "yearly", "(other)", "(missing)"]},
    "constant": {"cuts": []},
}
NUMBER = st.sampled_from([-5.0, 0.0, 1.0, 1.5, 6.0, 24.0, 24.5, 1e300, float("nan")])
ROWS = st.lists(st.tuples(NUMBER, st.integers(0, 3).map(float), NUMBER), max_size=30)


def counted(rows: list[tuple[float, ...]]) -> dict[str, Any]:
    return dict(count_features(REFERENCE, list(REFERENCE), np.array(rows, dtype=float).reshape(-1, len(REFERENCE))))


def test_the_training_rows_are_counted_as_training_counted_them() -> None:
    frame = customers(3000)
    fitted = ChurnModel("logistic_regression", contract=CONTRACT).fit(frame, left(frame))
    scores, counts = fitted.predictor.score_and_count(frame)
    np.testing.assert_array_equal(scores, fitted.predictor.score(frame))
    reference = fitted.predictor.bundle.reference["features"]
    assert list(counts) == list(reference)
    for name, one in reference.items():
        assert (np.array(counts[name]) / len(frame)).tolist() == one["shares"], name


@given(ROWS)
def test_every_row_is_in_the_cell_that_training_puts_it_in(rows: list[tuple[float, ...]]) -> None:
    found = counted(rows)
    for place, (name, one) in enumerate(REFERENCE.items()):
        axis = Axis(name, np.array(one["cuts"]) if "cuts" in one else None, ("monthly", "yearly"))
        inputs = np.array([row[place] for row in rows], dtype=float)
        assert found[name] == np.bincount(axis.cells(inputs), minlength=axis.size).tolist()


@given(st.lists(ROWS, min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_batches_add_up_to_all_rows_in_any_order(batches: list[list[tuple[float, ...]]], draw: Any) -> None:
    rows = [row for batch in batches for row in batch]
    draw.shuffle(rows)
    assert added([counted(batch) for batch in batches]) == counted(rows)


def test_no_batch_has_no_counts() -> None:
    assert added([]) == {}
    assert counted([]) == {"tenure": [0] * 5, "plan": [0] * 4, "constant": [0, 0]}


@pytest.mark.parametrize("number", [1.0, 24.0])
def test_a_number_at_a_cut_belongs_to_the_step_below(number: float) -> None:
    place = REFERENCE["tenure"]["cuts"].index(number)
    assert counted([(number, 0.0, 0.0)])["tenure"][place] == 1
