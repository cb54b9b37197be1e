"""Steady load: clients that ask through the proxy, one request after the other, and look at every answer."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.outages.answers import KINDS, Answered, Kind, Verdict
from bench.outages.site import CUSTOMERS, PATIENCE_SECONDS, Site, customer, name_of, published_score, score

CLIENTS: dict[Kind, int] = {"predict": 4, "contact": 2, "risk": 2, "kept": 1}
PAUSES: dict[Kind, float] = {"predict": 0.01, "contact": 0.05, "risk": 0.1, "kept": 0.05}
"""Seconds from an answer to the next request of the same client."""
AGAIN_SECONDS = 0.2
KEPT_AFTER_SECONDS = 3.0
TIMEOUT_SECONDS = 30.0


class Reply(NamedTuple):
    """What came back: the status, or the name of what broke."""

    status: int | str
    body: bytes
    headers: Any

    @property
    def verdict(self) -> Verdict:
        """Of an answer that is not 200 or 201."""
        return "refused" if self.status in (503, 429) and "Retry-After" in self.headers else "failed"

    def pause(self, usual: float) -> float:
        """Seconds to wait before the next request: as many as the server says, where it says so."""
        return float(self.headers.get("Retry-After", usual))


Ask = Callable[["_Connection", random.Random, int], Reply | None]


@dataclass
class Steady:
    """The clients, and what they were answered.

    Args:
        site: what is loaded.
        name: begins the keys of contacts; another for each load of a site.
        pace: by how much every pause is longer than in `PAUSES`.
    """

    site: Site
    name: str
    pace: float = 1.0
    answers: list[Answered] = field(default_factory=list)
    said: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Model version and body of every score that was answered, by prediction id."""
    acknowledged: set[str] = field(default_factory=set)
    """Keys of contacts that were answered 200 or 201."""
    _recent: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=5000))
    _over: threading.Event = field(default_factory=threading.Event)
    _heard: threading.Condition = field(default_factory=threading.Condition)
    _since: float = 0.0
    _well: Counter[Kind] = field(default_factory=Counter)
    _ill: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask until the block ends; requests under way are waited for."""
        asks = {"predict": self._predict, "contact": self._contacts, "risk": self._risk, "kept": self._kept}
        threads = [
            threading.Thread(target=self._client, args=(kind, place, asks[kind]))
            for kind in KINDS
            for place in range(CLIENTS[kind])
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def until_well(self, count: int) -> None:
        """Wait until ``count`` further requests of each kind were answered well, sent after this call.

        Raises:
            TimeoutError: they are not within a minute.
        """
        with self._heard:
            self._since, self._well = time.monotonic(), Counter()
            if not self._heard.wait_for(lambda: min(self._well[kind] for kind in KINDS) >= count, PATIENCE_SECONDS):
                raise TimeoutError(f"not {count} requests of each kind were answered well within a minute")

    def until_not_well(self) -> None:
        """Wait until a request that was sent after this call was not answered well: what was harmed is missed.

        Raises:
            TimeoutError: none is within a minute.
        """
        with self._heard:
            self._since, self._ill = time.monotonic(), 0
            if not self._heard.wait_for(lambda: self._ill > 0, PATIENCE_SECONDS):
                raise TimeoutError("what was harmed was not missed within a minute")

    def go_on(self, seconds: float) -> None:
        """Let the clients ask for so long."""
        self._over.wait(seconds)

    def _client(self, kind: Kind, place: int, ask: Ask) -> None:
        connection, draw, number = _Connection(self.site), random.Random(f"{self.name} {kind} {place}"), place
        while not self._over.is_set():
            reply = ask(connection, draw, number)
            number += CLIENTS[kind]
            pause = self.pace * PAUSES[kind]
            self._over.wait(pause if reply is None else reply.pause(pause))
        connection.close()

    def _predict(self, connection: _Connection, draw: random.Random, number: int) -> Reply:
        place, began = draw.randrange(CUSTOMERS), time.monotonic()
        reply = connection.ask("POST", "/predict", customer(place))
        verdict = reply.verdict
        if reply.status == 200:
            id, version = reply.headers["X-Prediction-Id"], reply.headers["X-Model-Version"]
            verdict = "well" if _probability(reply) == score(version, place) else "wrong"
            self.said[id] = version, reply.body
            self._recent.append((time.monotonic(), id))
        return self._note("predict", began, verdict, reply)

    def _contacts(self, connection: _Connection, draw: random.Random, number: int) -> None:
        """Record one contact; what became of it is unknown where it was not acknowledged, so it is sent again."""
        key, who = f"{self.name}-{number}", name_of(draw.randrange(CUSTOMERS))
        wanted = {"customer_id": who, "offer": key, "result": "offered"}
        while key not in self.acknowledged and not self._over.is_set():
            began = time.monotonic()
            reply = connection.ask("POST", "/contacts", wanted, {"Idempotency-Key": key})
            verdict = reply.verdict
            if reply.status in (200, 201):
                found = json.loads(reply.body)
                verdict = "well" if {name: found[name] for name in wanted} == wanted else "wrong"
                self.acknowledged.add(key)
            self._note("contact", began, verdict, reply)
            if key not in self.acknowledged:
                self._over.wait(reply.pause(AGAIN_SECONDS))

    def _risk(self, connection: _Connection, draw: random.Random, number: int) -> Reply:
        place, began = draw.randrange(CUSTOMERS), time.monotonic()
        reply = connection.ask("GET", f"/customers/{name_of(place)}/risk")
        verdict, why = reply.verdict, None
        if reply.status == 200:
            found = json.loads(reply.body)
            why = found["why_published"]
            fresh = found["origin"] == "source"
            right = score(found["model_version"], place) if fresh else published_score(place)
            verdict = "wrong" if found["churn_probability"] != right else "well" if fresh else "published"
            if fresh:
                self.said[reply.headers["X-Prediction-Id"]] = found["model_version"], reply.body
        return self._note("risk", began, verdict, reply, why)

    def _kept(self, connection: _Connection, draw: random.Random, number: int) -> Reply | None:
        """Ask for an answer once more that was given seconds ago, the oldest that was not asked for yet."""
        began = time.monotonic()
        if not self._recent or began - self._recent[0][0] < KEPT_AFTER_SECONDS:
            return None
        _, id = self._recent.popleft()
        reply = connection.ask("GET", f"/predictions/{id}")
        verdict = "not there" if reply.status == 404 else reply.verdict
        if reply.status == 200:
            same = (reply.headers["X-Model-Version"], reply.body) == self.said[id]
            verdict = "well" if same else "wrong"
        return self._note("kept", began, verdict, reply)

    def _note(self, kind: Kind, began: float, verdict: Verdict, reply: Reply, why: str | None = None) -> Reply:
        with self._heard:
            self.answers.append(Answered(kind, began, time.monotonic() - began, verdict, why or str(reply.status)))
            if began >= self._since:
                self._well[kind] += verdict == "well"
                self._ill += verdict != "well"
                self._heard.notify_all()
        return reply


class _Connection:
    """A connection to the proxy that is kept open, and made anew after it broke."""

    def __init__(self, site: Site) -> None:
        self._headers = {"Authorization": f"Bearer {site.key}"}
        self._connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=TIMEOUT_SECONDS)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        """Ask, and read the answer whole."""
        try:
            sent = None if body is None else json.dumps(body)
            self._connection.request(method, path, sent, self._headers | (headers or {}))
            answer = self._connection.getresponse()
            return Reply(answer.status, answer.read(), answer.headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Reply(type(error).__name__, b"", {})

    def close(self) -> None:
        """Close it."""
        self._connection.close()


def _probability(reply: Reply) -> float:
    return float(json.loads(reply.body)["churn_probability"])


Fault = Callable[[Site, Steady], float]
"""Harms the site while it is loaded; gives the moment at which the fault was over, of the monotonic clock."""
