"""Signing in through a real identity provider, in a real browser: the cookies survive the way between the two sites."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser

from churn_mlops.serving.server import address_of, listen
from tests.chromium import CHROMIUM
from tests.serving.access.secured_app import Guarded
from tests.serving.console.test_browser import Site, served, violations
from tests.serving.oidc_provider import CLIENT, INSTALLED, SECRET, provider

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"),
    pytest.mark.skipif(
        not (INSTALLED / "node_modules").exists(), reason="`make test` installs the identity provider by npm"
    ),
]


@pytest.fixture
def site(guarded: Guarded) -> Iterator[Site]:
    with closing(listen("127.0.0.1", 0)) as listening, provider(f"{address_of(listening)}/sign-in/oidc/back") as issuer:
        roles = ["churn-agents=agent", "churn-admins=admin"]
        oidc = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, "roles": roles}
        with served(guarded, oidc, listening) as found:
            yield found


def test_the_whole_way_by_keyboard_at_every_width(chromium: Browser, site: Site) -> None:
    for width in (1280, 390):
        context = chromium.new_context(viewport={"width": width, "height": 844}, base_url=site.url)
        page = context.new_page()
        page.goto("/list")
        page.wait_for_url("**/sign-in?next=%2Flist")
        assert violations(page) == []
        page.get_by_role("link", name="Sign in with the company account").focus()
        page.keyboard.press("Enter")
        page.get_by_label("Who are you?").fill("anna")
        page.keyboard.press("Enter")
        page.wait_for_url("**/list")
        assert page.get_by_role("link", name="anna@example.com").is_visible()
        context.close()


def test_a_refusal_is_said_on_the_page_and_the_password_stays(chromium: Browser, site: Site) -> None:
    page = chromium.new_context(base_url=site.url).new_page()
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with the company account").click()
    page.get_by_role("button", name="Refuse").click()
    page.wait_for_url("**/sign-in/oidc/back**")
    assert "did not let you in" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Password").is_visible()
    assert violations(page) == []
    page.context.close()
