"""A logged prediction is answered again byte for byte; published scores come in pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import DAY, NEXT, batches, run

LOCAL = "http://localhost"
HEADERS = ["X-Model-Version", "X-Prediction-Id", "X-As-Of", "Content-Type"]

CUSTOMERS = st.fixed_dictionaries(
    {
        "tenure": st.floats(0, 1e300) | st.integers(0, 10**15),
        "monthly_charges": st.floats(0, 1000),
        "total_charges": st.none() | st.floats(0, allow_infinity=False),
        "contract_type": st.sampled_from(["month-to-month", "one_year", "two_year"]),
        "senior": st.booleans() | st.sampled_from([0, 1]),
    },
    optional={"region": st.sampled_from(["1", 2, None])},
)


@pytest.fixture
def link(tmp_path: Path) -> Iterator[StoreClient]:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    yield link
    link.close()


@pytest.fixture
def app(source, settings, link: StoreClient) -> FastAPI:
    return create_app(source, settings, clock=lambda: date(2026, 11, 23), store=link)


@given(customers=st.lists(CUSTOMERS, min_size=1, max_size=6), explained=st.lists(CUSTOMERS, max_size=3))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_is_rebuilt_byte_for_byte_with_its_headers(app: FastAPI, customers, explained) -> None:
    with TestClient(app, base_url=LOCAL) as client:
        said = [client.post("/predict", json=one) for one in customers]
        said += [client.post("/predict?explain=true", json=one) for one in explained]
        batch = client.post("/predict/batch", json={"customers": customers})
    with TestClient(app, base_url=LOCAL) as client:  # the end of the one before has written everything
        for answer in [*said, batch]:
            again = client.get(f"/predictions/{answer.headers['X-Prediction-Id']}")
            assert again.content == answer.content
            assert [again.headers[name] for name in HEADERS] == [answer.headers[name] for name in HEADERS]
        for place, one in enumerate(said[: len(customers)]):
            id = f"{batch.headers['X-Prediction-Id']}-{place}"
            again = client.get(f"/predictions/{id}")
            assert (again.content, again.headers["X-Prediction-Id"]) == (one.content, id)


@pytest.mark.parametrize("id", ["0" * 32, f"{'0' * 32}-3", "x", "0" * 31 + "%00", "%F0%9F%98%80", f"{'0' * 32}-٣"])
def test_an_id_under_which_nothing_is_kept_is_answered_404_in_the_one_shape(app: FastAPI, id: str) -> None:
    with TestClient(app, base_url=LOCAL) as client:
        answer = client.get(f"/predictions/{id}")
    assert answer.status_code == answer.json()["status"] == 404
    assert "not written yet" in answer.json()["error"]
    assert list(answer.json()) == ["status", "error", "fields", "request_id"]


@pytest.fixture
def published(link: StoreClient) -> None:
    link.ask_now(lambda store: publish(store, run(DAY, version="2"), batches(10)))
    link.ask_now(lambda store: publish(store, run(NEXT), batches(25, mark="N")))


def test_published_scores_come_in_pages_the_newest_run_by_default(app: FastAPI, published: None) -> None:
    ranks, after = [], 0
    with TestClient(app, base_url=LOCAL) as client:
        while after is not None:
            page = client.get("/predictions", params={"limit": 10, "after": after}).json()
            assert (page["as_of"], page["model_version"]) == (NEXT.isoformat(), "3")
            ranks += [one["rank"] for one in page["predictions"]]
            after = page["next"]
        old = client.get("/predictions", params={"as_of": DAY.isoformat()}).json()
    assert ranks == list(range(1, 26))
    assert (old["model_version"], len(old["predictions"]), old["next"]) == ("2", 10, None)


def test_one_customer_is_found_by_customer_id(app: FastAPI, published: None) -> None:
    with TestClient(app, base_url=LOCAL) as client:
        found = client.get("/predictions", params={"customer": "N000003"}).json()
        none = client.get("/predictions", params={"customer": "N9"}).json()
    assert [list(found["predictions"][0].values())[:3]] == [[4, "N000003", 1 - 3 / 25]]
    assert (none["predictions"], none["next"]) == ([], None)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("as_of=2020-01-01", 404, "as_of"),
        ("as_of=yesterday", 422, "as_of"),
        ("limit=0", 422, "limit"),
        ("limit=1001", 422, "limit"),
        ("after=-1", 422, "after"),
        ("after=99999999999", 422, "after"),
        ("customer=", 422, "customer"),
        ("customer=a%00b", 422, "customer"),
        ("custumer=a", 422, "custumer"),
    ],
)
def test_a_wrong_parameter_is_named(app: FastAPI, published: None, query: str, status: int, field: str) -> None:
    with TestClient(app, base_url=LOCAL) as client:
        answer = client.get(f"/predictions?{query}")
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (status, field)


def test_without_a_published_date_the_answer_is_404(app: FastAPI) -> None:
    with TestClient(app, base_url=LOCAL) as client:
        answer = client.get("/predictions")
    assert answer.status_code == 404
    assert re.search("publish with `churn score`", answer.json()["error"])
