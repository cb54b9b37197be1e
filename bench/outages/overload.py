"""Ten times as many requests as can be answered, at a rate that does not wait for answers, on very many connections."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from bench.outages.site import CUSTOMERS, Site, customer, name_of
from bench.outages.steady import Fault, Steady

TIMES = 11
"""Somewhat above ten: a client on the same cores sends a little less than it aims at."""
SECONDS = 30.0
MOST_CONNECTIONS = 3000
MEASURED_SECONDS, MEASURED_CLIENTS = 5.0, 16
BATCH = 200
ANSWER_SECONDS = 10.0


@dataclass
class Flood:
    """Asks at a rate, whether it is answered or not; on as many connections as this client may have.

    Args:
        site: what is asked, through its proxy.
    """

    site: Site
    statuses: Counter[str] = field(default_factory=Counter)
    slowest_refusal: float = 0.0
    slowest: float = 0.0
    most_connections: int = 0
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    _made: list[asyncio.StreamWriter] = field(default_factory=list)
    _open: int = 0
    _draw: random.Random = field(default_factory=lambda: random.Random("flood"))

    async def capacity(self, seconds: float) -> float:
        """Requests a second that are answered well to a few clients, each of whom waits for his answers."""
        until = time.monotonic() + seconds

        async def client() -> None:
            while time.monotonic() < until:
                await self._ask()

        await asyncio.gather(*(client() for _ in range(MEASURED_CLIENTS)))
        await self._close()
        return self.statuses["200"] / seconds

    async def pour(self, rate: float, seconds: float) -> int:
        """Send ``rate`` requests a second, fewer where no connection is free; gives how many were sent.

        Every one is waited for at the end.
        """
        began, sent = time.monotonic(), 0
        asked: set[asyncio.Task[None]] = set()
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate and len(asked) < MOST_CONNECTIONS:
                task = asyncio.create_task(self._ask())
                asked.add(task)
                task.add_done_callback(asked.discard)
                sent += 1
            await asyncio.sleep(0.002)
        await asyncio.gather(*asked)
        await self._close()
        return sent

    async def _close(self) -> None:
        for writer in self._made:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._made), return_exceptions=True)

    async def _ask(self) -> None:
        began, request = time.monotonic(), self._request()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                status = await self._answer(request)
        except TimeoutError:
            status = "no answer"
        except (OSError, asyncio.IncompleteReadError) as error:
            status = type(error).__name__
        seconds = time.monotonic() - began
        self.slowest = max(self.slowest, seconds)
        if status.startswith("503"):
            self.slowest_refusal = max(self.slowest_refusal, seconds)
        self.statuses[status] += 1

    async def _answer(self, request: bytes) -> str:
        """The status, and of a refusal whether it says when to ask again."""
        if self._idle:
            reader, writer = self._idle.pop()
        else:
            self._open += 1
            self.most_connections = max(self.most_connections, self._open)
            reader, writer = await asyncio.open_connection("127.0.0.1", self.site.port)
            self._made.append(writer)
        whole = False
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            whole = b"connection: close" not in head
        finally:
            if whole:
                self._idle.append((reader, writer))
            else:
                self._open -= 1
                writer.close()
        status = head.split()[1].decode()
        return status if status != "503" or b"\r\nretry-after: " in head else "503 without Retry-After"

    def _request(self) -> bytes:
        """Half of them a prediction with its reasons, a third a customer by name, the others many customers at once."""
        place, drawn = self._draw.randrange(CUSTOMERS), self._draw.random()
        if drawn < 0.5:
            return self._written("POST", "/predict?explain=true", customer(place))
        if drawn < 0.8:
            return self._written("GET", f"/customers/{name_of(place)}/risk", None)
        return self._written("POST", "/predict/batch", {"customers": [customer(place)] * BATCH})

    def _written(self, method: str, path: str, body: object) -> bytes:
        sent = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {self.site.key}\r\n"
        return f"{head}Content-Length: {len(sent)}\r\n\r\n".encode() + sent


def overload(seconds: float = SECONDS, times: float = TIMES) -> Fault:
    """Pour ``times`` the measured capacity over the site, while the steady clients go on."""

    def pour(made: Site, steady: Steady) -> float:
        capacity = asyncio.run(Flood(made).capacity(min(MEASURED_SECONDS, seconds)))
        steady.until_well(1)
        flood, before = Flood(made), [replica.memory_mb for replica in made.replicas]
        with _watched(made) as most:
            sent = asyncio.run(flood.pour(times * capacity, seconds))
        ended = time.monotonic()
        answered = flood.statuses["200"]
        made.notes |= {
            "capacity, requests/s": round(capacity, 1),
            "poured, requests/s": round(sent / seconds, 1),
            "times the capacity": round(sent / seconds / capacity, 1),
            "connections": flood.most_connections,
            "poured": dict(flood.statuses),
            "answered well, requests/s": round(answered / seconds, 1),
            "slowest refusal, s": round(flood.slowest_refusal, 2),
            "slowest of the flood, s": round(flood.slowest, 2),
            "memory before and at most, MB": [round(max(before)), round(max(most))],
            "neither answered nor refused": sent - answered - flood.statuses["503"],
        }
        return ended

    return pour


@contextmanager
def _watched(made: Site) -> Iterator[list[float]]:
    """The most memory that each replica took, while the block runs."""
    most, over = [0.0] * len(made.replicas), threading.Event()

    def look() -> None:
        while not over.wait(0.25):
            with suppress(OSError):
                most[:] = [max(known, replica.memory_mb) for known, replica in zip(most, made.replicas, strict=True)]

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield most
    finally:
        over.set()
        watching.join()
