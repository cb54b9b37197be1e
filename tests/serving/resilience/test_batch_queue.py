"""Many batches hold up no other request: one runs, a few wait, the others are refused immediately."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from churn_mlops.config import Settings
from churn_mlops.serving.app import create_app
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.batch_queue import WAITING, BatchQueue


class Held:
    """Work that ends when it is released; it counts how many run together."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.done = self.most = 0
        self._now = 0

    def __call__(self) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        self.begun.set()
        assert self.go_on.wait(60)
        self._now -= 1
        self.done += 1


@pytest.fixture
def held() -> Iterator[Held]:
    made = Held()
    yield made
    made.go_on.set()


async def begun(held: Held) -> None:
    assert await asyncio.to_thread(held.begun.wait, 60)


def test_one_is_worked_on_eight_wait_and_the_next_is_refused_until_there_is_room(held: Held) -> None:
    async def run() -> None:
        batches = BatchQueue()
        taken = [asyncio.create_task(batches.do(held)) for _ in range(1 + WAITING)]
        await begun(held)
        with pytest.raises(RequestError, match="too many batches wait") as refused:
            await batches.do(held)
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        held.go_on.set()
        await asyncio.gather(*taken)
        assert (held.done, held.most) == (1 + WAITING, 1)
        assert await batches.do(lambda: "again") == "again"

    asyncio.run(run())


def test_a_batch_whose_time_is_over_before_its_turn_is_never_begun(held: Held) -> None:
    late: list[str] = []

    async def run() -> None:
        batches = BatchQueue()
        first = asyncio.create_task(batches.do(held))
        await begun(held)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await batches.do(lambda: late.append("begun"))
        held.go_on.set()
        await first
        await batches.do(lambda: None)

    asyncio.run(run())
    assert late == []


def test_while_an_abandoned_batch_still_runs_others_are_refused(held: Held) -> None:
    async def run() -> None:
        batches = BatchQueue()
        first = asyncio.create_task(batches.do(held))
        await begun(held)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        with pytest.raises(RequestError, match="too many batches wait"):
            await batches.do(lambda: None)

    asyncio.run(run())


def test_others_are_answered_while_batches_wait(
    source: ModelSlot, settings: Settings, predictor: Any, customer: dict[str, Any], held: Held
) -> None:
    score = predictor.score

    def slow(rows: Any) -> Any:
        held()
        return score(rows)

    predictor.score = slow

    async def ask(app: Any, path: str, body: Any) -> tuple[int, dict[bytes, bytes]]:
        sent: list[Any] = []
        left = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

        async def receive() -> Any:
            return left.pop() if left else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": [], "root_path": ""}
        await app(scope, receive, send)
        return sent[0]["status"], dict(sent[0]["headers"])

    async def run() -> None:
        app, batch = create_app(source, settings), {"customers": [customer] * 3}
        taken = [asyncio.create_task(ask(app, "/predict/batch", batch)) for _ in range(1 + WAITING)]
        await begun(held)
        status, headers = await ask(app, "/predict/batch", batch)
        assert (status, headers[b"retry-after"]) == (503, b"1")
        assert (await ask(app, "/predict", customer))[0] == 200
        held.go_on.set()
        assert {status for status, _ in await asyncio.gather(*taken)} == {200}

    asyncio.run(run())
