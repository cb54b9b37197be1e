"""A customer with rows in every table of the store, and what is written about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.campaigns.list_work import WorkChange, take
from churn_mlops.store.campaigns.notes import add_note
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.prediction_log import PredictionRecord, write_records
from churn_mlops.store.scoring.outcomes import Labels, record_labels
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import DAY, NEXT, NOW, batch, run

KEY = "a key of our own"
NAME = "Zyxomma-Petiolatum-77"
OTHER = "C000001"
NAMED, NAMELESS, OF_OTHER = "a" * 32, "b" * 32, "c" * 32
BY = "cli:anna"
STARS = datetime(2026, 11, 1, tzinfo=UTC)


def answer(id: str, customer: str | None) -> PredictionRecord:
    told = f'{{"customer_id": "{customer}"}}' if customer else '{"churn_probability": 0.5}'
    return PredictionRecord(id, NOW, DAY, "3", "a" * 64, "local", customer, '{"tenure": 4.0}', told)


def contact(key: str, **changed: Any) -> NewContact:
    made = NewContact(key, "d" * 64, NAME, NOW, "20 % off", "accepted", "key:crm", NAMELESS, f"{NAME} threatens to go")
    return replace(made, **changed)


def plant(store: Store) -> None:
    """``NAME`` and ``OTHER`` in every table that holds customers."""
    quoting = (
        f"warning: payment_method: unknown level: 1 row (first: {NAME}, 'pigeon (of {NAME})'); correct it",
        f"warning: payment_method: unknown level: 1 row (first: {OTHER}, 'dove'); correct it",
    )
    for day in (DAY, NEXT):
        publish(store, replace(run(day), warnings=quoting), [batch(["C000002", NAME, OTHER], [0.9, 0.8, 0.3])])
    for moment, left in ((NOW, True), (NOW + timedelta(days=1), False)):
        record_labels(store, DAY, [Labels([NAME, OTHER], [left, left])], moment)
    write_records(store, [answer(NAMED, NAME), answer(NAMELESS, None), answer(OF_OTHER, OTHER)])
    record_contact(store, contact(f"call {NAME}", note=f"{NAME} is angry"))
    record_contact(store, contact("call-2", offer=f"A rebate for {NAME.upper()}", prediction_id=OF_OTHER))
    record_contact(store, contact("call-3", customer=OTHER, override_reason=None, prediction_id=OF_OTHER))
    plant_in_campaign(store)


def plant_in_campaign(store: Store) -> None:
    """``NAME`` and ``OTHER`` in every table of campaigns and of the work on the list."""
    made = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, BY))
    for customer, arm in ((NAME, "treated"), (OTHER, "control")):
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(made.id, customer, arm, False, DAY)])
        set_do_not_contact(store, customer, blocked=True, reason=f"{customer} asked for it", by=BY)
        add_note(store, customer, f"{customer} called.", by=BY)
        take(store, WorkChange(customer, BY, note=f"{customer} waits"))
