"""The page of the business owner: figures large, what they are made of, a status in words, and what to do next."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from churn_mlops.reporting.weekly import TITLES, weekly_rows, weekly_text
from churn_mlops.serving.console.dashboard_figures import figure_text
from churn_mlops.serving.console.dashboard_view import OF_CAMPAIGN
from churn_mlops.serving.console.frame.formats import LOCALES, Formats
from churn_mlops.serving.console.frame.texts import Texts
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.figure_rows.figures import has_rows
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement, record_measurements
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.store.builders import DAY, NEXT, NOW

AUC = StoredMeasurement("auc", "", 0.8123, 0.78, 0.84, 90, 1200, "good", "Nothing to do.", True, DAY)
WEEKS = [
    replace(AUC, part=str(DAY - timedelta(weeks=back)), value=0.8 + back / 100, is_final=back > 0) for back in range(4)
]
ROI = StoredMeasurement("roi", "1", -1979.5, -23357.0, 19732.9, 24561.4, 26541.0, "watch", "Not proven yet.", False)
LEVEL = StoredMeasurement("churn_by_level", "<b>fibre</b>", 0.124, 0.11, 0.14, 124, 1000, "act", "Find the cause.")
AT_RISK = StoredMeasurement("customers_at_risk", str(DAY), 0.05, None, None, 6, 120, "watch", "x", True, DAY)
WAIT = StoredMeasurement("score_drift", str(DAY), None, None, None, None, 12, "too_little", "Wait.")


@pytest.fixture
def analyst(visitor: Visitor, guarded: Guarded) -> Visitor:
    visitor.client.cookies.set("churn_session", guarded.sessions["analyst"][0], domain="localhost.local")
    return visitor


@pytest.fixture
def measured(guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        create_campaign(store, NewCampaign("Spring <i>", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
        record_measurements(store, DAY, [AUC, *WEEKS, ROI, LEVEL, WAIT], clock=lambda: NOW)


def tiles_of(page: str) -> list[str]:
    """The words of each tile."""
    tiles = re.search(r'<ul class="tiles">.*?</ul>\s*<details', page, re.S)
    assert tiles is not None
    found = tiles[0].removesuffix("<details").split('<li class="card">')[1:]
    return [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in found]


@pytest.mark.usefixtures("measured")
def test_every_figure_has_its_counts_in_words_its_status_and_a_next_step(analyst: Visitor) -> None:
    text = analyst.get("/dashboard").text
    for shown in ("0.812", "95 % interval 0.780 to 0.840", "90 of 1,200 customers churned", "Good", "Find the cause."):
        assert shown in text
    assert "\u2212$1,980" in text
    assert "95 % interval \u2212$23,357 to $19,733" in text
    assert "$24,561 in, $26,541 out" in text
    assert "Not proven yet." in text
    assert "Estimate" in text
    assert "Too little data" in text
    assert "Spring &lt;i&gt;" in text
    assert "&lt;b&gt;fibre&lt;/b&gt;" in text


def test_the_page_has_room_for_every_figure_that_is_measured_and_for_those_of_a_newer_version(
    analyst: Visitor, guarded: Guarded
) -> None:
    page = (Path(__file__).parents[3] / "docs/dashboard.md").read_text(encoding="utf-8")
    names = [line.removeprefix("### ").replace(" ", "_") for line in page.splitlines() if line.startswith("### ")]
    assert len(names) >= 30
    parts = {name: ["1"] for name in OF_CAMPAIGN}
    figures = [
        replace(AUC, name=name, part=part)
        for name in (*names, "not_known_yet")
        for part in parts.get(name, ["", str(DAY)])
    ]
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, figures, clock=lambda: NOW)
    assert analyst.get("/dashboard").status_code == 200
    without = [one for one in figures if not has_rows(one)]
    assert {one.name for one in without} >= {"money_lost", "estimates_held", "expected_auc", "not_known_yet"}
    for one in without:
        assert analyst.get(f"/dashboard/rows?name={one.name}&part={one.part}").status_code == 404, one


@pytest.mark.usefixtures("measured")
def test_a_tile_for_each_question_shows_its_most_urgent_figure(analyst: Visitor, guarded: Guarded) -> None:
    text = analyst.get("/dashboard").text
    assert tiles_of(text) == [
        "Is the model right? Too little data There is too little data yet. 12 customers scored Wait.",
        "Do the offers work? Spring &lt;i&gt; Watch Estimate return \u2212$1,980 $24,561 in, $26,541 out "
        "Spring &lt;i&gt;: Not proven yet.",
        "What is at risk? Act Group “&lt;b&gt;fibre&lt;/b&gt;”: 12.4 % of these customers churned. "
        "124 of 1,000 customers churned 1 of 1 groups stand out Find the cause.",
        "Is the list used? Too little data No list is published yet.",
    ]
    worst = replace(AUC, name="calibration", value=127, low=111, high=143, status="act", next_step="Train again.")
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [AUC, worst, WAIT], clock=lambda: NOW)
    assert "127 customers left for 100 that the scores expect." in tiles_of(analyst.get("/dashboard").text)[0]


def test_a_young_model_whose_money_is_not_known_yet_is_judged_by_what_is_known(
    analyst: Visitor, guarded: Guarded
) -> None:
    money = StoredMeasurement("money_lost", "", None, None, None, None, None, "too_little", "Wait for labels.")
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [money, AUC], clock=lambda: NOW)
    text = analyst.get("/dashboard").text
    assert tiles_of(text)[0].startswith("Is the model right? Good A churner has the higher score")
    assert "Wait for labels." in text  # on its card
    unknown = replace(AUC, value=None, low=None, high=None, status="too_little", next_step="Wait for outcomes.")
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [money, unknown], clock=lambda: NOW)
    assert tiles_of(analyst.get("/dashboard").text)[0].endswith("Wait for outcomes.")


def test_the_features_that_drifted_come_first_and_say_what_moved(analyst: Visitor, guarded: Guarded) -> None:
    step = "Look why it changed: monthly was 31 % in training and is 44 % now."
    plan = StoredMeasurement("feature_drift", "plan_<i>", 0.17, None, None, None, 1000, "watch", step, True, DAY)
    others = [replace(plan, part=part, value=0.01, status="good", next_step="Nothing.") for part in ("age", "tenure")]
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [AUC, *others, plan], clock=lambda: NOW)
    text = analyst.get("/dashboard").text
    assert tiles_of(text)[0].startswith("Is the model right? Good A churner has the higher score")  # drift heads none
    assert "1 of 3 features stand out" in text
    assert step in text
    rows = re.findall(r'<tr data-figure="feature_drift"><th scope="row">(.*?)</th>', text)
    assert rows == ["plan &lt;i&gt;", "age", "tenure"]
    assert text.count('<span class="counts quiet">1,000 customers scored</span>') == 3
    assert "/dashboard/rows?name=feature_drift" not in text


@pytest.mark.usefixtures("measured")
def test_the_tile_of_risk_shows_the_highest_group_that_asks_for_something_before_good_figures(
    analyst: Visitor, guarded: Guarded
) -> None:
    fine = replace(AT_RISK, status="good")
    higher = replace(LEVEL, part="contract_type=month-to-month", value=0.133, numerator=133)
    groups = [LEVEL, higher, replace(LEVEL, part="plan=basic", value=0.5, status="good")]
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [AUC, fine, *groups], clock=lambda: NOW)
    tile = tiles_of(analyst.get("/dashboard").text)[2]
    assert tile.startswith("What is at risk? Act Group “contract type: month-to-month”: 13.3 % of these")
    assert "2 of 3 groups stand out" in tile


@pytest.mark.usefixtures("measured")
def test_the_tile_of_offers_names_three_campaigns_what_is_proven_first(analyst: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        for name in ("Proven", "Young", "Younger"):
            create_campaign(store, NewCampaign(name, "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
        proven = StoredMeasurement("success", "2", 0.04, 0.01, 0.07, 40, 1000, "good", "Go on.")
        waits = [replace(WAIT, name="success", part=part) for part in ("3", "4")]
        record_measurements(store, DAY, [ROI, replace(ROI, part="2"), proven, *waits], clock=lambda: NOW)
    assert tiles_of(analyst.get("/dashboard").text)[1] == (
        "Do the offers work? Proven Good effect 4.0 percentage points "
        "40 kept, of 1,000 treated customers with final labels "
        "Spring &lt;i&gt; Watch Estimate return \u2212$1,980 $24,561 in, $26,541 out "
        "Younger Too little data effect not known yet and 1 more Spring &lt;i&gt;: Not proven yet."
    )


@pytest.mark.usefixtures("measured")
def test_every_figure_links_to_what_it_means_and_to_a_page_with_the_rows_behind_it(
    analyst: Visitor, guarded: Guarded
) -> None:
    worked = replace(AT_RISK, name="list_worked")
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [AUC, *WEEKS, ROI, LEVEL, WAIT, AT_RISK, worked], clock=lambda: NOW)
    text = analyst.get("/dashboard").text
    links = [
        unescape(one) for one in re.findall(r'href="([^"]+)">(?:Rows|AUC|Money in|Customers at|List worked)', text)
    ]
    for link in (
        "#means-auc",
        "#means-roi",
        "/dashboard/rows?name=auc",
        f"/dashboard/rows?name=auc&part={DAY}",
        "/dashboard/rows?name=roi&part=1",
        f"/dashboard/rows?name=customers_at_risk&part={DAY}",
        f"/dashboard/rows?name=list_worked&part={DAY}",
    ):
        assert link in links, link
    for link in {one for one in links if one.startswith("#")}:
        assert f'id="{link[1:]}"' in text


@pytest.mark.usefixtures("measured")
def test_a_chart_has_a_text_a_scale_and_keeps_estimates_apart(analyst: Visitor) -> None:
    text = analyst.get("/dashboard").text.replace("\xa0", " ")
    assert text.count('r="4"') == 4
    assert text.count('class="estimate"') == 1
    assert text.count('class="whisker"') == 4
    assert re.findall(r'text-anchor="end">(0\.\d+)</text>', text) == ["0.78", "0.80", "0.82", "0.84"]
    assert "AUC: is the order right? by date, from Nov 1, 2026 (0.830) to Nov 22, 2026 (0.800)" in text
    assert text.count("<summary>All dates as a table</summary>") == 1


@pytest.mark.parametrize(
    "figures",
    [
        [],
        [replace(AUC, value=None, low=None, high=None, numerator=0, denominator=0, status="too_little")],
        [replace(ROI, value=None, low=None, high=None, numerator=None, denominator=0, status="too_little")],
        [StoredMeasurement("stayed_control", "1", None, None, None, 0, 0, "too_little", "Wait."),
         StoredMeasurement("success", "1", None, None, None, None, 30, "too_little", "Wait.")],
        [StoredMeasurement("last_run", "", None, None, None, None, None, "too_little", "Publish a run.")],
    ],
)  # fmt: skip
@pytest.mark.usefixtures("measured")
def test_too_little_data_is_said_in_plain_words(
    analyst: Visitor, guarded: Guarded, figures: list[StoredMeasurement]
) -> None:
    with open_store(guarded.address) as store:
        record_measurements(store, NEXT, [WAIT, *figures], clock=lambda: NOW)
    answer = analyst.get("/dashboard")
    assert answer.status_code == 200
    assert "Too little data" in answer.text
    said = [one.count("Too little data") for one in re.findall(r"<div data-figure=.*?</div>", answer.text, re.S)]
    assert max(said, default=1) == 1  # as the value, and not as the status once more
    assert not re.search(r"\bnan\b|\binf\b|None|0 of 0", answer.text)


@pytest.mark.usefixtures("measured")
def test_the_worth_of_an_offer_is_in_percentage_points_under_a_title_for_both_signs(
    analyst: Visitor, guarded: Guarded
) -> None:
    figure = StoredMeasurement("success", "1", -0.078, -0.201, 0.045, -5, 72, "watch", "Not proven yet.")
    with open_store(guarded.address) as store:
        record_measurements(store, NEXT, [figure], clock=lambda: NOW)
    text = analyst.get("/dashboard").text.replace("\xa0", " ")
    assert "Stayed: offer less control group" in text
    assert "<dd>\u22127.8 percentage points</dd>" in text
    assert "95 % interval \u221220.1 to 4.5 percentage points" in text
    assert "of 72 treated customers with final labels" in text
    assert "\u22127.8 percentage points (95 % interval \u221220.1 to 4.5 percentage points)" in weekly_text(
        MeasuredDay(NEXT, NOW, (figure,)), {1: "Spring"}
    )


@pytest.mark.usefixtures("measured")
def test_the_page_says_what_writes_the_weekly_report(analyst: Visitor) -> None:
    assert "churn report --weekly" in analyst.get("/dashboard").text


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize("value", [-2660.4, -0.0001, 0.0, 0.0714, 4.0132, 25.5, 95.5, 31771.2])
def test_the_weekly_report_writes_each_value_and_its_counts_as_the_dashboard_does(name: str, value: float) -> None:
    formats = Formats(LOCALES["en-US"], "USD", ZoneInfo("UTC"), Texts())
    part = "1" if name in ("success", "roi") else ""
    figure = StoredMeasurement(name, part, value, value, value, 1, 1234, "watch", "Wait.", True, DAY)
    shown = figure_text(figure, formats, None)
    (row,) = weekly_rows(MeasuredDay(DAY, NOW, (figure,)), {})
    assert row.value == (shown.value or "").replace("\xa0", " ")
    counts = re.sub(
        r", the control group weighted|; \d+ of \d+ (groups|features) stand out", "", f"{shown.counts}|{row.counts}"
    )
    if name != "last_run":  # the page says what its hours are, in the place of counts
        assert counts.partition("|")[0] == counts.partition("|")[2]


def test_nothing_measured_is_said(analyst: Visitor) -> None:
    assert "churn monitor" in analyst.get("/dashboard").text


def test_agents_have_no_dashboard(agent: Visitor) -> None:
    assert agent.get("/dashboard").status_code == 403
    assert 'href="/dashboard"' not in agent.get("/list").text


def test_every_figure_of_the_pages_has_a_definition() -> None:
    keys = Texts().by_key
    names = {key.removeprefix("figures.") for key in keys if key.startswith("figures.")}
    assert names == {key.removeprefix("definitions.") for key in keys if key.startswith("definitions.")}
    assert names == {key.removeprefix("counts.") for key in keys if key.startswith("counts.")}
