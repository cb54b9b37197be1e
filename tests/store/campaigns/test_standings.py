"""What is recorded of customers, for one and for all, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.campaigns.standings import Standing, Window, standings
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.erasure import forget

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
WINDOW = Window(DAY, DAY - timedelta(days=90), NOW - timedelta(days=365), NOW)


def test_arm_wish_and_contacts_of_each_customer_come_together(store: Store) -> None:
    id = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, "cli:anna")).id
    with store.writing("assign") as connection:
        add_assignments(connection, [Assignment(id, "C1", "treated", False, DAY)])
    set_do_not_contact(store, "C2", blocked=True, reason="they asked", by="cli:anna")
    for days, customer, result in (
        (400, "C1", "accepted"), (20, "C1", "declined"), (2, "C1", "no_answer"), (-1, "C1", "accepted"),
        (1, "C3", "not_offered"), (0, "C4", "accepted"),
    ):  # fmt: skip
        dismissal = "bad_time" if result == "not_offered" else None
        at = NOW - timedelta(days=days)
        new = NewContact(f"{customer} {days}", "a" * 64, customer, at, "20 % off", result, "cli:anna")
        record_contact(store, NewContact(**vars(new) | {"dismissal": dismissal}))
    forget(store, "key", "C4", by="cli:anna")
    found = standings(store, WINDOW)
    assert found == {
        "C1": Standing(
            id, "treated", True, False, (NOW - timedelta(days=20), NOW - timedelta(days=2)), NOW - timedelta(days=20)
        ),
        "C2": Standing(blocked=True),
        "C3": Standing(dismissed_at=NOW - timedelta(days=1)),
    }
    assert standings(store, WINDOW, ["C1", "C9"]) == {"C1": found["C1"]}
