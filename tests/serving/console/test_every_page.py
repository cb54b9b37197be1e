"""Every page in a real browser, as wide as a desk and a phone, light and dark; the pictures of the docs come from here.

``make pictures`` names the folder of a demo company in CHURN_PICTURES: the same tests then look at the pages of that
company, and keep what they see in ``docs/images``.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from churn_mlops.serving.access.permissions import PAGES
from churn_mlops.serving.console.frame.navigation import customer_path
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import contacts
from churn_mlops.store.measurements import latest_measurements
from churn_mlops.store.scoring.browsing import Selection, read_slice
from churn_mlops.store.scoring.runs import latest_run
from tests.chromium import CHROMIUM
from tests.serving.console.demo_site import demo_site
from tests.serving.console.test_browser import Site, small_site, violations, visiting

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)
DEMO = os.environ.get("CHURN_PICTURES")
DOCS = Path(__file__).parents[3] / "docs"
MOST_BYTES = 150_000
DESK, PHONE = 1280, 390
Kind = tuple[int, str]
KINDS: tuple[Kind, ...] = ((DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark"))
NO_PAGES = {"/find", "/list.csv", "/list.xlsx", "/sign-in/oidc", "/sign-in/oidc/back", "/static/{}"}
"""Addresses beside the pages that answer a browser with data, a file, or the way to another site."""


@dataclass(frozen=True)
class Look:
    """A page to look at.

    Args:
        path: its address, with names in braces for what the site knows.
        pattern: the route, with ``{}`` for its parameters.
        form: fields of a form that is sent to ``path``; the page is the answer.
        pictures: names of the pictures that are kept of it, and how it looks there.
        status: of the answer.
    """

    path: str
    pattern: str | None = None
    form: Mapping[str, str] | None = None
    pictures: Mapping[str, Kind] = field(default_factory=dict)
    status: int = 200


CONTACT = {"customer_id": "{blocked_id}", "offer": "20 % off", "result": "accepted", "key": "look-{kind}"}
LOOKS = {
    "find": Look("/"),
    "found": Look("/?q={beginning}", "/"),
    "customer": Look("{customer}", "/customers/{}", pictures={"customer": (DESK, "light"), "phone": (PHONE, "dark")}),
    "control": Look("{blocked}", "/customers/{}"),
    "customer by query": Look("/customers?id={id}", "/customers"),
    "list": Look("/list", pictures={"list": (DESK, "light")}),
    "campaigns": Look("/campaigns", pictures={"campaigns": (DESK, "light")}),
    "campaign": Look("/campaigns/{campaign}", "/campaigns/{}", pictures={"campaign": (DESK, "light")}),
    "new campaign": Look("/campaigns/new"),
    "override": Look("/contact", form=CONTACT, status=409),
    "dashboard": Look("/dashboard", pictures={"dashboard": (DESK, "light")}),
    "rows": Look("/dashboard/rows?name={figure}", "/dashboard/rows"),
    "models": Look("/models", pictures={"models": (DESK, "dark")}),
    "compared": Look("/models/compare?first=1&second=3", "/models/compare"),
    "promotion": Look("/models/3/promote", "/models/{}/promote"),
    "rollback": Look("/models/rollback"),
    "status": Look("/status", pictures={"status": (DESK, "light")}),
    "account": Look("/account"),
    "users": Look("/users", pictures={"users": (DESK, "light")}),
    "user": Look("/users/{user}", "/users/{}"),
    "first password": Look("/users", form={"name": "new-{kind}", "role": "agent"}),
    "question": Look("/users/{user}", form={"do": "disable"}),
    "keys": Look("/keys"),
    "sign-in": Look("/sign-in"),
    "error": Look("/nowhere", status=404),
}
SEND = """fields => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = fields.path;
    const token = document.querySelector("input[name=csrf_token]").value;
    for (const [name, value] of Object.entries({...fields.form, csrf_token: token})) {
        const input = document.createElement("input");
        input.name = name;
        input.value = value;
        form.append(input);
    }
    document.body.append(form);
    form.submit();
}"""
CUT_OFF = """() => [...document.querySelectorAll("select")].filter(one => one.offsetWidth).filter(one => {
    const whole = one.cloneNode(true);
    whole.style.cssText = "position: absolute; visibility: hidden; width: max-content; min-width: 0; max-width: none";
    one.after(whole);
    const needed = whole.offsetWidth;
    whole.remove();
    return needed > one.offsetWidth + 1;
}).map(one => one.id || one.name)"""
PAINTED_WHOLE = """() => {
    const awaited = document.querySelector("link[rel=expect][blocking=render]").getAttribute("href");
    return document.querySelector(awaited) === document.body.lastElementChild;
}"""
SHIFTS = """() => new Promise(done => {
    const seen = [];
    const observer = new PerformanceObserver(list => seen.push(...list.getEntries()));
    observer.observe({type: "layout-shift", buffered: true});
    requestAnimationFrame(() => requestAnimationFrame(() => done(seen.reduce((sum, one) => sum + one.value, 0))));
})"""


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("pages") / "store"
    shown = demo_site(Path(DEMO).resolve(), folder) if DEMO else small_site(request.getfixturevalue("filled"), folder)
    with shown as found:
        yield found


@pytest.fixture(scope="module")
def names(site: Site) -> dict[str, str]:
    """The names in the addresses: a customer who was contacted, one who must not be, a campaign, a user."""
    with open_store(site.store) as store:
        run = latest_run(store)
        assert run is not None
        listed = [one.customer for one in read_slice(store, run, Selection("contact"), 8).items]
        known = next(one for one in listed if contacts(store, customer=one, limit=1))
        set_do_not_contact(store, listed[-1], blocked=True, reason="they asked", by="person:anna")
        campaign = next(one for one in reversed(campaigns(store)) if one.ended_at is None)
        day = latest_measurements(store)
        assert day is not None
        at_risk = next(one for one in day.figures if one.name == "customers_at_risk")
        return {
            "figure": f"{at_risk.name}&part={at_risk.part}",
            "beginning": listed[0][:3],
            "id": known,
            "customer": customer_path(known),
            "blocked": customer_path(listed[-1]),
            "blocked_id": listed[-1],
            "campaign": str(campaign.id),
            "user": "anna" if DEMO else "agent-person",
        }


@pytest.fixture(scope="module")
def tabs(site: Site) -> Iterator[dict[Kind | None, Page]]:
    """A page for each width and colour, and under None one of a phone without JavaScript; one browser for all."""
    with sync_playwright() as playwright, ExitStack() as stack:
        browser: Browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found: dict[Kind | None, Page] = {}
        for width, scheme in KINDS:
            how: Any = {"color_scheme": scheme}
            found[width, scheme] = stack.enter_context(visiting(browser, site, width=width, **how))
        found[None] = stack.enter_context(visiting(browser, site, width=PHONE, java_script_enabled=False))
        yield found


def visit(page: Page, look: Look, names: Mapping[str, str]) -> None:
    path = look.path.format(**names)
    if look.form is None:
        answer = page.goto(path)
    else:
        page.goto("/account")
        form = {name: value.format(**names) for name, value in look.form.items()}
        with page.expect_navigation() as going:
            page.evaluate(SEND, {"path": path, "form": form})
        answer = going.value
    assert answer is not None
    assert answer.status == look.status


def words(page: Page) -> list[str]:
    """The words of a page that are read, without those that explain keys, the ID of the request, and ages."""
    found = page.locator(":is(h1, h2, h3, p, li, dt, dd, th, td):not(.keys)").all_inner_texts()
    return [re.sub(r"[0-9a-f]{32}|\d+ (minute|hour)s?|less than a minute", "", one) for one in found]


def test_a_page_stands_still_on_a_slow_machine(tabs: dict[Kind | None, Page]) -> None:
    page = tabs[PHONE, "dark"]
    machine = page.context.new_cdp_session(page)
    machine.send("Emulation.setCPUThrottlingRate", {"rate": 20})
    try:
        for _ in range(4):
            page.goto("/dashboard")
            assert page.evaluate(SHIFTS) == 0
            assert page.evaluate(PAINTED_WHOLE)  # what makes it so: few loads show it
    finally:
        machine.send("Emulation.setCPUThrottlingRate", {"rate": 1})
        machine.detach()


@pytest.mark.parametrize("name", [name for name, look in LOOKS.items() if look.pictures or not DEMO])
def test_a_page_fits_stands_still_and_keeps_no_one_out(
    tabs: dict[Kind | None, Page], names: Mapping[str, str], name: str
) -> None:
    look = LOOKS[name]
    for width, scheme in KINDS:
        page = tabs[width, scheme]
        visit(page, look, dict(names) | {"kind": f"{width}-{scheme}"})
        assert page.locator("h1").count() == 1
        assert page.evaluate(SHIFTS) == 0, (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme)
        if DEMO:
            keep(page, [one for one, kind in look.pictures.items() if kind == (width, scheme)])
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme)
        assert violations(page) == [], (width, scheme)


@pytest.mark.parametrize("name", [name for name in ("users", "user", "keys", "models") if not DEMO])
def test_no_choice_is_cut_off(tabs: dict[Kind | None, Page], names: Mapping[str, str], name: str) -> None:
    page = tabs[DESK, "light"]
    visit(page, LOOKS[name], names)
    for width in (PHONE, 768, 1024, DESK):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(CUT_OFF) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("select").count() > 0


@pytest.mark.parametrize("name", [name for name, look in LOOKS.items() if look.form is None and not DEMO])
def test_a_page_says_the_same_without_script(
    tabs: dict[Kind | None, Page], names: Mapping[str, str], name: str
) -> None:
    shown = []
    for page in (tabs[None], tabs[PHONE, "light"]):
        visit(page, LOOKS[name], names)
        shown.append(words(page))
    assert shown[0] == shown[1]
    assert len(shown[0]) > 1


def test_every_page_of_the_console_is_looked_at() -> None:
    looked = {look.pattern or look.path for look in LOOKS.values() if look.form is None}
    assert {path for method, path in PAGES if method == "GET"} - NO_PAGES == looked - {"/nowhere"}


def test_the_pictures_of_the_docs_are_small_shown_and_put_into_words() -> None:
    kept = {f"console-{name}.png" for look in LOOKS.values() for name in look.pictures}
    assert {file.name for file in (DOCS / "images").glob("console-*.png")} == kept
    assert {name: (DOCS / "images" / name).stat().st_size for name in kept if _bytes(name) > MOST_BYTES} == {}
    shown = "".join(file.read_text(encoding="utf-8") for file in DOCS.glob("*.md"))
    described = dict(re.findall(r"!\[([^]]+)\]\(images/(console-[a-z]+\.png)\)", shown))
    assert set(described.values()) == kept
    assert [text for text in described if len(text) < 40] == []


def _bytes(name: str) -> int:
    return (DOCS / "images" / name).stat().st_size


def keep(page: Page, pictures: list[str]) -> None:
    """Keep what is seen: a page of few colours is as clear with 128 of them, and half as large."""
    for name in pictures:
        seen = Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide")))
        seen.convert("RGB").quantize(128).save(DOCS / "images" / f"console-{name}.png", optimize=True)
