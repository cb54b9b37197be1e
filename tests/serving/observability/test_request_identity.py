"""A request keeps the ID and the trace that its client gave it, on every path and in the prediction log."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from churn_mlops.config import Settings
from churn_mlops.config.oidc import Oidc
from churn_mlops.serving.access.oidc import Attempt, IdentityProvider
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.request_identity import identified
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.trace_context import Trace, in_trace
from tests.serving.running import running

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
UUID = "7F6A1c2e-0000-4bcd-8EF0-0123456789ab"
GIVEN = {"traceparent": PARENT, "X-Request-Id": UUID}
HOSTILE = "evil<script>"
# One takes the fast path, one the standard path, one is refused.
WAYS = [("POST", "/predict", {}), ("POST", "/predict", {"Connection": "close"}), ("POST", "/predict?x=1", {})]


def ask(source: ModelSlot, way: tuple[str, str, Mapping[str, str]], customer: Any, headers: Mapping[str, str]) -> Any:
    """The headers of an answer of a server, which has ended then and written its log."""
    with running(source, Settings()) as server, closing(http.client.HTTPConnection(*server, timeout=10)) as connection:
        connection.request(way[0], way[1], json.dumps(customer), {**way[2], **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.headers


@pytest.mark.parametrize("way", WAYS)
def test_an_id_and_a_trace_that_came_are_handed_out_and_logged(
    source: ModelSlot, way: Any, customer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    headers = ask(source, way, customer, GIVEN)
    assert headers["X-Request-Id"] == UUID
    assert re.fullmatch(f"00-{TRACE_ID}-(?!{SPAN_ID})[0-9a-f]{{16}}-01", headers["traceparent"])
    logged = capsys.readouterr()
    (line,) = [line for line in (logged.out + logged.err).splitlines() if "request_answered" in line]
    fields = {"request_id": UUID, "trace_id": TRACE_ID, "method": "POST", "route": "/predict", "caller": "local"}
    assert [name for name, value in fields.items() if not re.search(rf"\b{name}\W+{value}\b", line)] == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("headers", [{}, {"traceparent": HOSTILE, "X-Request-Id": HOSTILE}], ids=["none", "hostile"])
def test_without_valid_ones_both_are_made_here_and_are_the_same(
    source: ModelSlot, way: Any, headers: Any, customer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = ask(source, way, customer, headers)
    id = answer["X-Request-Id"]
    assert re.fullmatch("[0-9a-f]{32}", id)
    assert answer["traceparent"] == f"00-{id}-{id[16:]}-00"
    assert answer["X-Prediction-Id"] in (id, None)
    logged = capsys.readouterr()
    assert HOSTILE not in str(answer) + logged.out + logged.err


@pytest.mark.parametrize(
    "given",
    [b"", b"C000017", b"anna@example.com", b"0" * 31, b"0" * 33, b"0" * 5000, UUID.encode() + b"\n",
     UUID.replace("-", "_").encode(), b"{" + UUID.encode() + b"}", b"g" * 32, "é".encode() * 16],
)  # fmt: skip
def test_only_a_uuid_or_32_digits_are_an_id_of_a_request(given: bytes) -> None:
    id, trace = identified([(b"host", b"localhost"), (b"x-request-id", given)])
    assert trace == Trace(id, id[16:], request_id=id)


def test_headers_that_come_twice_are_not_taken() -> None:
    once = [(name.lower().encode(), value.encode()) for name, value in GIVEN.items()]
    id, trace = identified(once)
    assert trace == Trace(TRACE_ID, id[16:], SPAN_ID, is_sampled=True, request_id=UUID)
    for twice in once:
        id, trace = identified([*once, twice])
        assert (trace.trace_id == TRACE_ID) == (twice[0] != b"traceparent")
        assert (trace.request_id == UUID) == (twice[0] != b"x-request-id")


def test_two_predictions_with_one_request_id_are_both_kept_with_their_trace(
    source: ModelSlot, settings: Settings, customer: Any, tmp_path: Path
) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    app = create_app(source, settings, store=link)
    with TestClient(app, base_url="http://localhost", headers=GIVEN) as client:
        made = [client.post("/predict", json=customer | {"tenure": tenure}) for tenure in (1, 3)]
        made.append(client.post("/predict/batch", json={"customers": [customer]}))
    with TestClient(app, base_url="http://localhost") as client:  # the end of the one before has written everything
        for answer in made:
            again = client.get(f"/predictions/{answer.headers['X-Prediction-Id']}")
            assert (again.content, again.headers["X-Trace-Id"]) == (answer.content, TRACE_ID)
            assert again.headers["X-Request-Id"] != answer.headers["X-Request-Id"] == UUID
    link.close()


def test_the_identity_provider_gets_the_trace_of_the_sign_in() -> None:
    seen = []

    async def provider(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]).get(b"traceparent"))
        body = json.dumps(
            {
                name: "https://login.example"
                for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
            }
        )
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})

    settings = Oidc.model_validate({"issuer": "https://login.example", "client_id": "churn", "roles": ["*=agent"]})
    transport = httpx.ASGITransport(app=provider)
    trace = Trace(TRACE_ID, SPAN_ID)
    with in_trace(trace):
        asyncio.run(IdentityProvider(settings, transport).address(Attempt.new(), "https://churn.example/back"))
    assert seen == [trace.traceparent.encode()] * 2
