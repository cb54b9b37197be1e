"""A real server that logs all it can says nothing of a customer, and shows no secret, whatever it is asked."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.access.users import add_user
from tests.serving.access.secured_app import DAY
from tests.serving.process import Served, company_to_serve
from tests.test_api import CUSTOMER

# Each stands in one place of a request and nowhere else in the world. A log that holds one of them has it from there.
MARK = "qz7x"
NUMBER = 4137.51928
WRONG_KEY = f"churn_{MARK}wrongkey"
PASSWORD = f"{MARK} right password"
ODD = "User_Agent Referer X_Forwarded_For X_Forwarded_User X_Other X_Request_Id traceparent tracestate".split()
BROKEN_MODEL = f"""
from churn_mlops.models.inference import ChurnPredictor
real = ChurnPredictor.score_one
def broken(self, row, *more):
    if row["monthly_charges"] == {NUMBER}:
        raise RuntimeError("cannot score " + repr(row))
    return real(self, row, *more)
ChurnPredictor.score_one = broken
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Served:
    by_file = f"sqlite:///{tmp_path}/churn.db"
    store = by_file if request.param == "sqlite" else str(request.getfixturevalue("postgres_store"))
    return company_to_serve(tmp_path, store)


class Talk:
    """Asks, and remembers the statuses of the answers."""

    def __init__(self, address: str, key: str) -> None:
        self.connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
        self.key, self.statuses = key, set[tuple[str, int]]()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> bytes:
        given = {"X-API-Key": self.key} if "X-API-Key" not in headers and "Cookie" not in headers else {}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, path, sent, given)
        answer = self.connection.getresponse()
        content = answer.read()
        self.statuses.add((path.split("?")[0].split("/")[1], answer.status))
        return content


def marked(*places: str) -> dict[str, str]:
    """Headers with a mark each."""
    return {place: f"{MARK}{place}" for place in places}


def good(talk: Talk, served: Served) -> None:
    """Requests that are answered."""
    customer = CUSTOMER | {"monthly_charges": NUMBER}
    name, odd = served.customers[0], marked(*ODD)
    talk.ask("POST", "/predict", customer, **odd)
    talk.ask("POST", "/predict?explain=true", customer)
    talk.ask("POST", "/predict/batch", {"customers": [customer] * 3})
    talk.ask("GET", f"/customers/{name}/risk", **odd)
    contact = {"customer_id": f"{MARK}customer", "offer": f"{MARK}offer", "result": "offered"}
    contact |= {"override_reason": f"{MARK}reason"}
    made = json.loads(talk.ask("POST", "/contacts", contact, **marked("Idempotency_Key")))
    talk.ask("POST", "/contacts", contact, **marked("Idempotency_Key"))
    talk.ask("POST", "/contacts", contact | {"offer": f"{MARK}another"}, **marked("Idempotency_Key"))
    talk.ask("GET", f"/contacts/{made['id']}")
    for path in ("/contacts", "/predictions", "/audit"):
        talk.ask("GET", f"{path}?customer={name}")
        talk.ask("GET", f"{path}?customer={MARK}asked")
    for path in ("/model", "/health", "/ready", "/metrics", "/docs", "/openapi.json", "/session"):
        talk.ask("GET", f"{path}?{MARK}query={MARK}value", **odd)


def refused(talk: Talk, served: Served) -> None:
    """Requests that are refused."""
    name = served.customers[1]
    bodies: list[Any] = [
        CUSTOMER | {"tenure": f"{MARK}tenure"},
        CUSTOMER | {"contract_type": f"{MARK}level"},
        CUSTOMER | {f"{MARK}field": 1},
        CUSTOMER | {"tenure": -NUMBER},
        f"{MARK} no JSON".encode(),
        f'{{"{MARK}twice": 1, "{MARK}twice": {NUMBER}}}'.encode(),
        b"\xff" + MARK.encode(),
    ]
    for path in ("/predict", "/predict?explain=true", "/predict/batch", "/contacts", "/session"):
        for body in bodies:
            talk.ask("POST", path, body, Content_Type="application/json", **marked("Idempotency_Key"))
        talk.ask("POST", path, bodies[0], Content_Type=f"text/{MARK}")
    talk.ask("POST", "/predict/batch", {"customers": [CUSTOMER, bodies[0]]})
    talk.ask("POST", f"/predict?{MARK}parameter={MARK}value", CUSTOMER)
    talk.ask("POST", f"/predict?explain={MARK}", CUSTOMER)
    nowhere = (f"/predictions/{MARK}id", f"/contacts/{MARK}id", f"/{MARK}nowhere", f"/docs/{MARK}")
    names = (
        f"/customers/{MARK}name/risk",
        f"/customers/{quote(MARK + ' é/')}/risk",
        f"/contacts?limit={MARK}&{MARK}=1",
    )
    for path in (*nowhere, *names):
        talk.ask("GET", path)
        talk.ask("PATCH", path, {"value": f"{MARK}patch"})
    for way in ({"X-API-Key": WRONG_KEY}, {"X-API-Key": "", "Authorization": f"Bearer {WRONG_KEY}"},
                {"X-API-Key": "", "Authorization": f"Basic {WRONG_KEY}"},
                {"Cookie": f"churn_session={MARK}cookie; {MARK}=1", "X-CSRF-Token": f"{MARK}token"}):  # fmt: skip
        for method, path in (("GET", f"/customers/{name}/risk"), ("POST", "/predict"), ("DELETE", "/session")):
            talk.ask(method, path, CUSTOMER if method == "POST" else None, **way)
    talk.ask("GET", "/model", Host=f"{MARK}.example.com")


def signed_in(talk: Talk, session: tuple[str, str]) -> None:
    """People, who have passwords, sessions and tokens."""
    for password in (PASSWORD, *[f"{MARK} wrong password"] * 6):
        for name in (f"{MARK}person", f"{MARK}nobody"):
            body = {"name": name, "password": password}
            talk.ask("POST", "/session", body, Content_Type="application/json")
    cookie = {"Cookie": f"churn_session={session[0]}"}
    talk.ask("POST", "/predict", CUSTOMER, **cookie)
    talk.ask("POST", "/predict", CUSTOMER | {"monthly_charges": NUMBER}, **cookie, X_CSRF_Token=session[1])
    talk.ask("DELETE", "/session", **cookie, X_CSRF_Token=session[1])


def broken_off(address: str) -> None:
    """Bytes that are no HTTP, and half requests."""
    host, port = address.removeprefix("http://").split(":")
    half = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nUpgrade: {MARK}\r\nConnection: Upgrade\r\n"
    half += "Content-Length: 9\r\n\r\n"
    for sent in (f"{MARK} GARBAGE\r\n\r\n", f"GET /{MARK} HTTP/1.1\r\n{MARK} no colon\r\n\r\n", half + MARK):
        with closing(http.client.HTTPConnection(host, int(port), timeout=20)) as connection:
            connection.connect()
            connection.sock.sendall(sent.encode())


def without_source(talk: Talk, served: Served) -> None:
    """The source holds what it should not."""
    file = served.folder / "customers.csv"
    lines = file.read_text().splitlines()
    for broken in (
        "\n".join([lines[0], lines[1].replace(",", f",{MARK}cell,", 1), *lines[2:]]),
        "\n".join([lines[0], *(line.replace(line.split(",")[1], f"{MARK}cell", 1) for line in lines[1:])]),
        "\n".join([lines[0].replace("tenure", "lately"), *lines[1:]]),
        f'{lines[0]}\n"{MARK}quote',
    ):
        file.write_text(broken)
        talk.ask("GET", f"/customers/{served.customers[2]}/risk")


def secrets_and_values(served: Served, *more: str) -> Iterator[str]:
    """The texts that must not be found, as sent and as possibly rewritten."""
    yield from (MARK, MARK.upper(), str(NUMBER), str(int(NUMBER)), served.key, *served.customers, *more)
    yield from (value for value in CUSTOMER.values() if isinstance(value, str) and len(value) > 3)


def test_no_line_of_the_log_holds_a_value_a_name_or_a_secret(served: Served, tmp_path: Path) -> None:
    with open_store(served.store) as store:
        add_user(store, f"{MARK}person", PASSWORD, "agent", by="test")
        started = start_session(store, f"{MARK}person", DAY)
        session = (started.token, started.csrf_token)
        narrow, _ = make_key(store, "narrow", "agent", by="test")
    log, faults = tmp_path / "log", tmp_path / "faults"
    with served.process(log, logging__level="debug") as (_, address):
        talk = Talk(address, served.key)
        good(talk, served)
        refused(talk, served)
        signed_in(talk, session)
        talk.ask("GET", "/audit", **{"X-API-Key": narrow})
        broken_off(address)
        without_source(talk, served)
        talk.connection.close()
    statuses = {status for _, status in talk.statuses}
    assert {200, 201, 204, 400, 401, 403, 404, 405, 409, 415, 422, 429} <= statuses
    with served.process(faults, before=BROKEN_MODEL, logging__level="debug") as (_, address):
        broken = Talk(address, served.key)
        broken.ask("POST", "/predict", CUSTOMER | {"monthly_charges": NUMBER})
        broken.ask("POST", "/predict?explain=true", CUSTOMER | {"monthly_charges": NUMBER})
        broken.connection.close()
    assert broken.statuses == {("predict", 500)}
    # Ids and times are all digits: 4137 stands in one now and then. The user who asks is named, in one place.
    text = re.sub(r'"(request_id|trace_id|timestamp)":"[^"]*"|"ms":[0-9.]+', "", log.read_text() + faults.read_text())
    assert f'"caller":"person:{MARK}person"' in text
    text = text.replace(f'"caller":"person:{MARK}person"', "")
    assert text.count('"event":"request_answered"') > 100
    assert text.count('"event":"request_failed"') == 2
    assert "source_failed" in text
    found = [secret for secret in secrets_and_values(served, *session, narrow, PASSWORD) if secret in text]
    assert [line for line in text.splitlines() if any(secret in line for secret in found)] == []
