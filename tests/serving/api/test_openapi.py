"""The interface is what ``/openapi.json`` says it is: every answer to whatever is asked is one described there."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.serving.access.permissions import PAGES, TABLE, pattern_of, rule_of
from churn_mlops.serving.api.refusals import describe_refusals
from churn_mlops.serving.model.served_model import ModelSlot
from tests.serving.access.secured_app import Guarded, bearer, fill
from tests.serving.process import Served, company_to_serve
from tests.serving.running import running
from tests.test_api import CUSTOMER

CASES, EXAMPLES = 500, 5
MODULE = "tests.serving.api.openapi_cases"
UNDESCRIBED = {
    "/docs",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-ui.css",
    "/docs/favicon-32x32.png",
    "/openapi.json",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("served")
    return company_to_serve(folder, f"sqlite:///{folder}/churn.db")


@pytest.fixture
def document(tmp_path: Path, source: ModelSlot) -> dict[str, Any]:
    guarded: Guarded = fill(tmp_path)
    with guarded.client(source) as client:
        found: dict[str, Any] = client.get("/openapi.json", headers=bearer(guarded.keys["agent"])).json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_a_server_answers_hundreds_of_cases_as_it_is_described(served: Served, tmp_path: Path) -> None:
    describing = pytest.importorskip(
        "tests.serving.api.openapi_cases", reason="needs schemathesis", exc_type=ImportError
    )
    with served.process(tmp_path / "log") as (_, address):
        ids = describing.prediction_ids(address, served.key, CUSTOMER, served.customers[:1])
        known = {"customer_id": served.customers, "customer": served.customers, "prediction_id": ids}
        held = describing.held_to_description(address, served.key, CASES, examples=EXAMPLES, known=known)
        with urllib.request.urlopen(f"{address}/ready") as answer:
            assert json.load(answer)["status"] == "ready"
    assert list(held.failures) == []
    assert held.cases >= CASES
    assert set(describing.CHECKS) <= set(held.checks)
    for good in ("POST /predict 200", "POST /contacts 201", "GET /customers/{customer_id}/risk 200",
                 "GET /predictions/{prediction_id} 200", "GET /audit 200"):  # fmt: skip
        assert held.statuses[good], good
    assert '"request_failed"' not in (tmp_path / "log").read_text()


def test_a_server_that_answers_otherwise_is_found_out(source: ModelSlot, predictor: Any) -> None:
    describing = pytest.importorskip(
        "tests.serving.api.openapi_cases", reason="needs schemathesis", exc_type=ImportError
    )
    predictor.score_one = lambda row: 7.0  # no probability
    with running(source, Settings()) as (host, port):
        held = describing.held_to_description(f"http://{host}:{port}", "none", 1, examples=2)
    assert any("POST /predict: response_schema_conformance" in failure for failure in held.failures)


def test_the_roles_and_every_refusal_of_all_routes_stand_in_the_description(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        rule, statuses = rule_of(method, path), set(operation["responses"])
        assert {"400", "413", "500"} <= statuses, (method, path)
        assert ({"401", "403", "429"} <= statuses) or rule.open
        assert bool(operation["security"]) is not rule.open
        if not rule.open:
            assert operation["description"].endswith(f"May be called by: {', '.join(sorted(rule.roles))}.")
        for status in statuses - {"200", "201", "204"}:
            assert _schema(document, operation, status) == {"$ref": "#/components/schemas/ErrorBody"}, (path, status)
        for answer in operation["responses"].values():
            shared = answer.get("$ref", "").rpartition("/")[2]
            assert "X-Request-Id" in (document["components"]["responses"][shared] if shared else answer)["headers"]


def test_every_route_of_the_table_is_described_but_pages_and_the_documentation_itself(document: dict[str, Any]) -> None:
    described = {(method, pattern_of(path)) for method, path, _ in operations(document)}
    assert described == {(m, p) for m, p in TABLE if m != "HEAD" and p not in UNDESCRIBED and (m, p) not in PAGES}


def test_a_change_by_cookie_needs_the_token_and_reading_does_not(document: dict[str, Any]) -> None:
    assert {"session": [], "csrf": []} in document["paths"]["/contacts"]["post"]["security"]
    assert {"session": []} in document["paths"]["/contacts"]["get"]["security"]
    for method, path, operation in operations(document):
        for way in operation["security"]:
            assert set(way) <= set(document["components"]["securitySchemes"]), (method, path)


def test_what_a_route_says_of_a_status_stays(document: dict[str, Any]) -> None:
    answers = document["paths"]["/session"]["post"]["responses"]
    assert answers["401"]["description"] == "Name or password is wrong"
    assert answers["401"]["headers"]["WWW-Authenticate"]["required"]
    assert answers["503"] == {"$ref": "#/components/responses/503"}


def test_an_application_without_routes_of_its_own_is_described_too() -> None:
    bare: dict[str, Any] = {"paths": {"/health": {"get": {"responses": {"200": {}}}}}}
    describe_refusals(bare)
    assert set(bare["paths"]["/health"]["get"]["responses"]) == {"200", "400", "413", "500"}
    assert "FieldProblem" in bare["components"]["schemas"]


def test_a_405_names_all_methods_of_its_address(tmp_path: Path, source: ModelSlot) -> None:
    guarded = fill(tmp_path)
    with guarded.client(source) as client:
        key = bearer(guarded.keys["agent"])
        for path, allowed in (("/contacts", "GET, POST"), ("/session", "DELETE, GET, POST"), ("/health", "GET, HEAD")):
            answer = client.request("PATCH", path, headers=key)
            assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


def test_an_open_address_is_no_secret_by_another_method(tmp_path: Path, source: ModelSlot) -> None:
    guarded = fill(tmp_path)
    with guarded.client(source) as client:
        assert [client.request("PUT", path).status_code for path in ("/health", "/ready", "/session")] == [405] * 3
        assert [client.request("PUT", path).status_code for path in ("/metrics", "/predict", "/nowhere")] == [401] * 3
    with guarded.client(source, metrics="open") as client:
        assert client.put("/metrics").status_code == 405


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"\xff", b'{"name": "a"}', b'{"name": "a", "name": "b", "password": "c"}']
)
def test_a_sign_in_that_is_none_is_refused_by_name(tmp_path: Path, source: ModelSlot, body: bytes) -> None:
    with fill(tmp_path).client(source) as client:
        answer = client.post("/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.json()["fields"]


def test_a_fault_is_described_in_the_one_shape_as_it_is_answered(source: ModelSlot, tmp_path: Path) -> None:
    def add(app: FastAPI) -> None:
        @app.get("/faulty")
        async def faulty() -> JSONResponse:
            raise ZeroDivisionError

    guarded = fill(tmp_path)
    with guarded.client(source, more=add) as client:
        assert isinstance(client, TestClient)
        answer = client.get("/faulty", headers=bearer(guarded.keys["admin"]))
        described = client.get("/openapi.json", headers=bearer(guarded.keys["admin"])).json()["paths"]["/faulty"]["get"]
    assert (answer.status_code, answer.json()["status"]) == (500, 500)
    assert described["description"] == "May be called by: admin."


def _schema(document: dict[str, Any], operation: dict[str, Any], status: str) -> dict[str, Any]:
    answer = operation["responses"][status]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
    return schema
