"""The page of the business owner: figures large, what they are made of, a status in words, and what to do next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from churn_mlops.serving.console.frame.texts import Texts
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.store.builders import DAY, NOW

AUC = StoredMeasurement("auc", "", 0.8123, 0.78, 0.84, 90, 1200, "good", "Nothing to do.", True, DAY)
WEEKS = [
    replace(AUC, part=str(DAY - timedelta(weeks=back)), value=0.8 + back / 100, is_final=back > 0) for back in range(4)
]
ROI = StoredMeasurement("roi", "1", -1979.5, -23357.0, 19732.9, 24561.4, 26541.0, "watch", "Not proven yet.", False)
LEVEL = StoredMeasurement("churn_by_level", "<b>fibre</b>", 0.124, 0.11, 0.14, 124, 1000, "act", "Find the cause.")
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


@pytest.mark.usefixtures("measured")
def test_every_figure_has_its_counts_its_status_in_words_and_a_next_step(analyst: Visitor) -> None:
    text = analyst.get("/dashboard").text
    for shown in ("0.812", "95 % interval 0.780 to 0.840", "90 of 1,200", "Good", "Nothing to do."):
        assert shown in text
    assert "\u2212$1,980" in text
    assert "95 % interval \u2212$23,357 to $19,733" in text
    assert "$24,561 of $26,541" in text
    assert "Not proven yet." in text
    assert "Estimate" in text
    assert "Too little data" in text
    assert 'href="/api/campaigns/1"' in text
    assert f'href="/predictions?as_of={DAY}"' in text
    assert "Spring &lt;i&gt;" in text
    assert "&lt;b&gt;fibre&lt;/b&gt;" in text


@pytest.mark.usefixtures("measured")
def test_a_chart_has_a_text_and_keeps_estimates_apart(analyst: Visitor) -> None:
    text = analyst.get("/dashboard").text
    assert text.count('r="4"') == 4
    assert text.count('class="estimate"') == 1
    assert "AUC: is the order right? by date, from Nov 1, 2026 (0.830) to Nov 22, 2026 (0.800)" in text.replace(
        "\xa0", " "
    )


def test_nothing_measured_is_said(analyst: Visitor) -> None:
    assert "churn monitor" in analyst.get("/dashboard").text


def test_agents_have_no_dashboard(agent: Visitor) -> None:
    assert agent.get("/dashboard").status_code == 403
    assert 'href="/dashboard"' not in agent.get("/list").text


def test_every_figure_of_the_pages_has_a_definition() -> None:
    keys = Texts().by_key
    names = {key.removeprefix("figures.") for key in keys if key.startswith("figures.")}
    assert names == {key.removeprefix("definitions.") for key in keys if key.startswith("definitions.")}
