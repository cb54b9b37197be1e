"""The bar of the list in a real browser: fields that are empty or odd, the line that says what was done, the keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page

from churn_mlops.store import open_store
from churn_mlops.store.campaigns.list_work import WorkChange, snooze, take
from churn_mlops.store.database.clock import utc_now
from tests.chromium import CHROMIUM
from tests.serving.console.test_browser import Site, violations, visiting
from tests.serving.console.test_every_page import SHIFTS
from tests.serving.console.work_list.test_list_in_browser import at, press, state, works

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)
WIDTHS = pytest.mark.parametrize("width", [1280, 390])
BEN = "person:ben"


def is_seen(page: Page, selector: str) -> bool:
    """Whether the middle of an element is in the window, with nothing over it."""
    return bool(
        page.eval_on_selector(
            selector,
            """one => {
                const box = one.getBoundingClientRect();
                const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return top !== null && (one.contains(top) || top.contains(one));
            }""",
        )
    )


def answered(page: Page, *keys: str) -> None:
    with page.expect_navigation():
        press(page, *keys)


@WIDTHS
@pytest.mark.parametrize("script", [True, False])
def test_a_field_that_is_empty_or_odd_gets_the_focus_and_its_error(
    chromium: Browser, site: Site, width: int, script: bool
) -> None:
    with visiting(chromium, site, width=width, java_script_enabled=script) as page:
        for field, given, button in (
            ("#to", None, "hand_on"),
            ("#until", "", "snooze"),
            ("#until", "2020-01-01", "snooze"),
            ("#work-note", "", "note"),
            ("#work-note", "   ", "note"),
        ):
            page.goto("/list?band=high&order=customer")
            page.check("[name=row-3]")
            if given is not None:
                page.fill(field, given)
            with page.expect_navigation():
                page.click(f".work-actions button[value={button}]")
            page.wait_for_selector(f"{field}:focus")  # which a browser gives with its first frame, after the load
            assert page.is_checked("[name=row-3]")
            assert (page.input_value("#band"), page.input_value("#order")) == ("high", "customer")
            assert is_seen(page, field)
            assert is_seen(page, f"{field}-wrong")
            assert page.get_attribute(field, "aria-describedby") == f"{field[1:]}-wrong"
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        if script:
            assert violations(page) == []
    assert works(site) == {}


@WIDTHS
def test_the_filters_take_whatever_is_typed(chromium: Browser, site: Site, width: int) -> None:
    with visiting(chromium, site, width=width) as page:
        for typed in ("", "   ", "%", "'\"<b>", "ü" * 250, "=1+1", "\\"):
            page.goto("/list?state=open")
            page.fill("#q", typed)
            answered(page, "Enter") if page.evaluate("document.activeElement.id") == "q" else None
            assert page.inner_text("h1") == "Today's list", typed
            assert page.locator(".chips [aria-current]").inner_text().startswith("Open")


@WIDTHS
def test_what_was_done_is_said_where_the_agent_is(chromium: Browser, site: Site, width: int) -> None:
    with visiting(chromium, site, width=width) as page:
        page.goto("/list")
        press(page, *"j" * 40)
        for key, words in (("t", "1 customer taken."), ("d", "1 customer is done.")):
            answered(page, key)
            assert page.evaluate(SHIFTS) == 0
            assert page.evaluate("scrollY") > 500  # the top of the page is out of view
            assert page.inner_text("[role=status]:is(.banner)") == words
            assert is_seen(page, ".banner.done")
            assert at(page) == "r40"
            assert is_seen(page, "#r40")


@WIDTHS
def test_every_key_of_the_list_is_shown_and_works(chromium: Browser, site: Site, width: int) -> None:
    until = utc_now().date() + timedelta(days=7)
    with visiting(chromium, site, width=width) as page:
        page.goto("/list")
        assert page.locator(".keys").is_visible()
        assert set("JKVTRDHSN") <= set(" ".join(page.locator(".keys kbd").all_inner_texts()))
        press(page, "j", "j", "k", "j")
        assert at(page) == "r2"
        press(page, "v")
        assert page.is_checked("[name=row-2]")
        answered(page, "t")
        assert page.inner_text(state(2)) == "You"
        answered(page, "r")
        answered(page, "h", "b", "Enter")
        assert page.inner_text(state(2)) == "ben"
        press(page, "j", "s")
        page.keyboard.type(f"{until:%m%d%Y}")
        answered(page, "Enter")
        assert page.inner_text(state(3)).startswith("You, until")
        press(page, "n")
        page.keyboard.type("They move in May.")
        answered(page, "Enter")
        assert page.inner_text(".banner.done") == "Note added to 1 customer."
        answered(page, "j", "d")
    assert {name: work.owner for name, work in works(site).items()} == {
        "C000001": BEN, "C000002": None, "C000003": None,
    }  # fmt: skip
    assert works(site)["C000002"].snoozed_until == until


@pytest.mark.parametrize("script", [True, False])
def test_a_customer_of_another_agent_is_asked_about_first(chromium: Browser, site: Site, script: bool) -> None:
    with open_store(site.store) as store:
        take(store, WorkChange("C000000", BEN))
        snooze(store, WorkChange("C000001", BEN), utc_now().date() + timedelta(days=3))
    with visiting(chromium, site, width=390, java_script_enabled=script) as page:
        for rank, button, words in ((1, "release", "ben works on them"), (2, "take", "ben, until")):
            page.goto("/list")
            page.check(f"[name=row-{rank}]")
            with page.expect_navigation():
                page.click(f".work-actions button[value={button}]")
            assert words in page.inner_text(".skipped")
            if script:
                assert violations(page) == []
            with page.expect_navigation():
                page.click("main button.primary")
            assert page.locator(".banner.done").is_visible()
    assert [work.owner for work in works(site).values()] == [None, "person:admin-person"]


def test_the_bar_says_what_is_chosen_now_and_not_what_was_done_before(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/list")
        page.check("[name=row-1]")
        page.click(".work-actions button[value=take]")
        assert page.inner_text(".banner.done") == "1 customer taken."
        page.check("[name=row-1]")
        assert page.inner_text(".chosen").startswith("1 customer ticked")
        assert not page.is_visible(".banner.done")
        colour = "one => getComputedStyle(one).backgroundColor"
        pill, cell = f"{state(1)} .badge.owner", state(1)
        assert page.eval_on_selector(pill, colour) != page.eval_on_selector(cell, colour)
        page.check("[name=all]")
        assert page.inner_text(".chosen").startswith("All 73 are chosen.")
