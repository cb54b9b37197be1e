"""The dashboard and the campaigns in a real browser: by keyboard, on a phone, without script, with an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser

from churn_mlops.serving.console.frame.texts import Texts
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.figure_rows.arm_rows import ARMS
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.chromium import CHROMIUM
from tests.serving.access.secured_app import Guarded
from tests.serving.console.test_browser import Site, served, violations, visiting
from tests.serving.console.test_dashboard_page import AT_RISK, AUC, LEVEL, ROI, WAIT, WEEKS
from tests.store.builders import DAY, NOW

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)
GROUPS = [
    replace(LEVEL, part=f"contract={name}", status=status) for name, status in (("long", "good"), ("short", "act"))
]
AGENT = StoredMeasurement("list_agent", "person:anna", 1.0, None, None, 3, 3, "good", "Nothing to do.")


@pytest.fixture
def site(guarded: Guarded) -> Iterator[Site]:
    with open_store(guarded.address) as store:
        made = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(made.id, "C000003", "control", False, DAY)])
        broken = NewContact("k", "s", "C000003", NOW, "20 % off", "accepted", "person:anna", campaign_id=made.id)
        record_contact(store, replace(broken, override_reason="they threatened to go"))
        record_measurements(store, DAY, [AUC, *WEEKS, ROI, *GROUPS, AGENT, WAIT, AT_RISK])
    with served(guarded) as found:
        yield found


def test_a_business_owner_reads_the_dashboard_by_keyboard_alone(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/dashboard")
        page.focus("text='Do the offers work?' >> nth=0")
        page.keyboard.press("Enter")
        page.wait_for_url("**#offers")
        page.focus(".facts a:has-text('Money in less money out')")
        page.keyboard.press("Enter")
        page.wait_for_url("**#means-roi")
        assert page.evaluate("document.querySelector(':target dt').textContent") == "Money in less money out"
        assert not page.is_visible("th:text-is('contract: short')")
        page.focus("summary:has-text('Churn by feature')")
        page.keyboard.press("Enter")
        assert page.is_visible("th:text-is('contract: short')")
        page.focus("summary:has-text('All dates as a table')")
        page.keyboard.press("Enter")
        page.focus("#weeks tbody tr:first-child a:has-text('Rows')")
        assert page.get_attribute(":focus", "href") == f"/dashboard/rows?name=auc&part={DAY}"
        page.focus("a:has-text('Rows: Customers at risk')")
        page.keyboard.press("Enter")
        page.wait_for_url(f"/dashboard/rows?name=customers_at_risk&part={DAY}")
        assert page.locator("tbody tr").count() == 25
        page.focus("a[rel=next]")
        page.keyboard.press("Enter")
        page.wait_for_url("**after=25")
        page.focus("tbody a")
        page.keyboard.press("Enter")
        page.wait_for_url("/customers/C*")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_open_tables_fit_and_keep_no_one_out(chromium: Browser, site: Site, width: int, scheme: str) -> None:
    found = {}
    with visiting(chromium, site, width=width, color_scheme=scheme) as page:
        for path in (
            "/dashboard",
            f"/dashboard/rows?name=customers_at_risk&part={DAY}",
            "/campaigns",
            "/campaigns/1",
            "/campaigns/new",
        ):
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            if width == 390 and page.locator(".cards").count():  # every cell says what it is of
                label = "getComputedStyle(document.querySelector('.cards tbody td'), '::before').content"
                assert page.evaluate(label) not in ("none", '""'), path
            found[path] = violations(page)
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_the_tables_of_the_dashboard_open_without_script(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390, java_script_enabled=False) as page:
        page.goto("/dashboard")
        page.click("summary:has-text('Is the list used?')")
        page.click("summary:has-text('Worked, by agent')")
        assert page.is_visible("th:text-is('anna')")


def test_the_four_questions_fit_two_screens_of_a_phone_and_details_are_folded(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390) as page:
        page.goto("/dashboard")
        box = page.locator(".tiles li").nth(3).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 2 * 844
        assert not page.is_visible("#model .facts")
        page.focus("details.fold summary >> nth=0")
        page.keyboard.press("Enter")
        assert page.is_visible("#model .facts")
        page.click("a:has-text('What is at risk?')")  # a link opens the section that it leads to
        assert page.is_visible("#risk .facts")
    with visiting(chromium, site) as page:
        page.goto("/dashboard")
        assert page.is_visible("#model .facts")
        assert not page.is_visible("details.fold > summary")


def test_every_number_links_to_its_definition_and_has_its_counts_in_grey(chromium: Browser, site: Site) -> None:
    names = {key.removeprefix("figures.") for key in Texts().by_key if key.startswith("figures.")}
    dated = ("customers_at_risk", "revenue_at_risk", "score_drift", "list_worked", "list_today")
    parts = dict.fromkeys(dated, str(DAY)) | dict.fromkeys(ARMS, "1") | {"churn_by_band": "high"}
    numbers = [
        StoredMeasurement(name, parts.get(name, ""), 0.5, 0.4, 0.6, 6, 12, "good", "Nothing to do.")
        for name in sorted(names - {"auc"})
    ]
    with open_store(site.store) as store:
        record_measurements(store, DAY, [AUC, *WEEKS, *numbers], clock=lambda: NOW)
    with visiting(chromium, site) as page:
        page.goto("/dashboard")
        shown, others = page.evaluate(NUMBERS)
    assert {name for name, *_ in shown} == names
    assert [one for one in shown if not all(one)] == []
    assert others == []


NUMBERS = r"""() => {
    const main = document.querySelector("main").cloneNode(true);
    const shown = [...main.querySelectorAll("[data-figure]")].filter(one => /\d/.test(one.textContent)).map(one => [
        one.dataset.figure,
        one.querySelector(`a[href="#means-${one.dataset.figure}"]`) !== null,
        one.querySelector(".quiet.counts")?.textContent.trim() || "",
    ]);
    const known = "[data-figure], svg, h3, summary, time, .next, .meanings, .quiet:not(.counts), #weeks th";
    main.querySelectorAll(known).forEach(one => one.remove());
    return [shown, main.textContent.split("\n").filter(line => /\d/.test(line))];
}"""


def test_a_marketing_lead_writes_the_sentence_to_say_over_several_lines(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site) as page:
        page.goto("/campaigns/new")
        page.fill("#name", "Summer")
        page.fill("#offer", "10 % off")
        page.fill("#offer_cost", "20")
        page.focus("#script")
        page.keyboard.type("We would like")
        page.keyboard.press("Enter")  # a line of the field, and no end of the form
        page.keyboard.type("to thank you.")
        page.click("text=Make the campaign")
        page.wait_for_url("/campaigns/2?made=yes")
        assert page.inner_text(".script") == "We would like to thank you."


def test_pages_of_an_empty_store_say_so(chromium: Browser, guarded: Guarded) -> None:
    with served(guarded) as own, visiting(chromium, own, width=390) as page:
        page.goto("/dashboard")
        assert "Nothing was measured yet." in page.inner_text("main")
        page.goto("/campaigns")
        assert "There is no campaign yet." in page.inner_text("main")


def test_the_table_of_all_dates_uses_the_width_of_a_phone(chromium: Browser, site: Site) -> None:
    with visiting(chromium, site, width=390) as page:
        page.goto("/dashboard")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        widths = page.evaluate("[...document.querySelectorAll('#weeks td > span')].map(each => each.offsetWidth)")
    assert widths
    assert min(widths) >= 250
