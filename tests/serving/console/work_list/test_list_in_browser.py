"""The list as a day's tool in a real browser: by keyboard alone, on a phone, without script, with a second agent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from churn_mlops.store import open_store
from churn_mlops.store.campaigns.list_work import ListWork, WorkChange, finish, take, work_on
from churn_mlops.store.campaigns.notes import notes_of
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.clock import utc_now
from tests.chromium import CHROMIUM
from tests.serving.access.secured_app import PASSWORD
from tests.serving.console.test_browser import Site, violations, visiting
from tests.store.builders import DAY

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)
ME = "person:admin-person"


def works(site: Site) -> dict[str, ListWork]:
    with open_store(site.store) as store:
        return work_on(store)


def at(page: Page) -> str:
    """The row in which the focus is."""
    return str(page.evaluate("document.activeElement.id"))


def state(rank: int) -> str:
    """The cell with the state of a row."""
    return f"tr:has(#r{rank}) .state"


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_day_of_work_on_the_list_by_keyboard_alone(chromium: Browser, site: Site) -> None:
    until = utc_now().date() + timedelta(days=7)
    with visiting(chromium, site) as page:
        page.goto("/list")
        press(page, "j", "j", "t")  # this row, since none is ticked
        page.wait_for_url("**did=take&count=1#r2")
        assert (at(page), page.inner_text(".banner.done")) == ("r2", "1 customer taken.")
        assert page.inner_text(state(2)) == "You"
        press(page, "d")
        page.wait_for_url("**did=done&count=1#r2")
        assert page.inner_text(".progress strong") == "1 of 73 worked"
        press(page, "j", "v", "j", "v", "j", "t")  # two ticked rows, and not the third, on which the focus is
        page.wait_for_url("**did=take&count=2#r3")
        press(page, "h", "b", "Enter")  # the field to hand on, the user whose name begins so, go
        page.wait_for_url("**did=hand_on&count=1#r3")
        press(page, "j", "s")
        page.keyboard.type(f"{until:%m%d%Y}")
        press(page, "Enter")
        page.wait_for_url("**did=snooze&count=1#r4")
        press(page, "n")
        page.keyboard.type("They move in May.")
        press(page, "Enter")
        page.wait_for_url("**did=note&count=1#r4")
        press(page, "j", "t")
        page.wait_for_url("**did=take&count=1#r5")
        press(page, "r")
        page.wait_for_url("**did=release&count=1#r5")
    found = works(site)
    assert {name: work.owner for name, work in found.items()} == {
        "C000001": None, "C000002": "person:ben", "C000003": ME, "C000004": None,
    }  # fmt: skip
    assert found["C000003"].snoozed_until == until
    with open_store(site.store) as store:
        assert [one.text for one in notes_of(store, "C000003")] == ["They move in May."]


def test_the_keys_keep_their_place_after_a_customer_and_when_the_row_is_gone(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/list?state=open")
        press(page, "j", "j", "j", "Enter")
        page.wait_for_url("/customers/C000002")
        page.click("text=Today's list")
        page.wait_for_url("/list")
        assert at(page) == "r3"
        press(page, "k")
        assert at(page) == "r2"
        page.goto("/list?state=open")
        assert at(page) == ""  # a fresh visit takes no focus
        press(page, "j", "j", "t")
        page.wait_for_url("**state=open&*did=take&count=1#r2")
        assert at(page) == "r3"  # the second row is taken, and so not open


def test_a_slash_goes_to_the_search_and_in_the_search_it_is_a_slash(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        for path in ("/list", "/", "/customers/C000001"):
            page.goto(path)
            # The browser focuses the field of a page when it first draws it.
            page.evaluate("new Promise(requestAnimationFrame).then(() => document.activeElement.blur())")
            press(page, "/", "/")
            page.keyboard.type("a/b")
            assert page.input_value("#q") == "/a/b", path


def test_of_two_agents_one_wins_and_the_other_sees_who(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as mine, chromium.new_context(base_url=site.url) as context:
        other = context.new_page()
        other.goto("/sign-in")
        other.fill("#name", "ben")
        other.fill("#password", PASSWORD)
        press(other, "Enter")
        other.wait_for_url("/")
        for page in (mine, other):
            page.goto("/list")
        press(mine, "j", "t")
        mine.wait_for_url("**did=take&count=1#r1")
        press(other, "j", "t")
        other.wait_for_url("/list/work")
        assert other.inner_text("main h1") == "Nothing was changed"
        assert other.inner_text(".skipped li") == "C000000 by admin-person"
        other.click("text=Back to the list")
        assert other.inner_text(state(1)) == "admin-person"
    assert works(site)["C000000"].owner == ME


def test_rows_and_all_that_match_are_changed_without_script(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390, java_script_enabled=False) as page:
        page.goto("/list")
        page.check("[name=row-1]")
        page.click("button[value=take]")
        assert page.inner_text(state(1)) == "You"
        page.goto("/list?q=C00001")
        page.check("[name=all]")
        assert page.inner_text(".chosen").startswith("All 10 are chosen.")
        page.click(".work-actions button[value=done]")
        assert page.inner_text("h1") == "Mark up to 10 customers as done?"
        page.click("button >> text=Mark up to 10 customers as done")
        assert page.inner_text(".banner.done") == "10 customers are done."
    assert sum(work.done_for is not None for work in works(site).values()) == 10


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_the_list_at_work_fits_and_keeps_no_one_out(chromium: Browser, site: Site, width: int, scheme: Any) -> None:
    with open_store(site.store) as store:
        take(store, WorkChange("C000000", "person:ben", note="a note that is longer than the page of a phone is wide"))
    found = {}

    def look(page: Page, name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        found[name] = violations(page)

    with visiting(chromium, site, width=width, color_scheme=scheme) as page:
        page.goto("/list")
        page.check("[name=row-1]")
        page.check("[name=row-2]")
        look(page, "ticked")
        with page.expect_navigation():
            page.click("button[value=take]")
        look(page, "skipped")
        page.goto("/list")
        page.check("[name=all]")
        with page.expect_navigation():
            page.click(".work-actions button[value=done]")
        look(page, "asked")
    assert found == {"ticked": [], "skipped": [], "asked": []}


def test_the_latest_contact_has_a_line_of_its_own_below_the_state_of_the_work(chromium: Browser, site: Site) -> None:
    earlier = utc_now() - timedelta(days=40)
    with open_store(site.store) as store:
        for customer in ("C000000", "C000001"):
            record_contact(store, NewContact(customer, "s", customer, earlier, "x", "no_answer", "person:ben"))
        take(store, WorkChange("C000000", ME))
        finish(store, WorkChange("C000001", ME), DAY)
    with visiting(chromium, site) as page:
        page.goto("/list")
        for rank, badge in ((1, "You"), (2, "Done by you")):
            lines = page.inner_text(state(rank)).split("\n")
            assert (lines[0].strip(), lines[1][:10]) == (badge, "No answer "), lines
            assert len(page.locator(f"{state(rank)} .result").evaluate("one => [...one.getClientRects()]")) == 1
