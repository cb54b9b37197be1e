"""The leakage checks: every sign over every feature, and over made-up columns with a known answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.data.contract import DataContract
from churn_mlops.data.leakage.absent_at_scoring import gone_when_needed
from churn_mlops.data.leakage.auc_noise import association
from churn_mlops.data.leakage.canaries import release
from churn_mlops.data.leakage.known_rows import KnownRows
from churn_mlops.data.leakage.label_derived import agrees_too_well, identifies, order_of_rows
from churn_mlops.data.leakage.labelled_rows import Column, Dates, Labelled, column_of
from churn_mlops.data.leakage.over_time import after_the_date, collapses, foresees, grows
from churn_mlops.data.leakage.report import LeakageReport, LeakFinding
from churn_mlops.data.leakage.single_column import too_good
from churn_mlops.data.leakage.univariate import LEAST, codes_of, strength

_ASSOCIATED = 2.0


def inspect(
    features: pa.Table,
    y: npt.NDArray[Any],
    contract: DataContract,
    *,
    as_of: Dates | None = None,
    groups: npt.NDArray[Any] | None = None,
    unlabelled: pa.Table | None = None,
    known: Mapping[str, KnownRows] | None = None,
    seed: int = 0,
) -> LeakageReport:
    """Look for features that know what was not known at the time.

    Args:
        features: rows with a known label, with the contract's features as ``read_snapshot`` gives them.
        y: 1 for who left, else 0, shape (rows,).
        contract: what the features mean.
        as_of: the date of each row, shape (rows,); None for a table without dates.
        groups: the customer of each row as a whole number, shape (rows,); None where each row is another customer.
        unlabelled: rows to score, whose label is not known yet; None where there are none.
        known: features that read only rows known at the as-of date, as ``known_rows`` gives them; None where nothing
            is known of that.
        seed: of the made-up columns.
    """
    label = np.asarray(y).astype(np.int8)
    of_rows = np.arange(label.size) if groups is None else np.asarray(groups)
    rows = Labelled(label, of_rows.astype(np.int64), as_of)
    thin = rows.thinned()
    sample = rows.at(thin, rows.thinned_weights)
    if min(np.bincount(label, minlength=2)) == 0:
        return LeakageReport()
    canaries, noise = release(sample, lambda column: _first(column, sample), seed)
    found: list[LeakFinding] = []
    useless = []
    for name, feature in contract.features.items():
        column = column_of(name, features[name], feature)
        now = None if unlabelled is None else column_of(name, unlabelled[name], feature)
        of_feature = list(_signs(column, rows, thin, sample, now))
        of_feature = _reviewed(of_feature, (known or {}).get(name), column.at(thin), sample)
        found += sorted(of_feature, key=lambda finding: not finding.sure)
        if not of_feature and _says_nothing(column.at(thin), sample, noise):
            useless.append(name)
    order = order_of_rows(rows)
    return LeakageReport((*found, *([order] if order else [])), canaries, tuple(useless))


def _signs(
    column: Column, rows: Labelled, thin: npt.NDArray[np.intp], sample: Labelled, now: Column | None
) -> Iterator[LeakFinding]:
    thinned = column.at(thin)
    signs = [
        too_good(thinned, sample),
        agrees_too_well(column, rows),
        identifies(column, rows),
        foresees(thinned, sample),
        collapses(thinned, sample),
        grows(thinned, sample),
        after_the_date(column, rows),
        None if now is None else gone_when_needed(*_alike(thinned, sample, now)),
    ]
    yield from (sign for sign in signs if sign is not None)


def _reviewed(signs: list[LeakFinding], known: KnownRows | None, column: Column, rows: Labelled) -> list[LeakFinding]:
    """The signs of a feature, given how its rows are known."""
    if known is None:
        return signs
    reviewed = (known.reviewed(sign, column, rows) for sign in signs)
    return [sign for sign in reviewed if sign is not None]


def _alike(column: Column, rows: Labelled, now: Column) -> tuple[Column, Labelled, Column]:
    """``now`` with the codes of ``column`` where both are categories: a level not seen before gets a new code."""
    if column.numeric:
        return column, rows, now
    code = {text: place for place, text in enumerate(column.texts)}
    ranks = np.array([*(code.setdefault(text, len(code)) for text in now.texts), np.nan])
    places = np.where(np.isnan(now.values), len(now.texts), now.values).astype(np.intp)
    return column, rows, Column(now.name, ranks[places], False, tuple(code))


def _first(column: Column, rows: Labelled) -> LeakFinding | None:
    """The first sign of a made-up column."""
    return too_good(column, rows) or collapses(column, rows) or grows(column, rows)


def _says_nothing(column: Column, rows: Labelled, noise: float) -> bool:
    """Whether it ranks no better than noise and is not rare yet associated with the label, among enough churners."""
    if min(np.bincount(rows.label, minlength=2)) < LEAST:
        return False
    if association(codes_of(column.values, column.numeric), rows.label.astype(np.float64)) > _ASSOCIATED:
        return False
    return strength(column.values, column.numeric, rows.sample, rows.fold)[0] <= noise
