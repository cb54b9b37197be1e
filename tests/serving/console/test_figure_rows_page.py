"""The page of the rows behind a figure: who counts, and how much."""

from __future__ import annotations

import pytest

from churn_mlops.serving.console.frame.texts import Texts
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.serving.access.secured_app import Guarded
from tests.serving.console.conftest import CUSTOMERS
from tests.serving.console.visitor import Visitor
from tests.store.builders import DAY, NOW

DRIFT = StoredMeasurement("score_drift", str(DAY), 0.1, None, None, None, CUSTOMERS, "good", "x", True, DAY)
WORKED = StoredMeasurement("list_today", str(DAY), 0.5, None, None, 1, 2, "good", "x", True, DAY)


@pytest.fixture
def analyst(visitor: Visitor, guarded: Guarded) -> Visitor:
    with open_store(guarded.address) as store:
        contact = NewContact("k", "s", "C000001", NOW, "20 % off", "not_offered", "person:anna", dismissal="bad_time")
        record_contact(store, contact, clock=lambda: NOW)
        record_measurements(store, DAY, [DRIFT, WORKED], clock=lambda: NOW)
    visitor.client.cookies.set("churn_session", guarded.sessions["analyst"][0], domain="localhost.local")
    return visitor


def test_a_page_shows_the_first_rows(analyst: Visitor) -> None:
    text = analyst.get(f"/dashboard/rows?name=score_drift&part={DAY}").text
    assert text.count('<th scope="row"') == 25
    assert 'rel="next"' in text
    assert f'href="/api/dashboard/rows?name=score_drift&amp;part={DAY}"' in text


def test_a_contact_that_counts_is_shown_in_words_and_other_rows_have_a_dash(analyst: Visitor) -> None:
    text = analyst.get(f"/dashboard/rows?name=list_today&part={DAY}").text
    assert ", anna, " in text
    assert "bad_time" not in text
    assert "\u2013</td>" in text


def test_the_rows_in_the_numerator_are_a_link_further(analyst: Visitor) -> None:
    path = f"/dashboard/rows?name=list_today&amp;part={DAY}&amp;which=above"
    assert f'href="{path}"' in analyst.get(f"/dashboard/rows?name=list_today&part={DAY}").text
    only = analyst.get(path.replace("&amp;", "&")).text
    assert only.count('<th scope="row"') == 1
    assert "C000001" in only


def test_names_of_customers_lead_to_their_page_where_the_role_may_open_it(analyst: Visitor, guarded: Guarded) -> None:
    path = f"/dashboard/rows?name=score_drift&part={DAY}"
    assert 'href="/customers/' not in analyst.get(path).text
    analyst.client.cookies.set("churn_session", guarded.sessions["admin"][0], domain="localhost.local")
    assert 'href="/customers/C' in analyst.get(path).text


def test_a_look_at_rows_is_in_the_audit_log_with_the_page(analyst: Visitor, guarded: Guarded) -> None:
    analyst.get(f"/dashboard/rows?name=score_drift&part={DAY}&after=25")
    with open_store(guarded.address) as store:
        newest = next(one for one in audit_events(store, limit=10) if one.event == "predictions.read")
    asked = {"figure": "score_drift", "part": str(DAY), "which": "all", "after": "25", "limit": 25, "as_of": str(DAY)}
    assert {name: newest.details[name] for name in asked} == asked


def test_a_figure_without_rows_is_refused_in_words(analyst: Visitor) -> None:
    answer = analyst.get("/dashboard/rows?name=nothing")
    assert answer.status_code == 404
    assert "follow a link of the dashboard" in answer.text


@pytest.mark.parametrize("name", ["auc", "log_loss", "calibration", "top_decile_calibration", "top_decile_lift"])
def test_every_figure_that_weights_the_control_group_explains_the_weight(name: str) -> None:
    texts = Texts()
    assert "they count more than one" in texts(f"weights.{name}")
    assert "The same" not in texts(f"definitions.{name}")


def test_the_title_has_the_date_in_words_and_the_name_of_the_campaign(analyst: Visitor, guarded: Guarded) -> None:
    text = analyst.get(f"/dashboard/rows?name=score_drift&part={DAY}").text
    assert "<h1>Drift of the scores: Nov\xa022,\xa02026</h1>" in text
    stayed = StoredMeasurement("stayed_treated", "1", 0.5, None, None, 1, 2, "good", "x", True)
    with open_store(guarded.address) as store:
        create_campaign(store, NewCampaign("Spring <i>", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
        record_measurements(store, DAY, [stayed], clock=lambda: NOW)
    text = analyst.get("/dashboard/rows?name=stayed_treated&part=1").text
    assert "<h1>Stayed with the offer: Spring &lt;i&gt;</h1>" in text
