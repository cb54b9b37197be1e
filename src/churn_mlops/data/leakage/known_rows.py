"""Features of a history that read only rows known at the as-of date: strong ones are honest, and no leak.

An AUC alone cannot distinguish a leak from a strong honest feature. The contract can: a feature that reads rows
recorded up to the as-of date knows nothing of later, however well it ranks. If rows have an event time but no recorded
time, inactivity is honest too; a row that only churners have may have been written by the leaving, and dated back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from churn_mlops.data.contract import HistoryContract, HistoryFeature
from churn_mlops.data.leakage.labelled_rows import Column, Labelled
from churn_mlops.data.leakage.report import LeakFinding
from churn_mlops.data.leakage.single_column import written_for_churners
from churn_mlops.data.snapshot.event_rhythm import Rhythm

_OF_TIMES = frozenset({"count", "since_last", "sum", "mean", "distinct", "ratio"})
"""Aggregates that say when rows were, or how many: inactivity makes them strong."""
_BY_STRENGTH = frozenset({"too_good", "too_good_at_times", "leavers_only", "named", "foresees", "collapses", "grows"})
"""Signs that mean no more than that a feature ranks well, or better at some dates than at others."""


@dataclass(frozen=True)
class KnownRows:
    """How it is known that a feature reads only rows known at the as-of date.

    Args:
        by: "label": the rows are the events whose absence is the label; "recorded": the table declares `known_at`;
            "dated": the table has an event time only; "first": the first event is the start, so an age of it is not
            overwritten.
        table: that is read.
        days: of inactivity, where ``by`` is "label".
        since_last: whether the feature is the time since the last row.
        rhythm: of the events whose absence is the label; None where it is not known.
    """

    by: Literal["label", "recorded", "dated", "first"]
    table: str
    days: int = 0
    since_last: bool = False
    rhythm: Rhythm | None = None

    def reviewed(self, found: LeakFinding, column: Column, rows: Labelled) -> LeakFinding | None:
        """The sign of a leak as it counts for a feature of such rows; None where it does not count.

        Args:
            found: the sign.
            column: the feature over ``rows``.
            rows: with a known label.
        """
        if found.kind not in _BY_STRENGTH:
            return found
        if self.by == "first":
            return None if found.kind == "grows" else found
        if self.by == "dated":
            return self._of_dated(found, column, rows)
        if not found.sure:
            return None
        return self._nearly_decided(found) if self.by == "label" else self._worth_a_look(found)

    def _of_dated(self, found: LeakFinding, column: Column, rows: Labelled) -> LeakFinding:
        if not found.sure or found.kind == "named":
            return found
        if not self.since_last and written_for_churners(column, rows):
            return found
        return self._worth_a_look(found)

    def _worth_a_look(self, found: LeakFinding) -> LeakFinding:
        honest = (
            "honest if that is when they were really recorded"
            if self.by == "recorded"
            else "honest if the database had them by then; declare its recorded time (known_at) to be sure"
        )
        read = "recorded" if self.by == "recorded" else "dated"
        message = f"{found.message}; it reads rows of {self.table} {read} up to the as-of date: {honest}"
        return replace(found, message=message, sure=False)

    def _nearly_decided(self, found: LeakFinding) -> LeakFinding:
        message = (
            f"{found.message}; no leak, for it reads only rows of {self.table} up to the as-of date: the label is "
            f"nearly decided by then, {self._why_decided()}"
        )
        return LeakFinding(found.feature, "nearly_decided", message, sure=False)

    def _why_decided(self) -> str:
        """The cause; days that are as long as the pauses of the customers, or shorter, are not to become fewer."""
        long = f"because {self.days} days without a row (label.inactive.days) are long for these customers"
        rhythm = self.rhythm
        if rhythm is None or rhythm.pause is None:
            return f"{long}; choose fewer days, but not fewer than their usual pauses"
        pauses = f"98 % of their pauses are {rhythm.pause} days or shorter"
        if not rhythm.fits(self.days):
            return f"{long}: {pauses}; choose fewer days, such as {max(rhythm.days, rhythm.pause)}"
        short = "; the history is too short for pauses of that length" if rhythm.is_short else ""
        return (
            f"and fewer days (label.inactive.days: {self.days}) would call customers gone who return: {pauses}{short}"
        )


def known_rows(contract: HistoryContract, rhythm: Rhythm | None = None) -> Mapping[str, KnownRows]:
    """The features of ``contract`` that read only rows known at the as-of date, and how that is known.

    Args:
        contract: of the history.
        rhythm: of the events whose absence is the label; None where the label is none, or it is not known.
    """
    found = {name: _known(feature, contract, rhythm) for name, feature in contract.features.items()}
    return {name: known for name, known in found.items() if known is not None}


def _known(feature: HistoryFeature, contract: HistoryContract, rhythm: Rhythm | None) -> KnownRows | None:
    table = feature.reads[0]
    declared = contract.tables[table]
    inactive = None if contract.label is None else contract.label.inactive
    since_last = feature.aggregate == "since_last"
    of_times = declared.kind == "events" and feature.aggregate in _OF_TIMES
    if of_times and inactive is not None and inactive.events == table:
        return KnownRows("label", table, inactive.days, since_last, rhythm)
    if feature.aggregate == "age_of" and _starts_with_an_event(contract, feature):
        return KnownRows("first", table)
    if declared.known_at is not None:
        return KnownRows("recorded", table, since_last=since_last)
    return KnownRows("dated", table, since_last=since_last) if of_times else None


def _starts_with_an_event(contract: HistoryContract, feature: HistoryFeature) -> bool:
    """Whether ``feature`` reads a start that is the time of rows of a table of events, so the first of them counts."""
    table, column = feature.reads
    home = contract.tables[table]
    events = {(one.table or key, one.event_time) for key, one in contract.tables.items() if one.kind == "events"}
    return column is not None and (home.table or table, contract.column(table, column)) in events
