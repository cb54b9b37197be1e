"""Today's list as pages, and as a file."""

from __future__ import annotations

import csv
import io
import re

from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.scoring.publishing import publish
from tests.serving.access.secured_app import Guarded
from tests.serving.console.conftest import CUSTOMERS
from tests.serving.console.visitor import Visitor
from tests.store.builders import NOW, batches, run

LISTED = CUSTOMERS * 6 // 10 + 1
"""So many have a score of 0.4 or more."""


def ids(text: str) -> list[str]:
    return re.findall(r'<a class="id" id="r\d+" href="[^"]+">([^<]+)</a>', text)


def all_pages(agent: Visitor, path: str) -> list[str]:
    """The IDs of the list from ``path`` on, page after page."""
    found: list[str] = []
    while path:
        text = agent.get(path).text
        found += ids(text)
        following = re.search(r'href="([^"]+)" rel="next"', text)
        path = following[1].replace("&amp;", "&") if following else ""
    return found


def test_the_contact_list_comes_first_and_whole_page_by_page(agent: Visitor) -> None:
    assert all_pages(agent, "/list") == [f"C{number:06d}" for number in range(LISTED)]
    assert all_pages(agent, "/list?part=all") == [f"C{number:06d}" for number in range(CUSTOMERS)]


def test_a_page_leads_back_to_the_one_before(agent: Visitor) -> None:
    first = agent.get("/list?part=all").text
    assert 'rel="prev"' not in first
    second = agent.get("/list?part=all&after=50").text
    back = re.search(r'href="([^"]+)" rel="prev"', second)
    assert back is not None
    assert ids(agent.get(back[1].replace("&amp;", "&")).text) == ids(first)


def test_the_list_is_filtered_and_searched(agent: Visitor) -> None:
    for query, numbers in [
        ("part=likely&band=high", range(61)),
        ("part=all&band=medium", []),
        ("part=all&q=c00001", range(10, 20)),
        ("part=all&q=C00001&order=customer", range(10, 20)),
        ("q=unknown", []),
    ]:
        assert all_pages(agent, f"/list?{query}") == [f"C{number:06d}" for number in numbers], query


def test_a_row_shows_what_came_of_the_last_contact(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        for result in ("no_answer", "accepted"):
            record_contact(store, NewContact(result, "s", "C000002", NOW, "20 % off", result, "key:x"))
    text = agent.get("/list").text
    assert text.count("Accepted</span>") == 1
    assert "No answer</span>" not in text


def test_a_wrong_query_is_refused_by_a_page(agent: Visitor) -> None:
    for query in (
        "after=x",
        "part=none",
        "band=none",
        "order=score",
        "state=lost",
        "did=magic",
        "unknown=1",
        f"q={'x' * 201}",
    ):
        answer = agent.get(f"/list?{query}")
        assert (answer.status_code, answer.headers["Content-Type"]) == (422, "text/html; charset=utf-8"), query


def test_a_parameter_that_is_given_twice_is_refused_by_a_page(agent: Visitor) -> None:
    for page in ("/list?q=C1&q=C2", "/?q=C1&q=C2", "/find?q=C1&q=C2", "/list?band=high&band=low"):
        assert agent.get(page).status_code == 422, page


def test_the_file_has_the_rows_of_the_selection_and_agents_get_none(visitor: Visitor, guarded: Guarded) -> None:
    visitor.sign_in("analyst")
    text = visitor.get("/list").text
    assert "Export CSV" in text
    assert ids(text) == []  # an analyst sees the list, and no page of a customer
    answer = visitor.get("/list.csv?part=all&q=C00001")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="churn-all-C00001-2026-11-22.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["customer"] for row in rows] == [f"C{number:06d}" for number in range(10, 20)]
    assert rows[0]["reason_1"] == "2 months of tenure: +21 points"
    listed = [row["customer"] for row in csv.DictReader(io.StringIO(visitor.get("/list.csv").text))]
    assert listed == [f"C{number:06d}" for number in range(LISTED)]
    with open_store(guarded.address) as store:
        set_do_not_contact(store, "C000002", blocked=True, reason="they asked", by="person:anna")
    left = [row["customer"] for row in csv.DictReader(io.StringIO(visitor.get("/list.csv").text))]
    assert left == [f"C{number:06d}" for number in range(LISTED) if number != 2]
    with open_store(guarded.address) as store:
        events = [one.event for one in audit_events(store, limit=10)]
    assert events.count("predictions.exported") == 3
    visitor.send("/account", "/sign-out")
    visitor.sign_in("agent")
    assert visitor.get("/list.csv").status_code == 403
    assert "Export CSV" not in visitor.get("/list").text


def test_a_list_of_another_version_than_the_live_one_says_so_as_the_page_of_a_customer_does(
    agent: Visitor, guarded: Guarded
) -> None:
    assert "is live now" not in agent.get("/list").text
    assert "The list is of model version" not in agent.get("/customers/C000001").text
    with open_store(guarded.address) as store:
        publish(store, run(version="0"), batches(CUSTOMERS))
    text = agent.get("/list").text
    assert re.search(r"model version 0 \(version \S+ is live now\)", text)
    assert "The list is of model version 0." in agent.get("/customers/C000001").text
