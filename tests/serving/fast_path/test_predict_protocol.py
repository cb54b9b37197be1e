"""A plain prediction is answered where its bytes come in, and only its time differs from the standard path."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import Scope

from churn_mlops.config import Settings
from churn_mlops.serving.access.authentication import AccessConfig, Authenticator
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.permissions import rule_of
from churn_mlops.serving.fast_path.predict_protocol import FastPath, FastPathProtocol
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.request_log import RequestLog, RequestMiddleware
from churn_mlops.serving.prediction.service import Answer
from churn_mlops.serving.resilience.store_client import StoreClient
from tests.serving.access.secured_app import fill
from tests.serving.running import running

Address = tuple[str, int]
BODY = b'{"tenure": 4, "monthly_charges": 65.5, "total_charges": null, "contract_type": "one_year", "senior": false}'


@pytest.fixture
def address(source: ModelSlot) -> Iterator[Address]:
    with running(source, Settings()) as address:
        yield address


@pytest.fixture
def standard(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of the requests that took the standard path."""
    taken: list[str] = []
    answer = RequestMiddleware.__call__

    async def noted(self: RequestMiddleware, scope: Any, *rest: Any) -> None:
        if scope["type"] == "http":
            taken.append(scope["path"])
        await answer(self, scope, *rest)

    monkeypatch.setattr(RequestMiddleware, "__call__", noted)
    return taken


def request_of(body: bytes, *lines: bytes, target: bytes = b"/predict", version: bytes = b"1.1") -> bytes:
    head = [b"POST %s HTTP/%s" % (target, version), b"Host: localhost", b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join([*head, b"", body])


def answers_to(address: Address, *parts: bytes, count: int = 1) -> list[tuple[int, dict[str, str], bytes]]:
    """The answers over one connection, the parts sent one after the other."""
    found = []
    with socket.create_connection(address, timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part)
        with connection.makefile("rb") as file:
            for _ in range(count):
                status = int(file.readline().split()[1])
                lines = iter(file.readline, b"\r\n")
                headers = dict(line.decode().strip().lower().split(": ", 1) for line in lines)
                found.append((status, headers, file.read(int(headers["content-length"]))))
    return found


def test_a_plain_prediction_does_not_take_the_standard_path(address: Address, standard: list[str]) -> None:
    ((status, headers, body),) = answers_to(address, request_of(BODY))
    assert (status, json.loads(body)["churn_probability"], standard) == (200, 0.2, [])
    assert headers["x-request-id"] == headers["x-prediction-id"]


def test_the_answer_and_its_headers_are_those_of_the_standard_path(address: Address, standard: list[str]) -> None:
    (quick,) = answers_to(address, request_of(BODY))
    (slow,) = answers_to(address, request_of(BODY, b"Connection: close"))
    assert standard == ["/predict"]
    changing = {"x-request-id", "x-prediction-id", "traceparent", "date", "connection"}
    assert quick[2] == slow[2]
    assert {**quick[1], **dict.fromkeys(changing)} == {**slow[1], **dict.fromkeys(changing)}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([request_of(BODY)[:-40], request_of(BODY)[-40:]], 200),
        ([request_of(BODY)[:60], request_of(BODY)[60:]], 200),
        ([request_of(b"{}")], 422),
        ([request_of(b'{"tenure": 1e999')], 422),
        ([request_of(BODY, target=b"/predict?explain=true")], 200),
        ([request_of(BODY, target=b"/predict/")], 404),
        ([request_of(BODY, version=b"1.0")], 200),
        ([request_of(BODY).replace(b"Host: localhost", b"Host: evil.example")], 400),
    ],
)
def test_a_request_that_is_not_plain_is_answered_on_the_standard_path(
    address: Address, parts: list[bytes], expected: int
) -> None:
    ((status, _, body),) = answers_to(address, *parts)
    assert status == expected
    assert json.loads(body)


def test_a_client_that_expects_100_continue_gets_it(address: Address) -> None:
    with socket.create_connection(address, timeout=10) as connection, connection.makefile("rb") as file:
        connection.sendall(request_of(BODY, b"Expect: 100-continue"))
        assert file.readline().split()[1] == b"100"
        assert file.readline() == b"\r\n"
        assert file.readline().split()[1] == b"200"


def test_requests_that_come_together_are_answered_in_their_order(address: Address) -> None:
    bodies = [BODY, b"{}", BODY.replace(b"4", b"1"), BODY]
    found = answers_to(address, b"".join(map(request_of, bodies)), count=4)
    assert [status for status, _, _ in found] == [200, 422, 200, 200]
    assert [json.loads(body).get("churn_probability") for _, _, body in found] == [0.2, None, 0.5, 0.2]


def test_each_is_counted_and_logged(address: Address, capsys: pytest.CaptureFixture[str]) -> None:
    answers_to(address, request_of(BODY) * 3, count=3)
    with closing(http.client.HTTPConnection(*address, timeout=10)) as connection:
        connection.request("GET", "/metrics")
        counted = connection.getresponse().read().decode()
    assert re.search(r'churn_requests_total\{route="/predict",status="200"\} 3\.0', counted)
    logged = capsys.readouterr()
    assert len(re.findall(r"route\W+/predict", logged.out + logged.err)) == 3


def test_a_fault_is_answered_500_in_the_one_shape(address: Address, source: ModelSlot) -> None:
    live = source.current
    assert live is not None

    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise ZeroDivisionError

    object.__setattr__(live, "predictor", Broken())
    ((status, _, body),) = answers_to(address, request_of(BODY))
    assert (status, json.loads(body)["status"]) == (500, 500)


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_is_answered_the_same_on_the_fast_path_and_the_standard_path(address: Address, body: bytes) -> None:
    (quick,) = answers_to(address, request_of(body))
    (slow,) = answers_to(address, request_of(body, b"Connection: close"))
    assert quick[0] == slow[0] < 500
    assert re.sub(rb'"request_id": "\w+"', b"", quick[2]) == re.sub(rb'"request_id": "\w+"', b"", slow[2])


def test_without_keys_another_host_is_refused() -> None:
    slot = ModelSlot()
    app = FastPath(lambda *_: Answer(b"{}", ()), None, RequestLog(Metrics(slot)), slot, 1000, local_only=True)
    assert app.answer({"headers": [(b"host", b"evil.example")], "method": "POST"}, BODY) is None


def test_a_connection_that_is_idle_after_its_last_answer_is_closed(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = FastPathProtocol.connection_made

    def impatient(self: FastPathProtocol, transport: Any) -> None:
        self.timeout_keep_alive = 0.1  # type: ignore[assignment]
        made(self, transport)

    monkeypatch.setattr(FastPathProtocol, "connection_made", impatient)
    for body in (BODY, b"{}"):  # the fast path, and the standard path
        with socket.create_connection(address, timeout=10) as connection, connection.makefile("rb") as file:
            for _ in range(3):  # each sets off the wait again
                connection.sendall(request_of(body))
                status = file.readline()
                length = [int(line.split(b":")[1]) for line in iter(file.readline, b"\r\n") if b"ontent-length" in line]
                assert status.startswith(b"HTTP/1.1 ")
                assert len(file.read(length[0])) == length[0]
            assert file.read(1) == b""  # closed by the server


def test_a_request_that_falls_back_to_the_standard_path_counts_once_for_the_rate_limit(tmp_path: Path) -> None:
    made = fill(tmp_path)
    link = StoreClient(made.address)
    admission, slot = Authenticator(CredentialCache(link), AccessConfig(requests_per_second=0.01)), ModelSlot()

    def refusing(*_: Any) -> Any:
        raise RequestError(422, "tenure is missing")

    async def ask() -> None:
        headers = [(b"host", b"localhost"), (b"x-api-key", made.keys["agent"].encode())]
        scope: Scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers, "state": {}}
        rule = rule_of("POST", "/predict")
        await admission.admit(scope | {"headers": [headers[0], (b"x-api-key", made.keys["admin"].encode())]}, rule)
        app = FastPath(refusing, admission, RequestLog(Metrics(slot)), slot, 1000, local_only=True)
        assert app.answer(scope, b"{}") is None
        assert (await admission.admit(scope, rule)).principal.name == "key:agent-key"
        with pytest.raises(RequestError, match="requests a second"):
            await admission.admit(scope, rule)

    asyncio.run(ask())
    link.close()
