"""Columns that give the label away: known only after the leaving, or because of it.

Four signs: the name speaks of leaving; the column alone all but decides the label; some of its values stand at churners
only; it is set, and not at its usual value, for churners only. A column alone is evaluated out of fold: each row by the
rate of its value in the other folds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn_mlops.data.profiling.name_signals import may_name_leaving, names_contact_length, names_leaving
from churn_mlops.data.profiling.sample import Sample
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

DECIDES_AUC = 0.95
"""A single column with such an area under the ROC curve all but decides the label."""
STRONG_AUC = 0.90
"""From here on a column is worth a look, though it stays a feature."""
NAMED_AUC = 0.75
PURE = 0.99
PURE_SHARE = 0.20
PURE_SHARE_NUMBER = 0.40  # the far end of an honest, strong number may hold churners only
PURE_LOOK = 0.02
FOLDS = 5
_USUAL = 0.5
_BINS = 64
ENOUGH_SET = 50
LEAST = 10  # churners, and retained customers, below which there is no finding

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Suspicion:
    """Why ``column`` may leak the label; ``sure`` is False where it is only worth a look."""

    column: str
    message: str
    sure: bool = True


def suspects(columns: Sequence[ColumnProfile], sample: Sample) -> list[Suspicion]:
    """The columns of ``sample`` that may leak the label, in their order."""
    found = [_suspicion(column, sample) for column in columns]
    return [suspicion for suspicion in found if suspicion is not None]


def _suspicion(column: ColumnProfile, sample: Sample) -> Suspicion | None:
    name = column.name
    named = names_leaving(name)
    if sample.label.size and min(np.bincount(sample.label, minlength=2)) >= LEAST:
        auc, pure = strength(sample.values[name], name in sample.numeric, sample)
        if auc >= DECIDES_AUC:
            return Suspicion(name, f"on its own it all but decides the label (AUC {auc:.2f})")
        if (set_for := set_for_churners(sample.values[name], sample)) >= PURE_LOOK:
            return Suspicion(name, f"is set for churners only, {set_for:.1%} of them: set by the leaving, or after it")
        if pure >= (PURE_SHARE_NUMBER if name in sample.numeric else PURE_SHARE):
            return Suspicion(name, f"some of its values stand at churners only, and cover {pure:.0%} of them")
        if not named and may_name_leaving(name) and auc >= NAMED_AUC:
            why = "it may be counted until the customer left" if _is_duration(name) else "its name may speak of leaving"
            return Suspicion(name, f"{why}, and it goes with the label (AUC {auc:.2f})")
        if names_contact_length(name) and auc >= NAMED_AUC:
            asked = f"may be the length of the contact that decided the label (AUC {auc:.2f}): was it known before?"
            return Suspicion(name, asked, sure=False)
        if not named and pure >= PURE_LOOK:
            return Suspicion(
                name, f"some of its values stand at churners only ({pure:.1%} of them): known before?", sure=False
            )
        if not named and auc >= STRONG_AUC:
            return Suspicion(name, f"is remarkably strong on its own (AUC {auc:.2f}): was it known before?", sure=False)
    return (
        Suspicion(name, "its name speaks of leaving: known only afterwards, or made from the label") if named else None
    )


def _is_duration(name: str) -> bool:
    """Whether ``name`` counts days, weeks, months or years, as of the time for which a customer was active."""
    return bool({word.removesuffix("s") for word in words(name)} & {"day", "week", "month", "year", "tenure"})


def strength(values: Floats, numeric: bool, sample: Sample, fold: Codes | None = None) -> tuple[float, float]:
    """The best AUC of the column alone, by value or by being missing, and the share of churners at pure values.

    Args:
        values: the column, shape (rows,), NaN for missing.
        numeric: whether it holds numbers, not levels.
        sample: the label, and what its rows stand for.
        fold: of each row, shape (rows,), where rows belong together; drawn at random when left out.
    """
    label = sample.label
    missing = np.isnan(values)
    codes = codes_of(values, numeric)
    aucs = [auc_of(out_of_fold(codes, label, fold), label)]
    if missing.any():
        held = missing.astype(np.float64)
        aucs += [auc_of(held, label), auc_of(-held, label)]
    ordered = np.where(missing, -np.inf, values)
    aucs += [auc_of(ordered, label), auc_of(-ordered, label)]
    pure = max(pure_share(codes, sample), pure_share(missing.astype(np.int64), sample))
    return max(aucs), pure


def set_for_churners(values: Floats, sample: Sample, least_pure: float = PURE, least: int = ENOUGH_SET) -> float:
    """The share of churners with a set value, if ``least_pure`` of the customers with one are churners; otherwise 0.

    It is set where it is neither missing nor has the one value that stands in at least half of the rows; ``least`` rows
    have to be.
    """
    missing = np.isnan(values)
    found, counts = np.unique(values[~missing], return_counts=True)
    masks = [~missing] if missing.mean() >= _USUAL else []
    if counts.max(initial=0) >= _USUAL * values.size:
        masks.append(values != found[np.argmax(counts)])
    return max((pure_share(mask.astype(np.int64), sample, least, least_pure) for mask in masks), default=0.0)


def codes_of(values: Floats, numeric: bool) -> Codes:
    """Levels as they are, numbers in up to ``_BINS`` bins of equal weight; missing is a level of its own, the last."""
    missing = np.isnan(values)
    present = values[~missing]
    if numeric and np.unique(present).size > _BINS:
        bins = int(np.clip(values.size // 50, 4, _BINS))
        edges = np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1]))
        codes = np.searchsorted(edges, values, side="right").astype(np.int64)
    else:
        codes = np.searchsorted(np.unique(present), values).astype(np.int64)
    codes[missing] = codes[~missing].max(initial=-1) + 1
    return codes


def out_of_fold(codes: Codes, label: npt.NDArray[np.int8], fold: Codes | None = None) -> Floats:
    """For each row, the churn rate among the rows of its code in the other folds."""
    fold = _folds(label) if fold is None else fold
    size = int(codes.max()) + 1
    rows_of = np.bincount(codes + fold * size, minlength=size * FOLDS).reshape(FOLDS, size)
    left_of = np.bincount(codes + fold * size, weights=label, minlength=size * FOLDS).reshape(FOLDS, size)
    rate = (left_of.sum(axis=0) - left_of + label.mean()) / (rows_of.sum(axis=0) - rows_of + 1)
    return np.asarray(rate[fold, codes])


def _folds(label: npt.NDArray[np.int8]) -> Codes:
    rng = np.random.default_rng(0)
    fold = np.empty(label.size, dtype=np.int64)
    for value in (0, 1):
        rows = np.flatnonzero(label == value)
        fold[rows] = rng.permutation(rows.size) % FOLDS
    return fold


def auc_of(score: Floats, label: npt.NDArray[np.int8]) -> float:
    """The chance that a churner has a higher ``score`` than a retained customer, ties counting half."""
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    left = np.bincount(place, weights=label)
    stayed = count - left
    below = np.cumsum(stayed) - stayed
    return float(np.sum(left * (below + stayed / 2)) / (left.sum() * stayed.sum()))


def pure_share(codes: Codes, sample: Sample, least: int = LEAST, least_pure: float = PURE) -> float:
    """The share of churners at values of ``least`` rows where ``least_pure`` left, beyond what chance explains."""
    left = np.bincount(codes, weights=sample.label)
    rows = np.bincount(codes)
    left_all, stayed_all = left * sample.weights[1], (rows - left) * sample.weights[0]
    base = left_all.sum() / (left_all.sum() + stayed_all.sum())
    share = left_all / np.maximum(left_all + stayed_all, 1)
    # A value needs rows enough that 99 % among them is no luck: the base rate to the power of rows is below 1e-6.
    enough = rows * np.log(max(base, 1e-12)) < np.log(1e-6)
    return float(left[(share >= least_pure) & enough & (rows >= least)].sum() / left.sum())
