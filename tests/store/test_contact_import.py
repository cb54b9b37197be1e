"""A file of contacts is imported whole or not at all, once, however often it is sent; on both databases."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contact_import import (
    PORTION,
    ImportedContacts,
    ImportRefusedError,
    import_contacts,
    read_contacts,
)
from churn_mlops.store.contacts import ContactRules, NewContact, contacts
from churn_mlops.store.erasure import forget
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import DAY as RUN_DAY
from tests.store.builders import batch, run

DAY = date(2026, 11, 23)
BEFORE = RUN_DAY - timedelta(days=7)
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
RULES = ContactRules(DAY, DAY - timedelta(days=90), "key")
HEADER = "customer_id,offer,result,at,dismissal,note,override_reason\n"
FILE = (
    HEADER
    + "C1,20 % off,accepted,2026-11-20T14:05:00+01:00,,,\n"
    + 'C2,"20 % off, a year",not_offered,2026-11-21T09:00:00Z,complaint,"They said ""no"".",\n'
)


def imported(store: Store, text: str = FILE, *, allow_unknown: bool = False) -> ImportedContacts:
    new = read_contacts(text, caller="cli:anna", now=NOW)
    return import_contacts(store, new, RULES, allow_unknown=allow_unknown, clock=lambda: NOW)


def test_a_file_is_recorded_once_however_often_it_is_imported(store: Store) -> None:
    assert imported(store) == ImportedContacts(recorded=2)
    first, second = contacts(store, limit=10)
    assert (first.customer, first.result, first.channel, first.caller) == ("C1", "accepted", "import", "cli:anna")
    assert first.at == datetime(2026, 11, 20, 13, 5, tzinfo=UTC)
    assert (second.offer, second.dismissal, second.note) == ("20 % off, a year", "complaint", 'They said "no".')
    again = "\ufeff" + FILE + "C3,20 % off,declined,2026-11-22T09:00:00Z,,,\n"
    assert imported(store, again) == ImportedContacts(recorded=1, repeated=2)


def test_a_contact_with_the_control_group_needs_a_reason_or_nothing_of_the_file_is_recorded(store: Store) -> None:
    id = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, "cli:anna")).id
    with store.writing("assign") as connection:
        add_assignments(connection, [Assignment(id, "C1", "control", False, DAY)])
    with pytest.raises(
        ImportRefusedError, match="row 2: the customer is in the control group: give an override_reason"
    ):
        imported(store)
    assert contacts(store, limit=10) == []
    assert imported(store, FILE.replace("+01:00,,,", "+01:00,,,the branch did not know")).recorded == 2
    assert contacts(store, limit=10)[0].campaign_id == id


def test_a_customer_of_no_published_run_is_refused_by_row_unless_they_are_allowed(store: Store) -> None:
    publish(store, run(BEFORE), [batch(["C1"], [0.9])])
    publish(store, run(), [batch(["C3"], [0.9])])
    with pytest.raises(ImportRefusedError, match="row 3: the customer is in no published run") as refused:
        imported(store)
    assert (len(refused.value.problems), contacts(store, limit=10)) == (1, [])
    assert imported(store, allow_unknown=True) == ImportedContacts(recorded=2, unknown=1)
    assert imported(store) == ImportedContacts(repeated=2)  # what is recorded is asked no more


def test_a_long_file_is_recorded_in_portions_and_other_writers_take_their_turn_between(store: Store) -> None:
    turns: list[int] = []

    def clock() -> datetime:
        turns.append(len(contacts(store, limit=10_000)))  # as another program sees it
        return NOW

    text = HEADER + "".join(f"C{n},x,declined,2026-11-20T14:05:00Z,,,\n" for n in range(2 * PORTION + 1))
    new = read_contacts(text, caller="cli:anna", now=NOW)
    assert import_contacts(store, new, RULES, clock=clock) == ImportedContacts(recorded=2 * PORTION + 1)
    assert turns == [0, PORTION, 2 * PORTION]
    assert [one.customer for one in contacts(store, limit=3)] == ["C0", "C1", "C2"]


def test_a_wrong_row_far_below_keeps_the_rows_above_from_being_recorded(store: Store) -> None:
    set_do_not_contact(store, "late", blocked=True, reason="they asked", by="cli:anna")
    rows = "".join(f"C{n},x,declined,2026-11-20T14:05:00Z,,,\n" for n in range(PORTION))
    with pytest.raises(ImportRefusedError, match=f"^no contact was recorded: row {PORTION + 2}: "):
        imported(store, HEADER + rows + "late,x,declined,2026-11-20T14:05:00Z,,,\n")
    assert contacts(store, limit=1) == []


def test_a_rule_that_comes_to_be_broken_meanwhile_ends_the_import_and_says_how_far_it_came(store: Store) -> None:
    rows = "".join(f"C{n},x,declined,2026-11-20T14:05:00Z,,,\n" for n in range(PORTION))
    text = HEADER + rows + "late,x,declined,2026-11-20T14:05:00Z,,,\n"
    new = read_contacts(text, caller="cli:anna", now=NOW)

    class Blocking(list[NewContact]):
        """Another program blocks the last customer once the first portion is read a second time."""

        reads = 0

        def __getitem__(self, part):  # type: ignore[no-untyped-def]
            self.reads += 1
            if self.reads == 3:
                set_do_not_contact(store, "late", blocked=True, reason="they asked", by="cli:anna")
            return super().__getitem__(part)

    with pytest.raises(ImportRefusedError, match=f"only the first {PORTION:,} contacts were recorded: row "):
        import_contacts(store, Blocking(new), RULES, clock=lambda: NOW)
    assert len(contacts(store, limit=10_000)) == PORTION


def test_two_rows_of_one_file_with_one_key_are_one_contact(store: Store) -> None:
    head, row = FILE.splitlines(keepends=True)[:2]
    assert imported(store, head + row + row) == ImportedContacts(recorded=1, repeated=1)


def test_rows_of_erased_customers_are_left_out_and_counted(store: Store) -> None:
    forget(store, "key", "C1", by="cli:anna")
    assert imported(store) == ImportedContacts(recorded=1, erased=1)


def test_a_key_stands_for_one_contact(store: Store) -> None:
    text = "key,customer_id,offer,result,at\n7,C1,20 % off,accepted,2026-11-20T14:05:00Z\n"
    assert imported(store, text).recorded == 1
    with pytest.raises(ImportRefusedError, match="row 2: the key stands for another contact"):
        imported(store, text.replace("accepted", "declined"))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",20 % off,accepted,2026-11-20T14:05:00Z,,,", "row 2: customer_id is empty"),
        ("C1,,accepted,2026-11-20T14:05:00Z,,,", "row 2: offer is empty"),
        ("C1,x,perhaps,2026-11-20T14:05:00Z,,,", "result is none of"),
        ("C1,x,accepted,2026-11-20T14:05:00,,,", "at is no time with its zone"),
        ("C1,x,accepted,yesterday,,,", "at is no time with its zone"),
        ("C1,x,accepted,2026-11-23T14:11:00Z,,,", "at lies in the future"),
        ("C1,x,not_offered,2026-11-20T14:05:00Z,,,", "dismissal is given with not_offered"),
        ("C1,x,accepted,2026-11-20T14:05:00Z,complaint,,", "dismissal is given with not_offered"),
        ("C1,x,not_offered,2026-11-20T14:05:00Z,because,,", "dismissal is given with not_offered"),
        ("C1,x,not_offered,2026-11-20T14:05:00Z,other,,", "note must explain"),
        ("C1,x,accepted", "another number of cells"),
        ("C1,x,accepted,2026-11-20T14:05:00Z,,,,", "another number of cells"),
        (f"C1,{'x' * 201},accepted,2026-11-20T14:05:00Z,,,", "offer is longer than 200"),
        ('"C\n1",x,accepted,2026-11-20T14:05:00Z,,,', "customer_id is longer than 200 characters, or not one line"),
        ('"C1"x,x,accepted,2026-11-20T14:05:00Z,,,', "is no CSV"),
    ],
)
def test_a_wrong_row_is_named_without_the_customer(row: str, problem: str) -> None:
    with pytest.raises(ImportRefusedError, match=problem) as refused:
        read_contacts(HEADER + row + "\n", caller="cli:anna", now=NOW)
    assert "C1" not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("customer_id,offer,result", "the column at is missing"),
        ("customer_id,offer,result,at,custumer", "the column 'custumer' is unknown"),
        ("customer_id,offer,result,at,at", "a column stands there twice"),
        ("", "the column customer_id is missing"),
    ],
)
def test_a_wrong_header_is_named(header: str, problem: str) -> None:
    with pytest.raises(ImportRefusedError, match=problem):
        read_contacts(header + "\n", caller="cli:anna", now=NOW)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, HEADER + text):
        with suppress(ImportRefusedError):
            read_contacts(whole, caller="cli:anna", now=NOW)
