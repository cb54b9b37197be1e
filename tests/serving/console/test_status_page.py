"""The page of the person on call: what asks for something first, with its cost and its runbook, then what is fine."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from sqlalchemy import text

from churn_mlops import __version__
from churn_mlops.store import Store, open_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.job_records import record_job
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.store.builders import DAY
from tests.store.test_model_versions import bundle

PAST = datetime.now(UTC) - timedelta(hours=3)


@pytest.fixture
def admin(visitor: Visitor, guarded: Guarded) -> Visitor:
    visitor.client.cookies.set("churn_session", guarded.sessions["admin"][0], domain="localhost.local")
    return visitor


def failed(store: Store, *jobs: str) -> None:
    for job in jobs:
        record_job(store, job, PAST, PAST, has_succeeded=False)


def words(markup: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", markup)).split())


def asking(page: str) -> list[str]:
    """The words of each line that asks for something."""
    found = re.search(r'<ul class="asks">(.*?)</ul>', page, re.S)
    return [] if found is None else [words(one) for one in found[1].split("</li>")[:-1]]


def in_order(page: str) -> list[str]:
    """The words of each line that asks for nothing."""
    body = re.search(r'<table class="cards fine">.*?<tbody>(.*?)</tbody>', page, re.S)
    return [] if body is None else [words(one) for one in body[1].split("</tr>")[:-1]]


def test_where_no_one_has_to_act_the_page_says_so_and_how_all_stands(admin: Visitor) -> None:
    page = admin.get("/status")
    assert page.status_code == 200
    assert asking(page.text) == []
    assert "No one has to act." in words(page.text)
    of_list, of_model = in_order(page.text)
    assert of_list.startswith("List In order As of 2026-11-22, published ")
    assert of_model.startswith("Model In order Version 3 (additive_boosting), live for ")
    assert "The store was read less than a minute ago." in words(page.text)
    assert f"churn-mlops Version {__version__} Answers with model Version 3 Processes 1 of 1" in words(page.text)


def test_what_asks_for_something_comes_first_with_cost_runbook_and_alert(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        failed(store, "mature", "send")
        record_job(store, "score", PAST, PAST, has_succeeded=True)
        worst = StoredMeasurement("auc", "", 0.49, 0.45, 0.53, 30, 900, "act", "Train a new model.")
        record_measurements(store, DAY, [worst])
    page = admin.get("/status").text
    assert asking(page) == [
        "Job send Act now Failed 3 hours ago, in 1 try; it never succeeded. "
        "It costs The system that takes the list has an older one. "
        "What to do See docs/runbooks/list-not-sent.md Alert ListNotSent",
        "Job mature Within days Failed 3 hours ago, in 1 try; it never succeeded. "
        "It costs No outcomes, so the accuracy on the dashboard stays as it is. "
        "What to do See docs/runbooks/job-fails.md Alert JobFails",
        "Figure auc Within days 0.49, on the newest final labels. What to do Train a new model.",
    ]
    assert "1 to act on now, 2 within days." in words(page)
    assert page.index('class="asks"') < page.index('class="cards fine"')
    assert [line.partition(" In order ")[0] for line in in_order(page)] == ["List", "Model", "Job score", "Figures"]


def test_names_that_hold_markup_are_shown_as_text(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        failed(store, "<script>alert(1)</script>")
        Deployments(store).deploy(bundle("x"), version="<b>9</b>", model_type='"><img src=x>', reason="why")
    page = admin.get("/status").text
    assert "Job &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Version &lt;b&gt;9&lt;/b&gt; (&#34;&gt;&lt;img src=x&gt;)" in page
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "Version 3 another is live" in words(page)


def test_while_the_store_is_away_the_page_says_so_and_how_it_stood(admin: Visitor, guarded: Guarded) -> None:
    assert in_order(admin.get("/status").text)
    Path(guarded.address.removeprefix("sqlite:///")).unlink()
    answer = admin.get("/status")
    assert answer.status_code == 200
    (store,) = asking(answer.text)
    assert store.startswith("Store Act now ")
    assert store.endswith("What to do See docs/runbooks/store-unavailable.md Alert StoreUnavailable")
    assert "The store does not answer. All else is as of its last reading, " in words(answer.text)
    assert len(in_order(answer.text)) == 2


@pytest.mark.parametrize("role", ["agent", "analyst"])
def test_only_admins_may_open_it_and_see_a_link_to_it(visitor: Visitor, guarded: Guarded, role: str) -> None:
    visitor.client.cookies.set("churn_session", guarded.sessions[role][0], domain="localhost.local")
    assert visitor.get("/status").status_code == 403
    assert 'href="/status"' not in visitor.get("/list").text


def test_it_stands_in_the_navigation_of_admins_and_who_is_not_signed_in_is_led_to_the_sign_in(
    visitor: Visitor, guarded: Guarded
) -> None:
    assert visitor.get("/status").headers["Location"] == "/sign-in?next=%2Fstatus"
    visitor.client.cookies.set("churn_session", guarded.sessions["admin"][0], domain="localhost.local")
    assert '<a href="/status" aria-current="page">Status</a>' in visitor.get("/status").text
    assert '<a href="/status">Status</a>' in visitor.get("/models").text


def test_a_figure_that_something_else_wrote_stops_no_page(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [StoredMeasurement("money_lost", "", 5e3, 1e1, 9e3, 30, 900, "act", "Train.")])
        with store.writing("write text in place of a number") as connection:
            connection.execute(text("UPDATE measurements SET value = 'much'"))
    page = admin.get("/status")
    assert page.status_code == admin.get("/api/status").status_code == admin.get("/metrics").status_code == 200
    assert asking(page.text)[0].startswith("Store Act now A row cannot be understood (TypeError): something else ")
