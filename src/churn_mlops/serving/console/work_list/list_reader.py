"""Reads a page of the list out of the store, and remembers what is read once for each publication."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from churn_mlops.serving.api.work_list.list_desk import ListDesk
from churn_mlops.serving.console.work_list.list_query import ListQuery
from churn_mlops.serving.console.work_list.list_view import ROWS, ListFound
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import work_on
from churn_mlops.store.contacts import last_contact_of_each
from churn_mlops.store.scoring.browsing import (
    Selection,
    count_selected,
    gain_has_own_order,
    read_slice,
)
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import contacts_by_list, list_times, state_counts


class ListReader:
    """Reads pages of the list.

    Args:
        desk: knows what holds now.
    """

    def __init__(self, desk: ListDesk) -> None:
        self.desk = desk
        self._has_own_order: tuple[tuple[int, datetime], bool] | None = None

    def read(self, store: Store, run: Run, query: ListQuery, me: str) -> ListFound:
        """A page of the list.

        Args:
            store: the store.
            run: the run of the list.
            query: which page.
            me: the principal who asks.

        Raises:
            RequestError: 422, the page begins at no place.
            StoreError: the store fails.
        """
        times = list_times(store, run, self.desk.clock())
        selection = query.selection(times, me)
        after, before = query.place(query.after), query.place(query.before)
        found = read_slice(store, run, selection, ROWS, after=after, before=before)
        now = self.desk.offers.now(store, found.items)
        customers = [one.customer for one in now]
        states = state_counts(store, run, times) if query.part == "contact" else {}
        return ListFound(
            run,
            replace(found, items=now),
            total=_total(store, run, query, selection, states),
            states=states,
            contacts=last_contact_of_each(store, customers),
            contacted=contacts_by_list(store, times, customers),
            work=work_on(store, customers),
            agents=self.desk.agents(store),
            gain_has_own_order=self._gain_has_own_order(store, run),
        )

    def _gain_has_own_order(self, store: Store, run: Run) -> bool:
        publication = (run.id, run.finished_at)
        if self._has_own_order is None or self._has_own_order[0] != publication:
            self._has_own_order = (publication, gain_has_own_order(store, run))
        return self._has_own_order[1]


def _total(store: Store, run: Run, query: ListQuery, selection: Selection, states: dict[str, int]) -> int:
    """How many customers match, counted where no total is known."""
    if query.part != "contact" or query.band or query.q.strip() or query.owner:
        return count_selected(store, run, selection) if query.part == "contact" else 0
    return states[query.state] if query.state else run.worth_an_offer
