"""Signs by which one column gives the label away by itself: overall, and at the latest dates alone.

A column that is overwritten with the current state leaks most at the latest date: few who stayed until then have left
since.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from churn_mlops.data.leakage.auc_noise import HONEST_AUC, beyond_honest
from churn_mlops.data.leakage.labelled_rows import Column, Labelled
from churn_mlops.data.leakage.report import LeakFinding
from churn_mlops.data.leakage.univariate import (
    DECIDES_AUC,
    ENOUGH_SET,
    LEAST,
    NAMED_AUC,
    PURE_LOOK,
    PURE_SHARE,
    PURE_SHARE_NUMBER,
    STRONG_AUC,
    auc_of,
    codes_of,
    out_of_fold,
    pure_share,
    set_for_churners,
    strength,
)
from churn_mlops.data.profiling.name_signals import may_name_leaving, names_contact_length, names_leaving

_ALL = 3.0
_SOME_DATES = 4.0  # many dates are looked at, so chance needs more room
_PURE_MISSING = 0.05
_SPIKE_SHARE = 0.05


def too_good(column: Column, rows: Labelled) -> LeakFinding | None:
    """The first sign that holds of ``column`` over all ``rows``, or on the latest dates, or on one date alone."""
    found = _over(column, rows, _ALL, "")
    if found is not None and found.sure:
        return found
    late = rows.recent()
    if late is None:
        return found
    weaker = [found]
    for some, when in ((late, " at the latest dates"), (~late, " at the earlier dates")):
        part = _over(column.at(some), rows.at(some), _SOME_DATES, when)
        if part is not None and part.sure:
            return replace(part, kind="too_good_at_times") if part.kind == "too_good" else part
        weaker.append(part)
    return _on_one_date(column, rows) or next((part for part in weaker if part is not None), None)


def written_for_churners(column: Column, rows: Labelled) -> bool:
    """Whether rows that churners alone have give ``column`` its values: a value but 0 stands at churners only.

    Unlike inactivity, such rows may have been written by the leaving.
    """
    written = np.where(column.values == 0, np.nan, column.values)
    silent = np.isnan(written)
    of_churners, of_others = (float((~silent)[rows.label == label].mean()) for label in (1, 0))
    only = pure_share((~silent).astype(np.int64), rows.sample, ENOUGH_SET)
    if only >= PURE_LOOK and of_churners > of_others:
        return True
    return _spike(Column(column.name, written, True), rows) >= _SPIKE_SHARE


def _over(column: Column, rows: Labelled, beyond: float, when: str) -> LeakFinding | None:
    name = column.name
    if min(np.bincount(rows.label, minlength=2)) < LEAST:
        return None
    auc, pure = strength(column.values, column.numeric, rows.sample, rows.fold)
    if _decides(auc, rows, beyond):
        return LeakFinding(name, "too_good", f"on its own it all but decides the label{when} (AUC {auc:.2f})")
    only = _churners_only(column, rows, pure, when)
    if only is not None and only.sure:
        return only
    named = names_leaving(name)
    if auc >= NAMED_AUC and (named or may_name_leaving(name)) and _is_no_luck(auc, rows):
        return LeakFinding(name, "named", f"its name speaks of leaving, and it goes with the label{when} ({_auc(auc)})")
    if only is not None:
        return only
    if auc >= NAMED_AUC and names_contact_length(name) and _is_no_luck(auc, rows):
        asked = f"may be the length of the contact that decided the label{when} ({_auc(auc)}): was it known before?"
        return LeakFinding(name, "named", asked, sure=False)
    if auc >= STRONG_AUC and _is_no_luck(auc, rows):
        return LeakFinding(
            name, "too_good", f"is remarkably strong on its own{when} ({_auc(auc)}): was it known before?", sure=False
        )
    if named and not when:
        return LeakFinding(name, "named", "its name speaks of leaving: is it known before?", sure=False)
    return None


def _auc(auc: float) -> str:
    return f"AUC {auc:.2f}"


def _decides(auc: float, rows: Labelled, beyond: float) -> bool:
    """Better than honest features are by more than chance, and by more than a hair."""
    distance = beyond_honest(auc, rows)
    return (auc >= DECIDES_AUC and distance >= beyond / 2) or (auc >= HONEST_AUC + 0.01 and distance >= beyond)


def _is_no_luck(auc: float, rows: Labelled) -> bool:
    return min(rows.counts) >= 3 * LEAST or beyond_honest(auc, rows) >= 1


def _churners_only(column: Column, rows: Labelled, pure: float, when: str) -> LeakFinding | None:
    """Values, or gaps, that stand at churners only."""
    sample, name = rows.sample, column.name
    set_for = set_for_churners(column.values, sample)
    if set_for >= PURE_LOOK:
        message = f"is set for churners only, {set_for:.1%} of them{when}: set by the leaving, or after it"
        return LeakFinding(name, "leavers_only", message)
    missing = np.isnan(column.values)
    gone = pure_share(missing.astype(np.int64), sample, ENOUGH_SET) if missing.mean() < 0.5 else 0.0
    if gone >= _PURE_MISSING:
        return LeakFinding(name, "leavers_only", f"is missing for churners only, {gone:.0%} of them{when}")
    spike = _spike(column, rows) if column.numeric else 0.0
    if spike >= _SPIKE_SHARE:
        message = f"has one value that stands at churners only, {spike:.0%} of them{when}: written by the leaving?"
        return LeakFinding(name, "leavers_only", message)
    if pure >= (PURE_SHARE_NUMBER if column.numeric else PURE_SHARE):
        message = f"some of its values stand at churners only, and cover {pure:.0%} of them{when}"
        return LeakFinding(name, "leavers_only", message)
    # The far end of an honest number may well hold churners only; a level that does is worth a look.
    if pure >= PURE_LOOK and not column.numeric:
        message = f"some of its levels stand at churners only ({pure:.1%} of them{when}): known before?"
        return LeakFinding(name, "leavers_only", message, sure=False)
    return None


def _spike(column: Column, rows: Labelled) -> float:
    """The share of churners at one exact number, far more frequent than its neighbours and held by churners only."""
    present = column.values[~np.isnan(column.values)]
    found, counts = np.unique(present, return_counts=True)
    spikes = found[counts >= max(ENOUGH_SET, 20 * np.median(counts))] if found.size > 2 else found[:0]
    if not spikes.size:
        return 0.0
    place = np.searchsorted(spikes, column.values)
    hit = (place < spikes.size) & (spikes[np.minimum(place, spikes.size - 1)] == column.values)
    return pure_share(np.where(hit, place + 1, 0).astype(np.int64), rows.sample, ENOUGH_SET)


def _on_one_date(column: Column, rows: Labelled) -> LeakFinding | None:
    """A single date on which the column all but decides the label."""
    for date in rows.dates:
        here = rows.as_of == date
        these = rows.at(here)
        if min(np.bincount(these.label, minlength=2)) < 2 * LEAST:
            continue
        values = column.values[here]
        score = out_of_fold(codes_of(values, column.numeric), these.label, these.fold)
        ordered = np.where(np.isnan(values), -np.inf, values)
        auc = max(auc_of(each, these.label) for each in (score, ordered, -ordered))
        if beyond_honest(auc, these) >= _SOME_DATES:
            message = f"on its own it all but decides the label as of {date} ({_auc(auc)}), if not on every date"
            return LeakFinding(column.name, "too_good_at_times", message)
    return None
