"""Signs that need dates: a power that collapses later, or grows towards the end, and times after the as-of date."""

from __future__ import annotations

import math
import re

import numpy as np
import numpy.typing as npt

from churn_mlops.data.leakage.auc_noise import HONEST_AUC, auc_within_dates, noise_of, rates
from churn_mlops.data.leakage.labelled_rows import Column, Labelled, Mask
from churn_mlops.data.leakage.report import LeakFinding
from churn_mlops.data.leakage.univariate import FOLDS, Codes, Floats, codes_of, out_of_fold

_STRONG_ENOUGH = 0.65
_KEPT = 0.4
_LOST_AUC = 0.12
_BEYOND = 4.0
_GAINED_AUC = 0.15
_CHURNERS = 50
_EPOCH = np.datetime64("1970-01-01", "D")
_ISO = re.compile(r"(19|20)\d\d-[01]\d-[0-3]\d")


def collapses(column: Column, rows: Labelled) -> LeakFinding | None:
    """A column whose order of customers, fitted on the earlier dates, holds there for others but not later.

    Power is measured within dates, so that a season, or a shift that moves all customers, does not change it.
    """
    split = _halves(rows)
    if split is None:
        return None
    early, late = split
    first, later = _power(column, rows, early, late)
    if math.isnan(first) or math.isnan(later):
        return None
    beyond = (first - later) / _noise(rows, first, later, early, late)
    kept = (later - 0.5) / (first - 0.5) if first > 0.5 else 1.0
    if first >= _STRONG_ENOUGH and kept <= _KEPT and first - later >= _LOST_AUC and beyond >= _BEYOND:
        day = rows.dates[rows.dates > np.max(rows.as_of[early])][0]  # type: ignore[index]  # there are dates here
        message = (
            f"separated churners from others until {day} (AUC {first:.2f}), and does so no longer (AUC {later:.2f}): "
            "its information is no longer known when it is needed"
        )
        return LeakFinding(column.name, "collapses", message)
    return None


def grows(column: Column, rows: Labelled) -> LeakFinding | None:
    """A column that ranks better the later the date, as a column does that is overwritten with the current state."""
    split = _halves(rows)
    if split is None:
        return None
    early, late = split
    missing = np.isnan(column.values)
    if abs(missing[early].mean() - missing[late].mean()) > 0.05:
        return None  # it began to be kept in between
    later, first = _power(column, rows, late, early)
    if math.isnan(first) or math.isnan(later):
        return None
    beyond = (later - first) / _noise(rows, first, later, early, late)
    if later - first >= _GAINED_AUC and beyond >= _BEYOND:
        message = (
            f"ranks better the later the date (AUC {first:.2f} at first, {later:.2f} at last): is it overwritten "
            "with the state of today?"
        )
        return LeakFinding(column.name, "grows", message, sure=False)
    return None


def foresees(column: Column, rows: Labelled) -> LeakFinding | None:
    """A column that knows long before who will leave: it was written back into the past, such as a state of today.

    Among the retained customers of a date, it separates churners of the dates after the next from customers who never
    churn. No honest feature does that as well as the best features do for the days ahead.
    """
    later = _leaves_later(rows)
    if later is None:
        return None
    stays = rows.label == 0
    there = Labelled(later[stays], rows.groups[stays], rows.as_of[stays] if rows.as_of is not None else None)
    if min(there.counts) < _CHURNERS:
        return None
    values = column.values[stays]
    score = out_of_fold(codes_of(values, column.numeric), there.label, there.fold)
    auc = auc_within_dates(score, there)
    if (auc - HONEST_AUC) / noise_of(HONEST_AUC, *there.counts) < _BEYOND:
        return None
    message = f"separates customers who leave only after the next date from others (AUC {auc:.2f}): is it written "
    return LeakFinding(column.name, "foresees", message + "back into the past, as a state of today is?")


def _leaves_later(rows: Labelled) -> npt.NDArray[np.int8] | None:
    """1 for rows whose customer leaves at a date after the next one; None where there are too few dates."""
    if rows.as_of is None or rows.dates.size < 3:
        return None
    date = np.searchsorted(rows.dates, rows.as_of)
    _, place = np.unique(rows.groups, return_inverse=True)
    end = np.full(int(place.max()) + 1, -1)
    np.maximum.at(end, place, np.where(rows.label == 1, date, -1))
    return np.asarray(end[place] >= date + 2, dtype=np.int8)


def _halves(rows: Labelled) -> tuple[Mask, Mask] | None:
    """The earlier two thirds of the dates, and the rest; None where either holds too few churners."""
    dates = rows.dates
    if rows.as_of is None or dates.size < 2:
        return None
    late = np.asarray(rows.as_of >= dates[-max(1, dates.size // 3)])
    left = rows.label == 1
    if min(left[late].sum(), left[~late].sum()) < _CHURNERS:
        return None
    return ~late, late


def _power(column: Column, rows: Labelled, where: Mask, elsewhere: Mask) -> tuple[float, float]:
    """AUC within dates of the order fitted ``where``: there, for customers outside its fit, and ``elsewhere``.

    Both are evaluated on the same halves of the customers.
    """
    codes: Codes = codes_of(column.values, column.numeric)
    label = rows.label.astype(np.float64)
    half = rows.fold * 2 >= FOLDS
    here, there = np.empty(label.size), np.empty(label.size)
    for side in (half, ~half):
        learnt: Floats = rates(codes, label, where & ~side)
        here[side] = there[side] = learnt[side]
    return auc_within_dates(here[where], rows.at(where)), auc_within_dates(there[elsewhere], rows.at(elsewhere))


def _noise(rows: Labelled, first: float, later: float, early: Mask, late: Mask) -> float:
    return math.hypot(noise_of(first, *rows.at(early).counts), noise_of(later, *rows.at(late).counts))


def after_the_date(column: Column, rows: Labelled) -> LeakFinding | None:
    """Dates, or numbers that are dates in one of the usual formats, which lie after the as-of date."""
    days = _days(column) if rows.as_of is not None else None
    if days is None:
        return None
    known = ~np.isnan(days)
    ahead = known & (np.nan_to_num(days) > (rows.as_of - _EPOCH).astype(np.float64))  # type: ignore[operator]
    left = rows.label == 1
    if ahead.sum() < 10 or not left.any() or left.all():
        return None
    of_left, of_rest = float(ahead[left].mean()), float(ahead[~left].mean())
    spread = math.sqrt(ahead.mean() * (1 - ahead.mean()) * (1 / left.sum() + 1 / (~left).sum()))
    goes_with = of_left > 3 * of_rest and of_left - of_rest > 5 * spread
    message = f"holds times after the as-of date, for {of_left:.1%} of churners and {of_rest:.1%} of others" + (
        ": it records the churn itself" if goes_with else ": a plan, or something that was not known yet?"
    )
    return LeakFinding(column.name, "after_the_date", message, sure=goes_with)


def _days(column: Column) -> Floats | None:
    """The column as days since 1970, None where it holds no dates: ISO texts, 20240131, seconds or milliseconds."""
    if not column.numeric:
        found = [_day_of(text) for text in column.texts]
        if not found or np.isnan(found).mean() > 0.05:
            return None
        ranks = np.nan_to_num(column.values).astype(np.intp)
        return np.where(np.isnan(column.values), np.nan, np.array(found)[ranks])
    present = column.values[~np.isnan(column.values)]
    if not present.size:
        return None
    low, high = float(present.min()), float(present.max())
    if low >= 19_500_101 and high <= 21_001_231 and np.all(present == np.round(present)):
        return _of_written(column.values)
    for unit in (86_400.0, 86_400_000.0):
        if 7_000 * unit <= low and high <= 30_000 * unit:  # 1989 to 2052
            return np.asarray(np.floor(column.values / unit))
    return None


def _of_written(values: Floats) -> Floats | None:
    """Days of numbers such as 20240131, None where some are no date."""
    year, month, day = values // 10_000, values // 100 % 100, values % 100
    known = ~np.isnan(values)
    if np.any((month[known] < 1) | (month[known] > 12) | (day[known] < 1) | (day[known] > 31)):
        return None
    months = np.where(known, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = (months.astype("datetime64[D]") - _EPOCH).astype(np.float64) + day - 1
    return np.where(known, days, np.nan)


def _day_of(text: str) -> float:
    if _ISO.match(text) is None:
        return math.nan
    try:
        return float((np.datetime64(text[:10], "D") - _EPOCH).astype(np.float64))
    except ValueError:
        return math.nan
