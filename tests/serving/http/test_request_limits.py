"""No single request holds up the others: neither by what it says nor by how slowly; and no foreign page may ask."""

import asyncio
import difflib
import json

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.serving.app import create_app
from churn_mlops.serving.http import errors
from churn_mlops.serving.http.concurrency_limit import UnderWay
from churn_mlops.serving.http.errors import LISTED_PROBLEMS, SUGGESTIONS, Findings, RequestError
from churn_mlops.serving.http.request_limits import Limits, limited

UNKNOWN = {f"tenur{number}": 1 for number in range(900)}


@pytest.fixture
def counted(monkeypatch):
    """How often a problem is put into words, and a near name is looked for."""
    calls = {"words": 0, "nearest": 0}

    def count(name, owner, attribute):
        real = getattr(owner, attribute)

        def counting(*given, **named):
            calls[name] += 1
            return real(*given, **named)

        monkeypatch.setattr(owner, attribute, counting)

    count("words", errors, "place")
    count("nearest", difflib, "get_close_matches")
    return calls


@pytest.mark.parametrize(
    ("route", "body", "count"),
    [("/predict", UNKNOWN, 905), ("/predict/batch", {"customers": [UNKNOWN] * 7}, 7 * 905)],
)
def test_only_what_is_listed_is_put_into_words(client, counted, route, body, count):
    error = client.post(route, json=body).json()
    assert counted == {"words": LISTED_PROBLEMS, "nearest": SUGGESTIONS}
    assert len(error["fields"]) == LISTED_PROBLEMS
    assert error["error"].startswith(f"{count} things")
    assert error["error"].endswith(" and more")


@pytest.mark.parametrize(
    "body",
    [
        "{" + ",".join(f'"{number}":1' for number in range(5000)) + "}",
        '{"tenure":[' + "[]," * 5000 + "1]}",
        "[" + "1," * 5000 + "1]",
    ],
    ids=["fields", "lists", "numbers"],
)
def test_a_body_that_can_be_no_customer_is_not_even_parsed(client, monkeypatch, body):
    monkeypatch.setattr("churn_mlops.serving.prediction.parsing.from_json", lambda body: pytest.fail("parsed"))
    response = client.post("/predict", content=body)
    assert response.status_code == 422
    assert response.json()["fields"][0]["field"] == "body"
    assert "holds far more than the fields of this model" in response.json()["error"]


def test_a_batch_row_of_thousands_of_fields_is_one_problem(client, customer):
    huge = {f"{number}": 1 for number in range(5000)}
    error = client.post("/predict/batch", json={"customers": [customer, huge]}).json()
    assert [item["field"] for item in error["fields"]] == ["customers[1]"]
    frame = client.post("/predict/batch", json=huge).json()
    assert [item["field"] for item in frame["fields"]] == ["body"]


def test_problems_beyond_the_listed_are_not_taken_from_pydantic():
    class Wrong:
        def error_count(self):
            return 5

        def errors(self, **options):
            pytest.fail("the list of problems is full")

    findings = Findings(["tenure"])
    for number in range(LISTED_PROBLEMS):
        findings.add(f"customers[{number}]", "is wrong")
    findings.add_all(Wrong())
    assert findings.count == LISTED_PROBLEMS + 5


@pytest.mark.parametrize("path", ["/predict/", "/predict/batch/"])
def test_a_slash_too_many_is_no_redirect(client, customer, path):
    response = client.post(path, json=customer, follow_redirects=False)
    assert response.status_code == response.json()["status"] == 404
    assert "location" not in response.headers


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_head_is_answered_without_a_body(client, path):
    response = client.head(path)
    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "127.0.0.2:80", "[::1]", "[::1]:8000"]
)
def test_this_machine_may_be_asked_by_its_own_names(client, host):
    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]:80",
     "localhost:80@evil.example", "localhost:", "", "::1]"],
)  # fmt: skip
def test_another_host_is_refused_with_advice(client, host):
    response = client.get("/model", headers={"Host": host})
    error = response.json()
    assert response.status_code == error["status"] == 400
    assert list(error) == ["status", "error", "fields", "request_id"]
    assert "localhost, 127.0.0.1 or [::1]" in error["error"]
    assert "evil" not in response.text


def test_the_host_is_not_looked_at_where_the_server_is_for_others(source, settings):
    with TestClient(create_app(source, settings, local_only=False), base_url="http://churn.example") as client:
        assert client.get("/health").status_code == 200


def receiving(*messages):
    """Gives ``messages``, then nothing for ever, as a client that went silent."""
    left = list(messages)

    async def receive():
        return left.pop(0) if left else await asyncio.Event().wait()

    return receive


HALF = {"type": "http.request", "body": b"{", "more_body": True}
WHOLE = {"type": "http.request", "body": b"{}", "more_body": False}


def test_half_a_body_is_waited_for_only_so_long():
    async def read():
        async with asyncio.timeout(None) as deadline:
            receive = limited(receiving(HALF), Limits(100, body_seconds=0.001), deadline, UnderWay(1, 1), "one")
            assert await receive() == HALF
            await receive()

    with pytest.raises(RequestError, match="did not come whole within") as refused:
        asyncio.run(read())
    assert refused.value.status == 408


def test_after_the_body_a_client_may_be_silent():
    async def read():
        async with asyncio.timeout(None) as deadline:
            receive = limited(receiving(WHOLE), Limits(100, body_seconds=0.001), deadline, UnderWay(1, 1), "one")
            assert await receive() == WHOLE
            await asyncio.wait_for(receive(), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(read())


def test_half_a_body_is_answered_408_and_the_connection_closed(source, settings):
    sent = []
    scope = {"type": "http", "method": "POST", "path": "/predict", "query_string": b"", "headers": [], "root_path": ""}

    async def send(message):
        sent.append(message)

    asyncio.run(create_app(source, settings, body_seconds=0.001)(scope, receiving(HALF), send))
    assert sent[0]["status"] == json.loads(sent[1]["body"])["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]


def test_clients_whose_bodies_do_not_come_take_no_place_of_others(source, customer):
    settings = Settings.model_validate({"serving": {"requests_at_once": 2}})

    async def ask(app, method, path, receive):
        sent = []

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [], "root_path": ""}
        await app(scope, receive, send)
        return sent[0]["status"]

    async def run():
        app = create_app(source, settings)
        slow = [asyncio.create_task(ask(app, "POST", "/predict", receiving(HALF))) for _ in range(20)]
        await asyncio.sleep(0)  # all of them wait for the other half now
        whole = {"type": "http.request", "body": json.dumps(customer).encode(), "more_body": False}
        for _ in range(3):
            assert await ask(app, "POST", "/predict", receiving(whole)) == 200
            assert await ask(app, "GET", "/model", receiving(WHOLE)) == 200
        assert not any(one.done() for one in slow)
        for one in slow:
            one.cancel()
        await asyncio.gather(*slow, return_exceptions=True)

    asyncio.run(run())
