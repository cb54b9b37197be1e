"""Three servers on one store agree on who is let in, on what is live, on what was recorded and on what was said."""

from __future__ import annotations

import http.client
import json
import threading
import time
from contextlib import closing
from functools import partial
from typing import Any

from bench.outages.replicas import Replica
from bench.outages.site import Site, customer, wait
from bench.outages.steady import Fault, Steady
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key, revoke_key

ROUNDS = 5


class DisagreementError(Exception):
    """Two servers say different things."""


def agreement(rounds: int = ROUNDS) -> Fault:
    """Keys are made and revoked, the champion changes, contacts are recorded on all at once; each is asked of it.

    What it gives raises DisagreementError where the replicas do not agree.
    """

    def agree(made: Site, steady: Steady) -> float:
        revoked, live = [], []
        for number in range(rounds):
            revoked.append(_keys(made, number))
            version = made.promote()
            live.append(wait(partial(made.all_serve, version), f"every replica serves version {version}"))
            _contacts(made, f"agreed-{number}")
            _answers(made)
            steady.until_well(1)
        made.notes |= {
            "rounds": rounds,
            "a revoked key lived, s": round(max(revoked), 2),
            "until all serve a champion, s": round(max(live), 2),
        }
        return time.monotonic()

    return agree


def _keys(made: Site, number: int) -> float:
    """A new key is let in by all at once; how long it lived once revoked."""
    with open_store(made.store.address) as store:
        secret, key = make_key(store, f"agreed-{number}", "agent", by="the campaign")
        _same("a new key", [_asked(one, secret, "GET", "/model")[0] for one in made.replicas], [200])
        revoke_key(store, key.id, by="the campaign")
    began = time.monotonic()
    statuses: set[int] = set()

    def all_refuse() -> bool:
        statuses.clear()
        statuses.update(_asked(one, secret, "GET", "/model")[0] for one in made.replicas)
        return statuses == {401}

    wait(all_refuse, "a revoked key is refused by all", seconds=5.0)
    return time.monotonic() - began


def _contacts(made: Site, key: str) -> None:
    """The same contact, sent to all replicas at the same moment, is one contact; all tell of it."""
    body = {"customer_id": key, "offer": "20 % off", "result": "offered"}
    found: list[tuple[int, Any]] = []
    together = threading.Barrier(len(made.replicas))

    def record(replica: Replica) -> None:
        together.wait()
        status, told, _ = _asked(replica, made.key, "POST", "/contacts", body, {"Idempotency-Key": key})
        found.append((status, json.loads(told)))

    threads = [threading.Thread(target=record, args=(replica,)) for replica in made.replicas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if sorted(status for status, _ in found) != [200] * (len(found) - 1) + [201]:
        raise DisagreementError(f"one contact, sent to all at once, was answered {found}")
    _same("a contact", [told for _, told in found])
    expected = {"contacts": [found[0][1]], "next": None}
    listed = [_asked(one, made.key, "GET", f"/contacts?customer={key}")[1] for one in made.replicas]
    _same("the list of contacts", [json.loads(told) for told in listed], [expected])


def _answers(made: Site) -> None:
    """What one replica said is told by all, once it is written."""
    status, said, headers = _asked(made.replicas[0], made.key, "POST", "/predict", customer(3))
    _same("a prediction", [status], [200])
    path = f"/predictions/{headers['X-Prediction-Id']}"
    wait(lambda: _asked(made.replicas[0], made.key, "GET", path)[0] == 200, "the answer is written")
    _same("an answer", [_asked(one, made.key, "GET", path)[1] for one in made.replicas], [said])


def _same(what: str, told: list[Any], expected: list[Any] | None = None) -> None:
    first = told[0] if expected is None else expected[0]
    if any(one != first for one in told):
        raise DisagreementError(f"the replicas do not agree on {what}: {told}")


def _asked(
    replica: Replica, key: str, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, Any]:
    """The answer of one replica, asked past the proxy."""
    with closing(http.client.HTTPConnection("127.0.0.1", replica.port, timeout=30)) as connection:
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Authorization": f"Bearer {key}"} | (headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
