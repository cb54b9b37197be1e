"""The truth of made-up subscribers against the history that is proposed for their export."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from churn_mlops.data.contract import CHURNED, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.snapshot.active_customers import active_customers
from churn_mlops.data.snapshot.known_rows import KEY, PointInTimeTables
from churn_mlops.data.snapshot.labels import churn_labels
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table
from tests.companies.billing.lives import TODAY, Subscriber, active, labels

DAYS = (date(2024, 6, 30), date(2025, 3, 15), date(2026, 1, 31), date(2026, 5, 15))


def proposed(folder: Path) -> HistoryProposal:
    """The history proposed for the tables in ``folder``."""
    tables = open_every_table(str(folder))
    found = propose_history(tables, name="company", today=TODAY.date())
    next(iter(tables.values())).get_backend().disconnect()
    return found


def assert_truth(
    found: HistoryProposal, folder: Path, people: list[Subscriber], customer_id: Callable[[int], str]
) -> None:
    """The active customers and the labels of several days are those of ``people``."""
    assert misread(found.contract, folder, people, customer_id) == {day: set() for day in DAYS}


def misread(
    contract: HistoryContract, folder: Path, people: list[Subscriber], customer_id: Callable[[int], str]
) -> dict[date, set[str]]:
    """The customers of several days who are active by ``contract`` and not by the truth, or the reverse, or whose label
    is another one.
    """
    assert contract.label is not None
    history, wrong = PointInTimeTables(open_tables(str(folder), contract), contract), {}
    for day in DAYS:
        there = active_customers(history, AsOf(day)).to_pyarrow()[KEY].to_pylist()
        assert len(there) == len(set(there)), day
        rows = churn_labels(history, day).to_pyarrow().to_pylist()
        read = {row[KEY]: row[CHURNED] for row in rows if row[KEY] in set(there)}
        truth = {customer_id(one): label for one, label in labels(people, day, contract.label.horizon_days).items()}
        others = {key for key in read.keys() & truth.keys() if read[key] != truth[key]}
        wrong[day] = (set(there) ^ set(map(customer_id, active(people, day)))) | (read.keys() ^ truth.keys()) | others
    next(iter(history.tables.values())).get_backend().disconnect()
    return wrong


def said(found: HistoryProposal, kind: str) -> dict[str | None, str]:
    """The findings of a kind by their columns."""
    return {one.column: one.message for one in found.findings if one.kind == kind}
