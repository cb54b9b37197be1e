"""The page of a customer in a real browser: what to do comes first, and a form that is not taken says why beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from churn_mlops.store import open_store
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import NewContact, contacts, record_contact
from churn_mlops.store.database.clock import utc_now
from tests.chromium import CHROMIUM
from tests.serving.access.secured_app import Guarded
from tests.serving.console.test_browser import Site, served, violations, visiting

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
WIDTHS = pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
CUSTOMER = "/customers/C000001"


@pytest.fixture
def site(guarded: Guarded) -> Iterator[Site]:
    with served(guarded) as found:
        yield found


@contextmanager
def at_customer(chromium: Browser, site: Site, width: int, scheme: str) -> Iterator[Page]:
    context = chromium.new_context(
        viewport={"width": width, "height": 844},
        base_url=site.url,
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    context.add_cookies([{"name": "churn_session", "value": site.token, "url": site.url}])
    page = context.new_page()
    page.goto(CUSTOMER)
    yield page
    context.close()


def top(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["y"]


def test_a_customer_who_is_not_taken_has_links_to_what_is_done_instead(chromium: Browser, site: Site) -> None:
    with open_store(site.store) as store:
        set_do_not_contact(store, "C000003", blocked=True, reason="they asked", by="person:anna")
    with visiting(chromium, site, width=390) as page:
        page.goto("/customers/C000003")
        assert page.locator("button[value=take]").count() == 0
        assert not page.locator("#dismissal").is_visible()
        page.click("a[href='#dismissal']")  # the part that is folded opens
        assert page.locator("#dismissal").is_visible()
        page.click("a[href='#text']")
        assert page.evaluate("location.hash") == "#text"
        assert violations(page) == []


def test_on_a_phone_every_reason_for_no_offer_is_read_whole(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390) as page:
        page.goto("/customers/C000001")
        page.click("summary[data-key=o]")
        wide = "one => one.getBoundingClientRect().width"
        room = page.eval_on_selector("#dismissal", wide)
        natural = "one => Object.assign(one.style, {width: 'max-content', position: 'absolute'})"
        page.eval_on_selector("#dismissal", natural)
        assert page.eval_on_selector("#dismissal", wide) <= room


def test_on_a_phone_what_to_do_comes_right_after_the_risk(chromium: Browser, site: Site) -> None:
    with at_customer(chromium, site, 390, "light") as page:
        places = [top(page, one) for one in ("#risk-title", "#act-title", "#why-title", "#history-title")]
        assert places == sorted(places)
        assert places[1] < 844  # seen without scrolling
    with at_customer(chromium, site, 1280, "light") as page:
        assert top(page, ".act") == top(page, ".risk")
        assert top(page, "#why-title") < 844


@WIDTHS
def test_a_dismissal_without_its_note_is_mended_by_keyboard(
    chromium: Browser, site: Site, width: int, scheme: str
) -> None:
    with at_customer(chromium, site, width, scheme) as page:
        page.keyboard.press("o")
        page.locator("#dismissal").select_option("other")
        page.locator("#dismissal").press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_selector("#note-wrong")
        page.wait_for_selector("#note:focus")
        assert page.input_value("#dismissal") == "other"
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        page.keyboard.type("They spoke of a burglary.")
        page.keyboard.press("Enter")
        page.wait_for_url("**recorded=not_offered")
    with open_store(site.store) as store:
        assert [one.note for one in contacts(store, limit=10)] == ["They spoke of a burglary."]


def test_a_dismissal_is_recorded_by_o_a_reason_and_enter(chromium: Browser, site: Site) -> None:
    with at_customer(chromium, site, 1280, "light") as page:
        page.keyboard.press("o")
        page.keyboard.press("Enter")  # without a reason it records nothing
        page.keyboard.press("Escape")
        page.locator("#dismissal").press("ArrowDown")
        reason = page.input_value("#dismissal")
        page.keyboard.press("Enter")
        page.wait_for_url("**recorded=not_offered")
    with open_store(site.store) as store:
        assert [(one.result, one.dismissal) for one in contacts(store, limit=10)] == [("not_offered", reason)]


def test_a_note_that_is_typed_before_a_dismissal_is_recorded_with_it(chromium: Browser, site: Site) -> None:
    with at_customer(chromium, site, 1280, "light") as page:
        page.keyboard.press("t")
        page.keyboard.type("They called from abroad.")
        page.keyboard.press("Enter")  # records nothing
        page.keyboard.press("Escape")
        page.keyboard.press("o")
        page.locator("#dismissal").select_option("bad_time")
        page.click("text=Record: not offered")
        page.wait_for_url("**recorded=not_offered")
    with open_store(site.store) as store:
        assert [one.note for one in contacts(store, limit=10)] == ["They called from abroad."]


@WIDTHS
def test_a_contact_of_another_agent_is_shown_before_mine_is_recorded(
    chromium: Browser, site: Site, width: int, scheme: str
) -> None:
    with at_customer(chromium, site, width, scheme) as page:
        with open_store(site.store) as store:
            theirs = NewContact("k", "s", "C000001", utc_now(), "20 % off", "declined", "person:otto", note="Not now.")
            record_contact(store, theirs)
        page.keyboard.press("a")
        page.wait_for_selector("text=otto recorded this on")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page) == []
        page.click("text=Record mine too: Accepted")
        page.wait_for_url("**recorded=accepted")
    with open_store(site.store) as store:
        assert [one.result for one in contacts(store, limit=10)] == ["declined", "accepted"]
