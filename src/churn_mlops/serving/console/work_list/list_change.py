"""A change of the work on many customers of the list, a portion in each transaction, with what was skipped and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.api.work_list.list_desk import ListDesk, Refused, Wanted
from churn_mlops.serving.console.work_list.list_forms import ListWorkForm
from churn_mlops.serving.prediction.suppression import OtherHashKeyError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import ListWork, WorkAction, work_on
from churn_mlops.store.campaigns.notes import add_note
from churn_mlops.store.scoring.browsing import Slice, customers_at, read_slice
from churn_mlops.store.scoring.predictions import OFFER
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import WORKED, contacts_by_list, list_times

PORTION = 500
"""Customers whose work is changed in one transaction: other writers wait for no more."""
SHOWN = 20
"""Customers that were skipped and are named, for each reason."""


@dataclass
class Outcome:
    """The result of a change.

    Args:
        done: how many customers were changed.
        counts: how many were skipped, by reason.
        named: the first customers that were skipped, by reason, each with a detail such as who has them.
    """

    done: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def skip(self, reason: str, customer: str, detail: str = "") -> None:
        """Count a customer who was not changed."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        first = self.named.setdefault(reason, [])
        if len(first) < SHOWN:
            first.append((customer, detail))


@dataclass(frozen=True)
class ListChange:
    """A change that is under way.

    Args:
        desk: changes the work.
        asked: what is asked for.
        run: the run of the list.
        action: what is done to the work; None adds the note alone.
        by: the principal.
        outcome: grows with each portion.
    """

    desk: ListDesk
    asked: ListWorkForm
    run: Run
    action: WorkAction | None
    by: str
    outcome: Outcome = field(default_factory=Outcome)

    def rows(self, store: Store) -> None:
        """Change the rows that were ticked, each if its work is as it was shown.

        Raises:
            OtherHashKeyError: customers were erased under another key.
            StoreError: the store fails; nothing is changed then, or notes are added for the first rows.
        """
        rows = self.asked.rows
        found = customers_at(store, self.run, list(rows))
        for one in (found[rank] for rank in found if found[rank].action != OFFER):
            self.outcome.skip("unlisted", one.customer)
        wanted = [Wanted(one, rows[rank]) for rank, one in found.items() if one.action == OFFER]
        if self.action is None:
            self._add_notes(store, wanted)
        else:
            self._change(store, wanted, self.action)

    def portion(self, store: Store, action: WorkAction, after: int | str | None) -> Slice:
        """Change the next customers that match the filter; the customers that were looked at.

        Raises:
            OtherHashKeyError: customers were erased under another key.
            StoreError: the store fails; nothing of the portion is changed then.
        """
        query, times = self.asked.query, list_times(store, self.run, self.desk.clock())
        found = read_slice(store, self.run, query.selection(times, self.by), PORTION, after=after)
        names = [one.customer for one in found.items]
        works, contacted = work_on(store, names), contacts_by_list(store, times, names)
        # Customers who are worked are not opened again, unless the filter names their state.
        settled = () if query.state else ("done",) if action.kind == "done" else WORKED
        wanted = []
        for one in found.items:
            work = works.get(one.customer, ListWork(one.customer))
            if one.action != OFFER:
                self.outcome.skip("unlisted", one.customer)
            elif work.state(self.run.as_of, times.today, contacted.get(one.customer)) in settled:
                self.outcome.skip("worked", one.customer)
            else:
                wanted.append(Wanted(one))
        self._change(store, wanted, action)
        return found

    def _change(self, store: Store, wanted: Sequence[Wanted], action: WorkAction) -> None:
        note = self.asked.fields.note
        for customer, one in self.desk.change(store, wanted, action, by=self.by, note=note).items():
            if isinstance(one, Refused):
                self.outcome.skip(one.reason, customer, one.detail)
            else:
                self.outcome.done += 1

    def _add_notes(self, store: Store, wanted: Sequence[Wanted]) -> None:
        text, key = self.asked.fields.note or "", self.desk.suppression.key
        for name in (one.prediction.customer for one in wanted):
            try:
                add_note(store, name, text, by=self.by, hash_key=key)
                self.outcome.done += 1
            except CustomerErasedError:
                self.outcome.skip("erased", name)
            except ConfigError:
                raise OtherHashKeyError from None
