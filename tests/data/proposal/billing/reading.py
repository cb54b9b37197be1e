"""The truth of made-up subscribers against the history that is proposed for their export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from tests.companies.billing.lives import TODAY, Subscriber, labels

Labels = dict[int, str | None]
"""The label of each active customer by their number: None where they cannot pay any more."""
DAYS = (date(2024, 6, 30), date(2025, 3, 15), date(2026, 1, 31), date(2026, 5, 15))


def proposed(folder: Path, inactive_days: int | None = None) -> HistoryProposal:
    """The history proposed for the tables in ``folder``."""
    tables = open_every_table(str(folder))
    found = propose_history(tables, name="company", today=TODAY.date(), inactive_days=inactive_days)
    next(iter(tables.values())).get_backend().disconnect()
    return found


def assert_truth(
    found: HistoryProposal, folder: Path, people: list[Subscriber], customer_id: Callable[[int], str]
) -> None:
    """The active customers and the labels of several days are those of ``people``."""
    wrong = misread(found.contract, folder, customer_id, lambda day, days: labels(people, day, days))
    assert wrong == {day: set() for day in DAYS}


def assert_purchases(
    found: HistoryProposal, folder: Path, bought: Mapping[int, Sequence[date]], customer_id: Callable[[int], str]
) -> None:
    """The active customers and the labels of several days are those of customers who ``bought`` on these days."""
    wrong = misread(found.contract, folder, customer_id, lambda day, days: of_purchases(bought, day, days))
    assert wrong == {day: set() for day in DAYS}


def of_purchases(bought: Mapping[int, Sequence[date]], day: date, days: int) -> Labels:
    """A customer is there for ``days`` after each purchase, and has left if no other one follows."""
    ago = {who: [(on - day).days for on in times] for who, times in bought.items()}
    there = {who: times for who, times in ago.items() if any(-days < on <= 0 for on in times)}
    return {who: "no" if any(0 < on <= days for on in times) else "yes" for who, times in there.items()}


def misread(
    contract: HistoryContract, folder: Path, customer_id: Callable[[int], str], truth: Callable[[date, int], Labels]
) -> dict[date, set[str]]:
    """The customers of several days whose label is not the true one, or who are active by one of the two alone.

    Args:
        contract: says what the tables in ``folder`` mean.
        folder: of the export.
        customer_id: the ID of the customer of a number.
        truth: the label of each active customer of a day, for a horizon of so many days.
    """
    assert contract.label is not None
    history, wrong = PointInTimeTables(open_tables(str(folder), contract), contract), {}
    for day in DAYS:
        expected = {customer_id(number): label for number, label in truth(day, contract.label.days).items()}
        there = active_customers(history, AsOf(day)).to_pyarrow()[KEY].to_pylist()
        assert len(there) == len(set(there)), day
        rows = churn_labels(history, AsOf(day)).to_pyarrow().to_pylist()
        read = {str(row[KEY]): row[CHURNED] for row in rows if row[KEY] in set(there)}
        assert read.keys() == set(map(str, there)), day
        unlike = {key for key in read.keys() & expected.keys() if read[key] != expected[key]}
        wrong[day] = (read.keys() ^ expected.keys()) | unlike
    next(iter(history.tables.values())).get_backend().disconnect()
    return wrong


def said(found: HistoryProposal, kind: str) -> dict[str | None, str]:
    """The findings of a kind by their columns."""
    return {one.column: one.message for one in found.findings if one.kind == kind}
