"""A change of the work on many customers of the list, a portion in each transaction, with what was skipped and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from churn_mlops.errors import ConfigError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.access.principal import Principal
from churn_mlops.serving.api.work_list.list_desk import ListDesk, Refused, Wanted
from churn_mlops.serving.console.work_list.list_doubts import ENDS_WAIT, Doubt, doubts_of, keeps_waiting
from churn_mlops.serving.console.work_list.list_forms import ListWorkForm, needed
from churn_mlops.serving.console.work_list.list_query import ME
from churn_mlops.serving.prediction.suppression import OtherHashKeyError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_trace import ListTrace
from churn_mlops.store.campaigns.list_work import ListWork, WorkAction, work_on
from churn_mlops.store.campaigns.notes import add_notes
from churn_mlops.store.scoring.browsing import Selection, Slice, customers_at, read_slice
from churn_mlops.store.scoring.predictions import OFFER, predictions
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import WORKED, contacts_by_list, list_times

PORTION = 500
"""Customers whose work is changed in one transaction: other writers wait for no more."""
SHOWN = 20
"""Customers that were skipped and are named, for each reason."""
_NAMES_AGENT = ("taken", "changed", "waiting")
"""Reasons whose detail is an agent."""


@dataclass(frozen=True)
class Skipped:
    """A customer who was not changed.

    Args:
        customer: the customer ID.
        detail: who has them, changed their work or let them wait; why there is no offer, as a code; else empty.
        until: the date until which they wait, None where they do not.
    """

    customer: str
    detail: str = ""
    until: date | None = None


@dataclass
class Outcome:
    """The result of a change.

    Args:
        done: how many customers were changed.
        counts: how many were skipped, by reason.
        named: the first customers that were skipped, by reason.
        left: how many customers were not looked at any more, since the time was up.
        next: the place behind which they come; empty where there are none.
    """

    done: int = 0
    left: int = 0
    next: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, list[Skipped]] = field(default_factory=dict)

    def skip(self, reason: str, customer: str, detail: str = "", until: date | None = None) -> None:
        """Count a customer who was not changed."""
        self.counts[reason] = self.counts.get(reason, 0) + 1
        first = self.named.setdefault(reason, [])
        if len(first) < SHOWN:
            first.append(Skipped(customer, detail, until))

    def traces(self) -> dict[str, dict[str, str]]:
        """By customer who is named, why they were skipped and the agent who is named, as the audit log keeps it."""
        return {
            one.customer: {"refused": reason} | ({"agent": one.detail} if reason in _NAMES_AGENT else {})
            for reason, some in self.named.items()
            for one in some
        }


@dataclass(frozen=True)
class ListChange:
    """A change that is under way.

    Args:
        desk: changes the work.
        asked: what is asked for.
        run: the run of the list.
        action: what is done to the work; None adds the note alone.
        by: the principal.
        request: the route and the ID of the request, for the audit log.
        outcome: grows with each portion.
    """

    desk: ListDesk
    asked: ListWorkForm
    run: Run
    action: WorkAction | None
    by: Principal
    request: Mapping[str, str]
    outcome: Outcome = field(default_factory=Outcome)

    def selection(self, store: Store) -> Selection:
        """The customers that match the filter.

        Raises:
            StoreError: the store fails.
        """
        return self.asked.query.selection(list_times(store, self.run, self.desk.clock()), self.by.name)

    def doubts(self, store: Store) -> list[Doubt]:
        """The rows that were ticked whose agent or whose wait another agent would not expect to end.

        Raises:
            StoreError: the store fails.
        """
        if self.action is None:
            return []
        found = customers_at(store, self.run, list(self.asked.rows))
        seen = {one.customer: self.asked.rows[rank] for rank, one in found.items() if one.action == OFFER}
        return doubts_of(seen, work_on(store, seen), self.action, self.by.name, self.desk.today())

    def rows(self, store: Store) -> None:
        """Change the rows that were ticked, each if its work is as it was shown.

        Raises:
            ListChangedError: the list was published again; nothing is changed.
            NoteKeyReusedError: the form has added another note.
            OtherHashKeyError: customers were erased under another key.
            StoreError: the store fails; nothing is changed then.
        """
        rows = self.asked.rows
        found = customers_at(store, self.run, list(rows))
        for one in (found[rank] for rank in found if found[rank].action != OFFER):
            self.outcome.skip("unlisted", one.customer)
        wanted = [Wanted(one, rows[rank]) for rank, one in found.items() if one.action == OFFER]
        if self.action is None:
            self._add_notes(store, wanted)
        else:
            self._change(store, wanted, self.action, self._trace("work.changed", self.desk.suppression.key))

    def portion(self, store: Store, action: WorkAction, after: int | str | None) -> Slice:
        """Change the next customers that match the filter; the customers that were looked at.

        Raises:
            ListChangedError: the list was published again; nothing of the portion is changed.
            OtherHashKeyError: customers were erased under another key.
            StoreError: the store fails; nothing of the portion is changed then.
        """
        query, times = self.asked.query, list_times(store, self.run, self.desk.clock())
        found = read_slice(store, self.run, query.selection(times, self.by.name), PORTION, after=after)
        names = [one.customer for one in found.items]
        works, contacted = work_on(store, names), contacts_by_list(store, times, names)
        # Customers who are worked are not opened again, and no wait is ended, unless the filter names their state.
        settled = () if query.state else ("done",) if action.kind == "done" else WORKED
        # The filter shows customers who wait, with the agent of each: the question has said that their waits end.
        ends_waits = query.state == "snoozed" and action.kind in ENDS_WAIT
        wanted = []
        for one in found.items:
            work = works.get(one.customer, ListWork(one.customer))
            if one.action != OFFER:
                self.outcome.skip("unlisted", one.customer)
            elif work.state(self.run.as_of, times.today, contacted.get(one.customer)) in settled:
                self.outcome.skip("worked", one.customer)
            elif not query.state and keeps_waiting(work, action, times.today):
                self.outcome.skip("waiting", one.customer, work.agent, work.snoozed_until)
            else:
                wanted.append(Wanted(one, work.version if ends_waits else None))
        self._change(store, wanted, action, self._trace("work.changed", None, **self._filter(store)))
        return found

    def _change(self, store: Store, wanted: Sequence[Wanted], action: WorkAction, trace: ListTrace) -> None:
        note = self.asked.fields.note
        for customer, one in self.desk.change(store, wanted, action, by=self.by, note=note, trace=trace).items():
            if isinstance(one, Refused):
                self.outcome.skip(one.reason, customer, one.detail)
            elif action.kind == "release" and one.changed_by != self.by.name:
                self.outcome.skip("free", customer)  # no one had them, so that nothing was changed
            else:
                self.outcome.done += 1

    def _add_notes(self, store: Store, wanted: Sequence[Wanted]) -> None:
        keys = {one.prediction.customer: f"{self.asked.key}:{one.prediction.rank}" for one in wanted}
        text, hash_key = self.asked.fields.note or "", self.desk.suppression.key
        trace = self._trace("note.added", hash_key)
        try:
            erased = add_notes(store, keys, text, hash_key=hash_key, trace=trace, clock=self.desk.clock)
        except ConfigError:
            raise OtherHashKeyError from None
        for name in keys:
            if name in erased:
                self.outcome.skip("erased", name)
            else:
                self.outcome.done += 1

    def _trace(self, event: str, hash_key: str | None, **more: str) -> ListTrace:
        to, until = needed(self.asked.fields)
        given = {"do": self.asked.fields.do, "to": to, "until": None if until is None else until.isoformat(), **more}
        details = {name: value for name, value in given.items() if value}
        details = {**self.request, "as_of": self.run.as_of.isoformat()} | details
        return ListTrace(self.run.id, self.run.finished_at, self.by.name, event, details, hash_key)

    def _filter(self, store: Store) -> dict[str, str]:
        """The filter, as the audit log keeps it: a customer ID that was asked for is a hash, as everywhere there."""
        query, prefix = self.asked.query, self.asked.query.q.strip().replace("\x00", "")
        ways = {prefix, prefix.upper(), prefix.lower()} - {""}
        of_one = any(predictions(store, self.run.as_of, customer=way) for way in ways)
        owner = self.by.name if query.owner == ME else query.owner
        given = {"part": query.part, "band": query.band, "state": query.state, "owner": owner}
        return given | ({"q_hash": customer_hash(self.desk.suppression.key, prefix)} if of_one else {"q": prefix})
