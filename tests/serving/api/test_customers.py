"""One customer by customer ID: scored now if the source answers, else as published, and the answer says which."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from churn_mlops.errors import SourceError
from churn_mlops.serving.api.customers import NO_ONE, NO_SOURCE, ReadCustomer
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.prediction_log import records_of
from tests.serving.api.risk_server import (
    broken,
    client_of,
    everyone,
    failing,
    known,
)
from tests.store.builders import DAY, REASONS

FAILING = pytest.mark.parametrize("read", [failing, broken])


def test_a_customer_of_the_source_is_scored_now_and_the_answer_is_kept(
    source: Any, link: StoreClient, address: str
) -> None:
    with client_of(source, link, known) as client:
        answer = client.get("/customers/C000001/risk")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["customer_id"], body["churn_probability"], body["origin"]) == ("C000001", 0.2, "source")
    assert (body["risk_band"], body["as_of"], body["why_published"]) == ("medium", "2026-11-23", None)
    assert body["renews_on"] == "2026-12-06"
    assert body["reasons"][0]["text"] == "tenure 12: -42 points"
    with open_store(address) as store:
        (kept,) = records_of(store, answer.headers["X-Prediction-Id"])
    assert (kept.customer, kept.answer.encode(), kept.as_of) == ("C000001", answer.content, date(2026, 11, 23))


@pytest.mark.parametrize("fails", [False, True])
def test_the_source_is_opened_at_the_start_and_a_failure_then_keeps_no_one_out(
    source: Any, link: StoreClient, fails: bool
) -> None:
    opened = threading.Event()

    def read(customer: str, bundle: Any) -> Any:
        if customer == NO_ONE:
            opened.set()
            if fails:
                raise SourceError("postgresql://crm.internal cannot be reached")
        return known(customer, bundle)

    with client_of(source, link, read) as client:
        assert opened.wait(10)
        assert client.get("/customers/C000001/risk").json()["origin"] == "source"


@pytest.mark.parametrize("name", ["C/17", "a/b/risk", "50% off", "x?y#z"])
def test_a_customer_id_of_any_signs_can_be_asked_for(source: Any, link: StoreClient, name: str) -> None:
    with client_of(source, link, everyone) as client:
        answer = client.get(f"/customers/{quote(name, safe='')}/risk")
    assert (answer.status_code, answer.json()["customer_id"]) == (200, name)


# Nearly every score is worth an offer, or none is; a score at the source is 0.2, and C000001 has an offer in the list.
def test_an_inactive_customer_of_the_source_is_answered_404_even_if_published(source: Any, link: StoreClient) -> None:
    with client_of(source, link, known) as client:
        answer = client.get("/customers/C000002/risk")
    assert answer.status_code == 404
    assert answer.json()["error"] == "there is no active customer with this ID"


@FAILING
def test_while_the_source_fails_the_published_score_is_answered_without_the_address_of_the_source(
    source: Any, link: StoreClient, capsys: pytest.CaptureFixture[str], read: ReadCustomer
) -> None:
    with client_of(source, link, read) as client:
        answer = client.get("/customers/C000001/risk")
        unknown = client.get("/customers/nobody/risk")
    body = answer.json()
    assert (body["origin"], body["churn_probability"], body["confidence"]) == ("published", 0.9, 0.9)
    assert (body["as_of"], body["reasons"], body["model_version"]) == (DAY.isoformat(), REASONS, "3")
    assert body["why_published"] == "the source cannot be read; `churn doctor` beside the server says why"
    logged = capsys.readouterr()
    assert "source_failed" in logged.out + logged.err
    assert "crm.internal" not in answer.text + logged.out + logged.err
    assert (answer.headers["X-As-Of"], answer.headers["X-Model-Version"]) == (DAY.isoformat(), "3")
    # Whether there is such a customer is not known now.
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "5")
    assert "and no score of this customer is published" in unknown.json()["error"]


def test_where_there_is_no_source_who_is_not_published_is_no_customer(source: Any, link: StoreClient) -> None:
    with client_of(source, link, None) as client:
        assert client.get("/customers/nobody/risk").status_code == 404


def test_a_source_that_is_too_slow_is_not_waited_for(source: Any, link: StoreClient) -> None:
    over = threading.Event()

    def slow(customer: str, bundle: Any) -> Any:
        over.wait(30)
        return known(customer, bundle)

    with client_of(source, link, slow) as client:
        body = client.get("/customers/C000001/risk").json()
        over.set()
    assert body["why_published"] == "the source did not answer within 0.2 seconds"


@FAILING
def test_a_source_that_fails_in_a_row_is_left_alone(source: Any, link: StoreClient, read: ReadCustomer) -> None:
    asked: list[str] = []

    def counted(customer: str, bundle: Any) -> Any:
        asked.append(customer)
        return read(customer, bundle)

    with client_of(source, link, counted) as client:
        body = [client.get("/customers/C000001/risk").json()["why_published"] for _ in range(5)]
    assert [one for one in asked if one != NO_ONE] == ["C000001"] * 3
    assert body[-1] == "the source failed several times, and is not asked for some seconds"


def test_a_server_without_a_source_answers_published_scores(source: Any, link: StoreClient) -> None:
    with client_of(source, link, None) as client:
        assert client.get("/customers/C000009/risk").json()["why_published"] == NO_SOURCE


def test_with_source_and_store_away_the_answer_is_503(source: Any, tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    link = StoreClient(f"sqlite:///{tmp_path}/in the way/churn.db")
    with client_of(source, link, failing) as client:
        answer = client.get("/customers/C000001/risk")
    link.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
