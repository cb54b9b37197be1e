"""The made-up company, and the versions that are fitted on its months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import ibis
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy.optimize import brentq
from scipy.special import expit

from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.fitting.inputs import FitSettings
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.training.test_set import COMPARED_CHURNERS, ComparedRows, at_latest_dates
from tests.companies.customers import CONTRACT, customers

Floats = npt.NDArray[np.float64]
WINDOW, TEST_SHARE = 12, 0.2
MEAN, SPREAD, DRIFT, JUMP = 0.06, 1.2, 0.08, 1.0
"""Churners a month; standard deviation of the log-odds; how much the reasons move in a month, and in a jump."""
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Month:
    """The customers of a month.

    Args:
        rows: as the models take them.
        true: churn probabilities, shape (customers,).
        left: 1 where the customer left within the month, else 0.
        when: the share of the month after which they left; meaningless for the others.
        in_test_set: no version trains on them.
    """

    rows: pa.Table
    true: Floats
    left: Floats
    when: Floats
    in_test_set: npt.NDArray[np.bool_]


def months(seed: int, count: int, size: int) -> list[Month]:
    """The months of a company, ``WINDOW`` more than ``count``."""
    draw, weights, found = np.random.default_rng(seed), np.ones(5), []
    jumps = set(draw.choice(np.arange(WINDOW + 3, WINDOW + count - 3), min(2, max(count - 6, 0)), replace=False))
    for month in range(WINDOW + count):
        weights = weights + draw.normal(0, DRIFT, 5) + (draw.normal(0, JUMP, 5) if month in jumps else 0)
        frame = customers(size, seed=1000 * seed + month)
        true = _probabilities(SPREAD * _shape(frame) @ (weights / np.linalg.norm(weights)))
        left = (draw.random(size) < true).astype(np.float64)
        found.append(Month(_typed(frame), true, left, draw.random(size), draw.random(size) < TEST_SHARE))
    return found


def _probabilities(log_odds: Floats) -> Floats:
    """The same order with a mean of `MEAN`: how many leave does not change, but who."""
    shift = brentq(lambda shift: float(expit(log_odds + shift).mean()) - MEAN, -30, 30)
    return np.asarray(expit(log_odds + shift))


def _shape(frame: pd.DataFrame) -> Floats:
    early = np.exp(-frame["tenure"].to_numpy() / 12)
    charges = pd.to_numeric(frame["charges"], errors="coerce").fillna(70.0).to_numpy()
    columns = (
        frame["plan"] == "monthly", early, frame["senior"] == 1, frame["channel"] == "shop", (charges - 70) / 50,
    )  # fmt: skip
    found = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    return np.asarray((found - found.mean(axis=0)) / found.std(axis=0))


def _typed(frame: pd.DataFrame) -> pa.Table:
    return read_snapshot(ibis.memtable(pa.Table.from_pandas(frame, preserve_index=False)), CONTRACT)


@dataclass(frozen=True)
class Fitted:
    """A version, and the rows on which it is compared."""

    bundle: Bundle
    compared: ComparedRows
    base_rate: float


def fitted(window: Sequence[Month], fault: str, seed: int) -> Fitted:
    """A version fitted on a window; ``fault`` is empty, ``shuffled`` or ``leak``."""
    parts = [(one.rows.filter(pa.array(~one.in_test_set)), one.left[~one.in_test_set]) for one in window]
    tested = [(one.rows.filter(pa.array(one.in_test_set)), one.left[one.in_test_set]) for one in window]
    y = np.concatenate([labels for _, labels in parts])
    if fault == "shuffled":
        parts = [(rows, np.random.default_rng(seed).permutation(labels)) for rows, labels in parts]
    if fault == "leak":
        parts, tested = ([(_leaking(rows, labels), labels) for rows, labels in some] for some in (parts, tested))
    bundle = fit_bundle(
        pa.concat_tables([rows for rows, _ in parts]),
        np.concatenate([labels for _, labels in parts]),
        CONTRACT,
        "logistic_regression",
        seed=seed,
        settings=FitSettings(threads=1),
    )
    return Fitted(bundle, _compared(tested), float(y.mean()))


def _compared(tested: Sequence[tuple[pa.Table, Floats]]) -> ComparedRows:
    """The rows of the test set at the newest months of a window, as training takes them."""
    y = np.concatenate([labels for _, labels in tested])
    first = np.datetime64(START.date())
    as_of = np.repeat(first + 30 * np.arange(len(tested)), [len(labels) for _, labels in tested])
    chosen = at_latest_dates(np.ones(len(y), dtype=bool), y, as_of, COMPARED_CHURNERS)
    rows = pa.concat_tables([rows for rows, _ in tested]).filter(pa.array(chosen))
    return ComparedRows(rows, y[chosen], as_of=as_of[chosen])


def _leaking(rows: pa.Table, left: Floats) -> pa.Table:
    """Rows whose charges say who left: they were loaded after the fact."""
    charges = rows.column("charges").to_numpy() - 60 * left
    place = rows.schema.get_field_index("charges")
    return rows.set_column(place, "charges", pa.array(charges, rows.schema.field("charges").type))
