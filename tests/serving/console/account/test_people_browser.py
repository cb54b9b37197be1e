"""An administrator works with users and keys in a real browser: by keyboard alone, and without script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import list_keys
from churn_mlops.store.access.users import list_users
from tests.chromium import CHROMIUM
from tests.serving.access.secured_app import Guarded
from tests.serving.console.test_browser import Site, served, visiting

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)


@pytest.fixture
def site(guarded: Guarded) -> Iterator[Site]:
    with served(guarded) as found:
        yield found


def press(page: Page, name: str) -> None:
    """Go to the button, link or summary of this name by Tab, and press Enter."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if " ".join(page.evaluate("document.activeElement.innerText").split()) == name:
            page.keyboard.press("Enter")
            return
    pytest.fail(f"the Tab key does not lead to {name!r}")


def test_a_user_is_added_and_disabled_and_a_key_made_and_revoked_by_keyboard_alone(
    chromium: Browser, site: Site
) -> None:
    with visiting(chromium, site) as page:
        page.goto("/account")
        press(page, "Users")
        page.wait_for_url("/users")
        page.locator("#name").focus()
        page.keyboard.type("dora")
        press(page, "Add the user")
        page.wait_for_selector("h1:has-text('dora is added')")
        password = page.inner_text(".secret")
        press(page, "Back to dora")
        page.wait_for_url("/users/dora")
        press(page, "Disable this user")
        page.wait_for_selector("h1:has-text('Disable dora?')")
        press(page, "Disable this user")
        page.wait_for_url("/users/dora?done=disable")
        assert page.inner_text(".banner.done") == "The user is disabled. Their sessions have ended."
        press(page, "Enable this user")
        page.wait_for_url("/users/dora?done=enable")
        page.goto("/users")
        press(page, "API keys")
        page.wait_for_url("/keys")
        page.locator("#name").focus()
        page.keyboard.type("aaa")
        press(page, "Make the key")
        page.wait_for_selector("h1:has-text('The key aaa is made')")
        press(page, "Back to the keys")
        page.wait_for_selector("button:has-text('aaa')")
        press(page, "Revoke aaa")
        page.wait_for_selector("h1:has-text('Revoke the key aaa')")
        press(page, "Revoke aaa")
        page.wait_for_url("/keys?done=revoked")
    with visiting(chromium, site, signed_in=False) as page:
        page.goto("/sign-in")
        page.wait_for_selector("#name:focus")  # which a browser gives with its first frame, after the load
        page.keyboard.type("dora")
        page.keyboard.press("Tab")
        page.keyboard.type(password)
        page.keyboard.press("Enter")
        page.wait_for_url("/")
    with open_store(site.store) as store:
        assert [one.disabled_at for one in list_users(store) if one.name == "dora"] == [None]
        assert [one.revoked_at is not None for one in list_keys(store) if one.name == "aaa"] == [True]


def test_users_are_changed_without_script_on_a_phone(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390, java_script_enabled=False) as page:
        page.goto("/users")
        page.click("text=agent-person")
        page.select_option("#role", "analyst")
        page.click("text=Change the role")
        assert page.inner_text("h1") == "Change the role of agent-person to Analyst?"
        page.click("button:has-text('Change the role')")
        assert page.inner_text(".banner.done") == "The role is changed. Their sessions have ended."
        page.click("text=Reset the password")
        page.click("text=Back to agent-person")
        page.click("text=Reset the password")
        page.click("button:has-text('Reset the password')")
        assert len(page.inner_text(".secret")) == 23
        page.goto("/users/admin-person")
        assert page.locator("main button").count() == 0  # an own account is not changed here
    with open_store(site.store) as store:
        assert [one.role for one in list_users(store) if one.name == "agent-person"] == ["analyst"]
