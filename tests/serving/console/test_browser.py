"""The pages in a real browser: as wide as a desk and a phone, light and dark, by keyboard alone, without script."""

from __future__ import annotations

import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from churn_mlops.config import Settings
from churn_mlops.serving.access_control import credential_cache_of
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.serving.server import Server, address_of, listen
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.contacts import NewContact, contacts, record_contact
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.job_records import record_job
from churn_mlops.store.measurements import record_measurements
from tests.chromium import CHROMIUM
from tests.companies.registered import deploy, register
from tests.serving.access.secured_app import PASSWORD, Guarded, any_customer
from tests.serving.conftest import TenurePredictor
from tests.serving.console.test_dashboard_page import AT_RISK, AUC, LEVEL, ROI, WAIT, WEEKS
from tests.store.builders import DAY, NOW

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)


@dataclass(frozen=True)
class Site:
    """A console behind a real socket.

    Args:
        url: its address.
        store: address of its store.
        token: of the session of an admin.
    """

    url: str
    store: str
    token: str


@contextmanager
def served(
    guarded: Guarded, oidc: dict[str, Any] | None = None, listening: socket.socket | None = None
) -> Iterator[Site]:
    given = {"store": {"url": guarded.address}, "serving": {"drain_seconds": 0}, "oidc": oidc or {}}
    live = ServedModel(TenurePredictor(), "3", "2026-11-23T06:00:00+00:00", "additive_boosting")  # type: ignore[arg-type]
    with (
        closing(StoreClient(guarded.address)) as link,
        running(Settings.model_validate(given), ModelSlot(live), link, any_customer, listening) as url,
    ):
        yield Site(url, guarded.address, guarded.sessions["admin"][0])


@contextmanager
def running(
    settings: Settings, slot: ModelSlot, link: StoreClient, read: Any, listening: socket.socket | None = None
) -> Iterator[str]:
    """The address of a server of these settings that is ready."""
    listening, ready = listening or listen("127.0.0.1", 0), threading.Event()
    url = address_of(listening)
    server = Server(slot, settings, url, ready.set, link, credential_cache_of(settings, link), read)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(10)
        yield url
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()


@contextmanager
def small_site(filled: Guarded, folder: Path) -> Iterator[Site]:
    """A console with contacts, a campaign, figures and jobs, of which two failed."""
    shutil.copytree(Path(filled.address.removeprefix("sqlite:///")).parent, folder)
    address = f"sqlite:///{folder}/churn.db"
    with open_store(address) as store:
        for number, result in enumerate(("no_answer", "declined", "accepted")):
            record_contact(store, NewContact(f"k{number}", "s", "C000001", NOW, "20 % off for a year", result, "key:x"))
        create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
        record_measurements(store, DAY, [AUC, *WEEKS, ROI, LEVEL, WAIT, AT_RISK])
        ended = utc_now() - timedelta(hours=3)
        for job in ("score", "mature", "send"):
            record_job(store, job, ended - timedelta(seconds=40), ended, has_succeeded=job == "score")
    register(address, 1, 2, 3)
    deploy(address, 1, 2, by="person:bob")
    with served(Guarded(address, filled.keys, filled.sessions)) as found:
        yield found


@pytest.fixture(scope="module")
def site(filled: Guarded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with small_site(filled, tmp_path_factory.mktemp("browser") / "store") as found:
        yield found


@contextmanager
def visiting(chromium: Browser, site: Site, *, width: int = 1280, signed_in: bool = True, **how: Any) -> Iterator[Page]:
    """A page of a browser that is at the site, where nothing fails and nothing foreign is asked for."""
    context = chromium.new_context(viewport={"width": width, "height": 844}, base_url=site.url, **how)
    if signed_in:
        context.add_cookies([{"name": "churn_session", "value": site.token, "url": site.url}])
    page, wrong = context.new_page(), _watched(context, site)
    yield page
    context.close()
    assert wrong == []


def _watched(context: BrowserContext, site: Site) -> list[str]:
    wrong: list[str] = []
    expected = re.compile(r"status of (404|409|422) ")
    context.on("console", lambda said: None if expected.search(said.text) else wrong.append(said.text))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("request", lambda asked: None if asked.url.startswith(site.url) else wrong.append(asked.url))
    return wrong


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds: the rule that is broken, and the first element that breaks it."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response
    assert len(found["passes"]) > 15  # it has looked
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]


def test_the_agents_story_by_keyboard_alone(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, signed_in=False) as page:
        page.goto("/")
        page.wait_for_selector("input:focus")  # which a browser gives with its first frame, after the load
        page.keyboard.type("agent-person")
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("/")
        page.wait_for_selector("#q:focus")
        page.keyboard.type("c00000")  # the field is there already
        page.wait_for_selector("#suggestions a")
        for _ in range(4):
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("/customers/C000003")
        page.keyboard.press("d")
        page.wait_for_url("/customers/C000003?recorded=declined")
        assert page.inner_text(".banner.done") == "Recorded: Declined."
        page.keyboard.press("x")
        page.wait_for_url("/customers/C000004")
        page.keyboard.press("n")
        page.wait_for_url("/customers/C000004?recorded=no_answer")
        page.keyboard.press("/")
        page.keyboard.type("C000110")
        page.keyboard.press("Enter")
        page.wait_for_url("/customers/C000110")
        page.keyboard.press("a")  # the form is folded: the key shows it, and records nothing
        assert page.is_visible("button[value=accepted]")
        assert page.url.endswith("/customers/C000110")
        page.goto("/list")
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.wait_for_url("/customers/C000000")
    with open_store(site.store) as store:
        done = [(one.customer, one.result) for one in contacts(store, limit=100) if one.caller == "person:agent-person"]
    assert done == [("C000003", "declined"), ("C000004", "no_answer")]


def test_fifty_customers_of_the_list_are_worked_off_by_keyboard_alone(chromium: Browser, guarded: Guarded) -> None:
    results = ("accepted", "declined", "no_answer")
    with served(guarded) as own, visiting(chromium, own) as page:
        page.goto("/list")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url("/customers/*")
        for place in range(50):
            result = results[place % 3]
            page.keyboard.press("t")
            page.keyboard.type(f"note {place}")
            page.keyboard.press("Escape")
            page.keyboard.press(result[0])
            page.wait_for_url(f"/customers/*recorded={result}")
            if place < 49:
                page.keyboard.press("x")
                page.wait_for_url(lambda url: "recorded" not in url)
    with open_store(guarded.address) as store:
        done = contacts(store, limit=1000)
    assert [(one.result, one.note) for one in done] == [(results[place % 3], f"note {place}") for place in range(50)]
    assert len({one.customer for one in done}) == 50


def test_reading_and_recording_work_without_script(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390, java_script_enabled=False) as page:
        for path, words in (
            ("/", "First open on today's list"),
            ("/list", "To contact"),
            ("/models", "Which version was live when"),
            ("/account", "Administrator"),
            ("/customers/C000001", "20 % off for a year"),
        ):
            page.goto(path)
            assert words in page.inner_text("main")
            assert page.locator(".keys:visible").count() == 0
        page.goto("/")
        page.fill("#q", "C00001")
        page.click("text=Open")
        page.click("text=C000013")
        page.click("text=Declined")
        assert page.inner_text(".banner.done") == "Recorded: Declined."
        page.click("button:has-text('Dark')")
        assert page.get_attribute("html", "data-theme") == "dark"


def test_a_double_click_records_one_contact(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/customers/C000020")
        page.dblclick("button[value=accepted]")
        page.wait_for_url("**recorded=accepted")
    with open_store(site.store) as store:
        assert len(contacts(store, customer="C000020", limit=10)) == 1


def test_the_first_tab_skips_to_the_content_and_the_focus_is_seen(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/models")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(outline) == "solid"


def test_no_page_can_be_framed(chromium: Browser, site: Site) -> None:
    context = chromium.new_context(base_url=site.url)
    context.add_cookies([{"name": "churn_session", "value": site.token, "url": site.url}])
    page = context.new_page()
    page.route(
        "**/frame.html", lambda route: route.fulfill(body='<iframe src="/list"></iframe>', content_type="text/html")
    )
    page.goto("/frame.html")
    (framed,) = page.frames[1:]
    assert "Today" not in framed.content()
    context.close()
