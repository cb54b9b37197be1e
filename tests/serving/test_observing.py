"""One request too many is answered at once; those under way, and probes, are not touched."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from churn_mlops.serving.kept import PREDICTION_ID
from churn_mlops.serving.live import LiveSource
from churn_mlops.serving.metrics import Metrics
from churn_mlops.serving.observing import Observed, new_request_id


class Slow:
    """Answers once it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def asked(app: Observed, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": path, "headers": []}, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


def test_one_request_too_many_is_refused_and_the_next_one_is_answered() -> None:
    async def run() -> None:
        slow = Slow()
        app = Observed(slow, Metrics(LiveSource()), 1000, 1.0, local_only=False, at_once=2)
        under_way = [asyncio.create_task(asked(app, "/predict")) for _ in range(2)]
        await asyncio.sleep(0)
        status, headers, body = await asked(app, "/predict")
        assert (status, headers[b"retry-after"]) == (503, b"1")
        assert json.loads(body)["error"] == "too many requests are under way: try again in a second"
        probe = asyncio.create_task(asked(app, "/ready"))
        slow.go_on.set()
        assert [(await one)[0] for one in (*under_way, probe)] == [200, 200, 200]
        assert (await asked(app, "/predict"))[0] == 200

    asyncio.run(run())


def test_ids_differ_and_grow_with_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at = iter([1_790_000_000_000_000_000, 1_790_000_000_001_000_000, 1_790_000_000_001_000_000, 1_790_000_001 * 10**9])
    monkeypatch.setattr("time.time_ns", lambda: next(at))
    first, second, third, last = (new_request_id() for _ in range(4))
    assert first < min(second, third) < max(second, third) < last
    assert all(re.fullmatch(PREDICTION_ID, id) for id in (first, second, third, last))
