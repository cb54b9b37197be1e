"""One request above the concurrency limit is refused immediately; requests in progress, and probes, are answered."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn_mlops.serving.api.predictions import PREDICTION_ID
from churn_mlops.serving.http.errors import RequestError, refusal
from churn_mlops.serving.http.request_limits import Limits
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.request_identity import new_request_id
from churn_mlops.serving.observability.request_log import RequestLog, RequestMiddleware

ROUTES = [Route("/predict", endpoint=lambda request: None), Route("/contacts/{id}", endpoint=lambda request: None)]


class Slow:
    """Answers once ``go_on`` is set."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


def observed(
    app: ASGIApp, source: ModelSlot | None = None, metrics: Metrics | None = None, **limits: Any
) -> RequestMiddleware:
    source = source or ModelSlot()
    metrics = metrics or Metrics(source)
    return RequestMiddleware(app, RequestLog(metrics), source, Limits(1000, **limits), local_only=False, routes=ROUTES)


async def empty_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def asked(
    app: RequestMiddleware, path: str, receive: Receive = empty_body
) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_one_request_too_many_is_refused_and_the_next_one_is_answered() -> None:
    async def run() -> None:
        slow = Slow()
        app = observed(slow, most_requests=2)
        in_progress = [asyncio.create_task(asked(app, "/predict")) for _ in range(2)]
        await asyncio.sleep(0)
        status, headers, body = await asked(app, "/predict")
        assert (status, headers[b"retry-after"]) == (503, b"1")
        assert json.loads(body)["error"] == "too many requests are in progress: try again in a second"
        probe = asyncio.create_task(asked(app, "/ready"))
        slow.go_on.set()
        assert [(await one)[0] for one in (*in_progress, probe)] == [200, 200, 200]
        assert (await asked(app, "/predict"))[0] == 200

    asyncio.run(run())


def test_a_refusal_of_overload_is_counted_under_its_route() -> None:
    async def run() -> None:
        slow, metrics = Slow(), Metrics(ModelSlot())
        app = observed(slow, metrics=metrics, most_requests=1)
        in_progress = asyncio.create_task(asked(app, "/predict"))
        await asyncio.sleep(0)
        for path in ("/predict", "/contacts/17", "/nowhere"):
            assert (await asked(app, path))[0] == 503
        slow.go_on.set()
        await in_progress
        counted = metrics.page()[0].decode()
        for route in ("/predict", "/contacts/{id}", "other"):
            assert f'churn_requests_total{{route="{route}",status="503"}} 1.0' in counted

    asyncio.run(run())


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers once the body is there."""
    try:
        while (await receive())["more_body"]:
            pass
    except RequestError as refused:
        await refusal(refused, "id")(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


class Coming:
    """A body whose second half comes once ``go_on`` is set."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self._came = False

    async def __call__(self) -> Message:
        if not self._came:
            self._came = True
            return {"type": "http.request", "body": b"{", "more_body": True}
        await self.go_on.wait()
        return {"type": "http.request", "body": b"}", "more_body": False}


def test_a_body_that_comes_while_all_places_are_taken_is_refused_and_its_place_is_free_again() -> None:
    async def run() -> None:
        slow, late = Slow(), Coming()

        async def reads_then_waits(scope: Scope, receive: Receive, send: Send) -> None:
            await (reading if scope["path"] == "/contacts" else slow)(scope, receive, send)

        app = observed(reads_then_waits, most_requests=1)
        waiting = asyncio.create_task(asked(app, "/contacts", late))
        await asyncio.sleep(0)
        in_progress = asyncio.create_task(asked(app, "/predict"))
        await asyncio.sleep(0)
        late.go_on.set()
        assert (await waiting)[0] == 503
        slow.go_on.set()
        assert (await in_progress)[0] == 200
        assert (await asked(app, "/predict"))[0] == 200

    asyncio.run(run())


def test_beyond_the_most_bodies_only_slow_ones_are_refused() -> None:
    async def run() -> None:
        app, first = observed(reading, most_bodies=1, crowded_seconds=0.001), Coming()
        patient = asyncio.create_task(asked(app, "/contacts", first))
        await asyncio.sleep(0)
        status, headers, body = await asked(app, "/contacts", Coming())
        assert (status, headers[b"retry-after"], headers[b"connection"]) == (503, b"1", b"close")
        assert "too many requests wait for their bodies" in json.loads(body)["error"]
        assert (await asked(app, "/contacts"))[0] == 200
        assert not patient.done()
        first.go_on.set()
        assert (await patient)[0] == 200

    asyncio.run(run())


def test_ids_differ_and_grow_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at = iter([1_790_000_000_000_000_000, 1_790_000_000_001_000_000, 1_790_000_000_001_000_000, 1_790_000_001 * 10**9])
    monkeypatch.setattr("time.time_ns", lambda: next(at))
    first, second, third, last = (new_request_id() for _ in range(4))
    assert first < min(second, third) < max(second, third) < last
    assert all(re.fullmatch(PREDICTION_ID, id) for id in (first, second, third, last))


def test_what_takes_too_long_is_answered_503_and_the_next_one_is_not_held_up() -> None:
    async def run() -> None:
        app = observed(Slow(), request_seconds=0.001)
        for _ in range(2):
            status, headers, body = await asked(app, "/predict/batch")
            assert (status, headers[b"retry-after"]) == (503, b"1")
            assert "no answer after 0.001 seconds" in json.loads(body)["error"]

    asyncio.run(run())


def test_the_time_in_which_a_body_comes_is_not_that_of_the_answer() -> None:
    came: list[Message] = []

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while not came or came[-1]["more_body"]:
            came.append(await receive())
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def run() -> None:
        sent: list[Any] = []
        parts = iter([b"a", b"b", b"c"])

        async def receive() -> Message:
            await asyncio.sleep(0.02)
            part = next(parts)
            return {"type": "http.request", "body": part, "more_body": part != b"c"}

        async def send(message: Any) -> None:
            sent.append(message)

        app = observed(reads, request_seconds=0.03)
        await app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive, send)
        assert sent[0]["status"] == 200

    asyncio.run(run())


def test_while_draining_every_answer_closes_its_connection() -> None:
    async def run() -> None:
        slow, source = Slow(), ModelSlot()
        slow.go_on.set()
        app = observed(slow, source)
        assert b"connection" not in (await asked(app, "/predict"))[1]
        source.draining = True
        assert (await asked(app, "/predict"))[1][b"connection"] == b"close"

    asyncio.run(run())
