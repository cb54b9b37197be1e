"""The file of the list has the work on each customer, and its name says what was chosen."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from churn_mlops.serving.console.work_list.list_view import PARTS
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.campaigns.list_work import WorkChange, finish, snooze, take
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.scoring.work_states import STATES
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_page import all_pages
from tests.serving.console.work_list.test_list_work_page import OTTO, name, today
from tests.serving.console.work_list.test_xlsx_export import cells
from tests.store.builders import DAY

UNTIL = today() + timedelta(days=3)


def test_a_row_has_the_state_the_agent_and_the_date_of_a_wait(visitor: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), OTTO))
        snooze(store, WorkChange(name(1), OTTO), UNTIL)
        snooze(store, WorkChange(name(2), OTTO), today() - timedelta(days=1))  # is over
        finish(store, WorkChange(name(3), OTTO), DAY)
        record_contact(store, NewContact("k", "s", name(4), utc_now(), "20 % off", "no_answer", OTTO))
    visitor.sign_in("analyst")
    wanted = [("taken", "otto", ""), ("snoozed", "", UNTIL.isoformat()), ("open", "", ""), ("done", "", "")]
    wanted += [("contacted", "", ""), ("open", "", "")]
    rows = list(csv.DictReader(io.StringIO(visitor.get("/list.csv?part=all").text)))
    found = [(row["state"], row["owner"], row["snoozed_until"]) for row in rows]
    assert found[:6] == wanted
    assert found[-1] == ("", "", "")  # is not on the contact list
    header, *sheet = cells(visitor.get("/list.xlsx?part=all").content)
    assert [text for _, text in header[-3:]] == ["state", "owner", "snoozed_until"]
    assert [tuple(text for _, text in row[-3:]) for row in sheet] == found
    waiting = list(csv.DictReader(io.StringIO(visitor.get("/list.csv?state=snoozed").text)))
    assert [row["customer"] for row in waiting] == [name(1)]


@pytest.mark.parametrize("state", ["", *STATES])
@pytest.mark.parametrize("part", PARTS)
def test_the_file_has_the_customers_of_the_page_but_for_a_control_group_and_do_not_contact(
    visitor: Visitor, guarded: Guarded, part: str, state: str
) -> None:
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), OTTO))
        snooze(store, WorkChange(name(1), OTTO), UNTIL)
        finish(store, WorkChange(name(2), OTTO), DAY)
        for number, result in ((3, "accepted"), (4, "no_answer"), (5, "declined")):
            record_contact(store, NewContact(f"k{number}", "s", name(number), utc_now(), "20 % off", result, OTTO))
        set_do_not_contact(store, name(6), blocked=True, reason="they asked", by=OTTO)
        made = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thanks.", today(), OTTO))
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(made.id, name(7), "control", False, today())])
    visitor.sign_in("admin")
    query = f"part={part}&state={state}"
    rows = list(csv.DictReader(io.StringIO(visitor.get(f"/list.csv?{query}").text)))
    left_out = {name(6), name(7)} if part == "contact" else set()
    shown = all_pages(visitor, f"/list?{query}")
    assert [row["customer"] for row in rows] == [one for one in shown if one not in left_out]
    assert left_out <= set(shown) or state not in ("", "open")
    without_offer = [row for row in rows if row["customer"] in (name(3), name(6), name(7))]
    assert {(row["action"], bool(row["why_not"])) for row in without_offer} <= {("leave_alone", True)}
    assert (name(3) in {row["customer"] for row in rows}) == (state in ("", "contacted"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "contact"),
        ("part=likely&band=high", "likely-high"),
        ("state=snoozed&owner=person:ben", "contact-snoozed-ben"),
        ("owner=me", "contact-analyst_person"),
        ("q=C0%2F..%2F%22%0D%0Aä&order=customer", "contact-C0_"),
        (f"q={'x' * 200}", f"contact-{'x' * 40}"),
    ],
)
def test_the_name_of_the_file_says_the_filter_and_the_date(visitor: Visitor, query: str, words: str) -> None:
    visitor.sign_in("analyst")
    for ending in ("csv", "xlsx"):
        answer = visitor.get(f"/list.{ending}?{query}")
        named = f'attachment; filename="churn-{words}-{DAY.isoformat()}.{ending}"'
        assert (answer.status_code, answer.headers["Content-Disposition"]) == (200, named)
