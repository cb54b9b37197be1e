"""The facts of the store about a customer and about the newest run, for the pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from churn_mlops.serving.api.work_list.list_desk import no_offer_now
from churn_mlops.serving.console.customer_view import RECENT, CustomerFacts
from churn_mlops.serving.prediction.offers import Offers
from churn_mlops.serving.resilience.store_client import StoreClient, StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import ListWork, work_on
from churn_mlops.store.campaigns.notes import notes_of
from churn_mlops.store.contacts import last_contact_of_each, latest_contacts
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.prediction_log import answer_before
from churn_mlops.store.scoring.browsing import Selection, average_score, published_scores, read_slice
from churn_mlops.store.scoring.predictions import OFFER, Prediction, predictions
from churn_mlops.store.scoring.runs import Run, latest_run
from churn_mlops.store.scoring.work_states import list_times

FACTS_SECONDS = 1.0
SCORES, CONTACTS, FIRST = 12, 50, 8
LOOKED_AT, SLICES = 100, 4
"""Customers of the list that are looked at together, and how often: a page must not wait for a whole list."""
Answer = TypeVar("Answer")


class StoreFacts:
    """Reads the store for the pages, and remembers the average score of the newest run.

    Args:
        store: the store.
        offers: decides who gets an offer now.
    """

    def __init__(self, store: StoreClient, offers: Offers) -> None:
        self._store, self.offers = store, offers
        self._average: tuple[tuple[int, datetime], float | None] | None = None

    async def ask(self, work: Callable[[Store], Answer]) -> Answer:
        """As of :meth:`StoreClient.ask`."""
        return await self._store.ask(work)

    async def customer(self, customer: str, as_of: date) -> CustomerFacts | None:
        """The facts about a customer besides the answer of ``as_of``; None while the store is unavailable."""
        try:
            return await self._store.ask(lambda opened: self._read(opened, customer, as_of), FACTS_SECONDS)
        except StoreUnavailableError:
            return None

    def average(self, store: Store, run: Run) -> float | None:
        """The average score of a run, read once for each publication."""
        publication = (run.id, run.finished_at)
        if self._average is None or self._average[0] != publication:
            self._average = (publication, average_score(store, run))
        return self._average[1]

    def _read(self, store: Store, customer: str, as_of: date) -> CustomerFacts:
        run, earlier = newest_run(store), answer_before(store, customer, as_of)
        own = [] if run is None else predictions(store, run.as_of, customer=customer)
        is_listed = bool(own) and own[0].action == OFFER
        following = self._next(store, run, own[0].rank) if run is not None and is_listed else None
        work = work_on(store, [customer]).get(customer, ListWork(customer)) if run is not None and is_listed else None
        campaign = self.offers.campaign_of(store, customer)
        return CustomerFacts(
            average=None if run is None else self.average(store, run),
            scores=published_scores(store, customer, SCORES),
            contacts=latest_contacts(store, customer, limit=CONTACTS),
            notes=notes_of(store, customer, limit=CONTACTS),
            offer=None if campaign is None else campaign.offer,
            earlier=None if earlier is None else (earlier[0], json.loads(earlier[1])),
            next_customer=following,
            rank=own[0].rank if own else None,
            list_version=None if run is None else run.model_version,
            work=work,
            not_taken=self._not_taken(store, own[0]) if is_listed else None,
            work_state="open" if work is None or run is None else work.state(run.as_of, utc_now().date()),
        )

    def _not_taken(self, store: Store, one: Prediction) -> str | None:
        """Why a customer of the contact list is not taken now, in the words of the refusal; None if they may be."""
        (now,) = self.offers.now(store, [one])
        return None if now.action == OFFER else no_offer_now(now.why_not)

    def _next(self, store: Store, run: Run, rank: int) -> str | None:
        """The next customer of the contact list behind ``rank`` to be called now; None behind the last.

        They get an offer now, no one works on them or has done so, and no one contacted them within the last day.
        """
        now = utc_now()
        for _ in range(SLICES):
            found = read_slice(store, run, Selection("contact"), LOOKED_AT, after=rank)
            names = [one.customer for one in found.items]
            works, contacts = work_on(store, names), last_contact_of_each(store, names)
            for one in self.offers.now(store, found.items):
                work, contact = works.get(one.customer), contacts.get(one.customer)
                is_open = work is None or work.state(run.as_of, now.date()) == "open"
                if one.action == OFFER and is_open and (contact is None or now - contact.at > RECENT):
                    return one.customer
            if not found.has_after:
                return None
            rank = found.items[-1].rank
        return None

    def to_call(self, store: Store, run: Run, now: datetime) -> list[Prediction]:
        """The first customers of the contact list who are open and get an offer now."""
        is_open = Selection("contact", state="open", times=list_times(store, run, now))
        found = read_slice(store, run, is_open, LOOKED_AT).items
        return [one for one in self.offers.now(store, found) if one.action == OFFER][:FIRST]


def newest_run(store: Store) -> Run | None:
    """The run of the newest published date, None where no date is published, or its predictions were deleted by age."""
    run = latest_run(store)
    return None if run is None or run.deleted_at is not None else run
