"""The models in a real browser: by keyboard alone, without script, as an analyst, and at every width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import CHROMIUM
from tests.companies.registered import deploy, live, register
from tests.serving.access.secured_app import Guarded
from tests.serving.console.test_browser import Site, served, violations, visiting

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)
PAGES = ("/models", "/models/compare?first=2&second=3", "/models/3/promote", "/models/rollback")


@pytest.fixture
def site(guarded: Guarded) -> Iterator[Site]:
    """Version 1 was live, 2 is, 3 never was."""
    register(guarded.address, 1, 2, 3)
    deploy(guarded.address, 1, 2, by="person:bob")
    with served(guarded) as found:
        yield found


def tab_to(page: Page, text: str) -> None:
    """Press Tab until the element with ``text`` has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || document.activeElement.id").startswith(text):
            return
    raise AssertionError(f"Tab never reaches {text}")


def test_an_admin_promotes_and_goes_back_by_keyboard_alone(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/models")
        tab_to(page, "Make live")  # the first is that of the newest version
        page.keyboard.press("Enter")
        page.wait_for_url("/models/3/promote")
        tab_to(page, "reason")
        page.keyboard.type("good on new customers")
        page.keyboard.press("Enter")
        page.wait_for_url("/models?changed=3")
        assert page.inner_text(".banner.done") == "Version 3 is live. Servers follow within seconds."
        assert live(site.store) == "3"
        tab_to(page, "Go back to version 2")
        page.keyboard.press("Enter")
        page.wait_for_url("/models/rollback")
        tab_to(page, "reason")
        page.keyboard.type("too many false alarms")
        tab_to(page, "Go back to version 2")
        page.keyboard.press("Space")
        page.wait_for_url("/models?changed=2")
        assert "too many false alarms" in page.inner_text(".timeline li:first-child")
    assert live(site.store) == "2"


def test_an_empty_reason_is_not_sent(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/models/3/promote")
        page.click("button.primary")
        assert page.evaluate("document.activeElement.id") == "reason"
        assert page.evaluate("document.activeElement.validity.valueMissing")
    assert live(site.store) == "2"


def test_everything_works_without_script(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390, java_script_enabled=False) as page:
        page.goto("/models")
        page.select_option("#second", "1")
        page.click("button:has-text('Compare')")
        assert page.inner_text("h1") == "Version 2 and version 1"
        assert page.locator("svg[role=img]").count() == 3
        page.click("text=Make version 1 live")
        page.fill("#reason", "as before")
        page.click("button.primary")
        assert page.inner_text(".banner.done") == "Version 1 is live. Servers follow within seconds."
    assert live(site.store) == "1"


def test_an_analyst_compares_versions_and_sees_no_button(chromium: Browser, site: Site, guarded: Guarded) -> None:
    analyst = Site(site.url, site.store, guarded.sessions["analyst"][0])
    with visiting(chromium, analyst) as page:
        page.goto("/models")
        page.click("button:has-text('Compare')")
        page.wait_for_url("/models/compare?*")
        for path in PAGES[:2]:
            page.goto(path)
            assert (
                page.locator("a[href*=promote], a[href*=rollback], form[action^='/models']:not([method=get])").count()
                == 0
            )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_keeps_no_one_out(chromium: Browser, site: Site, width: int, scheme: Any) -> None:
    with visiting(chromium, site, width=width, color_scheme=scheme) as page:
        for path in PAGES:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert violations(page) == [], path


def test_versions_in_a_picture_differ_by_more_than_their_colour(chromium: Browser, site: Site) -> None:
    line = "document.querySelector(`.curves g.curve-${place} > polyline`)"
    dashes = f"[1, 2].map(place => getComputedStyle({line}).strokeDasharray)"
    marks = "[1, 2].map(place => document.querySelector(`.curves g.curve-${place}`).lastElementChild.tagName)"
    with visiting(chromium, site) as page:
        page.goto(PAGES[1])
        assert len(set(page.evaluate(dashes))) == 2
        assert page.evaluate(marks) == ["circle", "rect"]
        assert page.locator(".legend").first.inner_text().split("\n") == ["Version 2", "Version 3", "exactly as scored"]


def test_two_versions_beside_each_other_have_columns_of_equal_width(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/models/compare?first=2&second=3")
        page.evaluate(
            "document.querySelector('.beside td:last-of-type').previousElementSibling.innerHTML = 'a '.repeat(200)"
        )
        measure = "cells => cells.map(cell => cell.getBoundingClientRect().width)"
        _, *widths = page.locator(".beside thead th").evaluate_all(measure)
        assert max(widths) - min(widths) < 1
