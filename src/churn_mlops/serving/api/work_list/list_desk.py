"""The rules of the work on the list, the same for pages and for JSON: who is taken, handed on, and waits how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from churn_mlops.errors import ConfigError
from churn_mlops.retention.economics import OFFER
from churn_mlops.serving.access.permissions import rule_of
from churn_mlops.serving.access.principal import Principal, Role
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.offers import Offers, why_not_json
from churn_mlops.serving.prediction.service import PredictionService
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck
from churn_mlops.store import Store
from churn_mlops.store.access.users import list_users
from churn_mlops.store.campaigns.list_trace import ListTrace
from churn_mlops.store.campaigns.list_work import (
    ListWork,
    TakenError,
    WorkAction,
    WorkChange,
    WorkChangedError,
    WorkRefusal,
    change_all,
    proxied_agents,
    work_on,
)
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.scoring.predictions import Prediction, predictions
from churn_mlops.store.scoring.runs import Run, latest_run

LONGEST_SNOOZE = 90
"""Days that a customer waits at most; fewer where the horizon of the model is shorter."""
Reason = Literal["taken", "changed", "erased", "no_offer"]


@dataclass(frozen=True)
class Refused:
    """A customer whose work was not changed.

    Args:
        customer: their ID.
        reason: why.
        error: the same as a sentence.
        problem: the field of a request that is concerned, and what is wrong with it.
        detail: who has the customer or changed the work; why there is no offer, as a code; empty of an erased one.
        since: since when another agent has the customer; None where none does.
    """

    customer: str
    reason: Reason
    error: str
    problem: tuple[str, str]
    detail: str = ""
    since: datetime | None = None

    def refusal(self) -> WorkRefusedError:
        """The answer to a request about this customer alone."""
        return WorkRefusedError(410 if self.reason == "erased" else 409, self)

    def trace(self) -> dict[str, str]:
        """The refusal as the audit log keeps it: why, and the agent who has the customer or changed the work."""
        return {"refused": self.reason} | ({"agent": self.detail} if self.reason in ("taken", "changed") else {})


class WorkRefusedError(RequestError):
    """A change of the work on one customer that is refused.

    Args:
        status: the HTTP status of the answer.
        refused: why.
    """

    def __init__(self, status: int, refused: Refused) -> None:
        super().__init__(status, refused.error, [refused.problem])
        self.refused = refused


@dataclass(frozen=True)
class Wanted:
    """A customer of the list whose work is to be changed: the published prediction, and the version that was seen."""

    prediction: Prediction
    version: int | None = None


@dataclass(frozen=True)
class ListDesk:
    """Changes the work on the list.

    Args:
        offers: decides whether an offer still holds.
        suppression: knows which customers were erased.
        service: has the model that is live, whose horizon bounds a snooze.
        has_proxy: whether users sign in at a proxy, so that the store does not know them all.
        clock: gives the time.
    """

    offers: Offers
    suppression: SuppressionCheck
    service: PredictionService
    has_proxy: bool = False
    clock: Clock = utc_now

    def today(self) -> date:
        """The date, in UTC."""
        return self.clock().date()

    def latest_snooze(self) -> date:
        """The last date until which a customer may wait: the horizon of the model, and 90 days at most."""
        label = self.service.model.predictor.contract.label
        horizon = label.horizon_days if label is not None else None
        return self.today() + timedelta(days=min(horizon or LONGEST_SNOOZE, LONGEST_SNOOZE))

    def snooze_bounds(self) -> tuple[date, date]:
        """The first and the last date until which a customer may wait."""
        return self.today() + timedelta(days=1), self.latest_snooze()

    def check_snooze(self, until: date) -> None:
        """Refuse a date on or before today, and one that is too far off.

        Raises:
            RequestError: 422, naming the bounds.
        """
        first, last = self.snooze_bounds()
        if not first <= until <= last:
            problem = f"must lie between {first} and {last}"
            raise RequestError(422, f"until {problem}", [("until", problem)])

    def agents(self, store: Store) -> list[str]:
        """The principals that a customer may be given to: active users who may open the page of a customer.

        Raises:
            StoreError: the store fails.
        """
        users = [one for one in list_users(store) if one.disabled_at is None and one.role in _may_work()]
        return [f"person:{one.name}" for one in users] + (proxied_agents(store) if self.has_proxy else [])

    def check_agent(self, store: Store, to: str) -> None:
        """Refuse an owner who is no active user.

        Raises:
            RequestError: 422.
            StoreError: the store fails.
        """
        if to not in self.agents(store):
            problem = "is no active user who may work on the list: `churn people list` shows the names"
            raise RequestError(422, f"to {problem}", [("to", problem)])

    def run(self, store: Store) -> Run | None:
        """The run of the newest list, None where none is published.

        Raises:
            StoreError: the store fails.
        """
        run = latest_run(store)
        return None if run is None or run.deleted_at is not None else run

    def listed(self, store: Store, run: Run, customer: str) -> Prediction | None:
        """A customer of the contact list, None where they are not on it.

        Raises:
            StoreError: the store fails.
        """
        found = predictions(store, run.as_of, customer=customer)
        return found[0] if found and found[0].action == OFFER else None

    def other_owner(self, store: Store, customer: str, by: Principal) -> str | None:
        """The agent who works on a customer, None where no one does, or ``by``.

        Raises:
            StoreError: the store fails.
        """
        work = work_on(store, [customer]).get(customer)
        return None if work is None or work.owner == by.name else work.owner

    def change_one(
        self, store: Store, wanted: Wanted, action: WorkAction, *, by: Principal, note: str | None = None
    ) -> ListWork:
        """Change the work on one customer of the list.

        Raises:
            RequestError: 403, the role takes no customers.
            WorkRefusedError: 409, another agent has the customer, the version is another one, or a customer is taken
                who gets no offer now; 410, they were erased.
            OtherHashKeyError: customers were erased under another key.
            StoreError: the store fails.
        """
        found = self.change(store, [wanted], action, by=by, note=note)[wanted.prediction.customer]
        if isinstance(found, Refused):
            raise found.refusal()
        return found

    def change(
        self,
        store: Store,
        wanted: Sequence[Wanted],
        action: WorkAction,
        *,
        by: Principal,
        note: str | None = None,
        trace: ListTrace | None = None,
    ) -> dict[str, ListWork | Refused]:
        """Change the work on some hundred customers of the list, in one transaction; who cannot be changed is named.

        Raises:
            RequestError: 403, customers are taken by a role that may not open their page.
            ListChangedError: the list is not the one of ``trace``; nothing is changed.
            OtherHashKeyError: customers were erased under another key.
            StoreError: the store fails.
        """
        found: dict[str, ListWork | Refused] = {}
        if action.kind == "take":
            if by.role not in _may_work():
                raise RequestError(403, f"the role {by.role} takes no customers: hand them on to an agent")
            now = self.offers.now(store, [one.prediction for one in wanted])
            found |= {one.customer: _no_offer(one) for one in now if one.action != OFFER}
        left = [one for one in wanted if one.prediction.customer not in found]
        changes = [
            WorkChange(one.prediction.customer, by.name, one.version, note, self.suppression.key) for one in left
        ]
        try:
            changed = change_all(store, changes, action, trace=trace, clock=self.clock)
        except ConfigError:
            raise OtherHashKeyError from None
        return found | {
            name: one if isinstance(one, ListWork) else _refused(name, one) for name, one in changed.items()
        }


def no_offer_now(why_not: str | None) -> str:
    """The words with which it is refused to take a customer, by the code of the reason."""
    return f"gets no offer now: {why_not_json(why_not)['why_not_words'] or 'their offer does not hold any more'}"


def _may_work() -> frozenset[Role]:
    """The roles that may open the page of a customer."""
    return rule_of("GET", "/customers/{}").roles


def _no_offer(one: Prediction) -> Refused:
    problem = no_offer_now(one.why_not)
    return Refused(
        one.customer, "no_offer", f"the customer {problem}", ("customer_id", problem), detail=one.why_not or ""
    )


def _refused(customer: str, error: WorkRefusal) -> Refused:
    if isinstance(error, TakenError):
        owner = error.work.owner or ""
        return Refused(
            customer, "taken", str(error), ("customer_id", f"is taken by {owner}"), owner, error.work.owner_since
        )
    if isinstance(error, WorkChangedError):
        problem = ("version", f"is {error.work.version} now")
        return Refused(customer, "changed", str(error), problem, error.work.changed_by)
    return Refused(customer, "erased", str(error), ("customer_id", "was erased"))
