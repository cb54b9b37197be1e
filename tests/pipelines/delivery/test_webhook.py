"""The day's list reaches the company's own system, signed, once, and no other host; against a real server."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import structlog

from churn_mlops.config import Settings
from churn_mlops.config.settings import Webhook
from churn_mlops.errors import ConfigError, DeliveryError
from churn_mlops.logs import configure
from churn_mlops.pipelines.delivery.webhook import Delivered, PageOf, RetryClock, deliver
from tests.pipelines.delivery.webhook_receiver import Answer, Receiver, Request, receiving

SECRET = "k3y-that-signs-what-is-sent"
START = 1_795_413_600.0  # 2026-11-23 06:00 UTC
OF: dict[str, Any] = {
    "as_of": date(2026, 11, 23),
    "model_version": "3",
    "published_at": datetime(2026, 11, 23, 5, tzinfo=UTC),
}
CUSTOMERS = pa.table(
    {
        "rank": [1, 2, 3, 4, 5],
        "customer_id": ["C1", "Zoë", None, '"C4"', "C5"],
        "score": [0.1 + 0.2, 0.25, 0.2, 1e-17, 0.0],
        "since": [date(2026, 1, 2)] * 5,
    }
)


@dataclass
class Clock:
    """Goes on during each wait, and keeps how long it was; ``stopped`` ends a wait."""

    now: float = START
    waits: list[float] = field(default_factory=list)
    stopped: bool = False
    jitter: float = 0.0

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return self.stopped

    def patience(self) -> RetryClock:
        return RetryClock(self.wait, lambda: self.now, lambda: self.jitter)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def clock() -> Clock:
    return Clock()


def webhook(url: str, **changed: Any) -> Webhook:
    keys = {"url": url, "secret": SECRET, "allowed_hosts": ["127.0.0.1"], "page_rows": 2, "timeout_seconds": 5}
    return Settings.model_validate({"webhook": keys | changed}).webhook


def pages_of(customers: pa.Table) -> PageOf:
    return lambda first, rows: customers.slice(first, rows).to_pylist()


def send(receiver: Receiver, clock: Clock, customers: pa.Table = CUSTOMERS, **changed: Any) -> Delivered:
    hook = webhook(receiver.url, **changed)
    return deliver(pages_of(customers), len(customers), hook, clock.patience(), **OF)


def senders_threads() -> set[str]:
    """Threads of this process, without those of the receiver's requests."""
    return {thread.name for thread in threading.enumerate() if "process_request" not in thread.name}


def verified(request: Request) -> bool:
    """As a receiver checks it."""
    signed = request.headers["X-Churn-Timestamp"].encode() + b"." + request.body
    expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, request.headers["X-Churn-Signature"])


def test_all_requests_of_a_list_belong_to_one_trace_and_the_next_list_to_another(
    receiver: Receiver, clock: Clock
) -> None:
    receiver.answers = [Answer(status=503)]
    send(receiver, clock)
    send(receiver, clock)
    parents = [request.headers["traceparent"] for request in receiver.requests]
    assert all(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", parent) for parent in parents)
    assert [parents.count(parent) for parent in dict.fromkeys(parents)] == [4, 3]


def test_a_list_comes_in_pages_that_together_hold_every_row(receiver: Receiver, clock: Clock) -> None:
    assert send(receiver, clock) == Delivered(customers=5, pages=3, attempts=3)
    documents = [request.document for request in receiver.requests]
    assert [(document["page"], document["pages"]) for document in documents] == [(1, 3), (2, 3), (3, 3)]
    assert {(document["as_of"], document["model_version"]) for document in documents} == {("2026-11-23", "3")}
    rows = [row for document in documents for row in document["customers"]]
    assert rows == json.loads(json.dumps(CUSTOMERS.to_pylist(), default=str))
    assert clock.waits == []


def test_an_empty_list_is_one_page_so_that_the_receiver_knows(receiver: Receiver, clock: Clock) -> None:
    assert send(receiver, clock, CUSTOMERS.slice(0, 0)) == Delivered(0, 1, 1)
    assert receiver.requests[0].document["customers"] == []


def test_a_receiver_can_check_who_sent_it_and_when(receiver: Receiver, clock: Clock) -> None:
    send(receiver, clock)
    for request in receiver.requests:
        assert verified(request)
        assert request.headers["X-Churn-Timestamp"] == str(int(START))
        assert not verified(Request(request.path, request.headers, request.body + b" "))
        later = request.headers | {"X-Churn-Timestamp": str(int(START) + 1)}
        assert not verified(Request(request.path, later, request.body))


def test_each_page_has_a_key_of_its_own_that_stays_the_same_when_it_comes_again(
    receiver: Receiver, clock: Clock
) -> None:
    receiver.answers = [Answer(), Answer(503), Answer(503)]
    send(receiver, clock)
    keys = [request.headers["Idempotency-Key"] for request in receiver.requests]
    assert keys == [f"churn-2026-11-23-3-20261123T050000.000000Z-{page}" for page in (1, 2, 2, 2, 3)]
    send(receiver, clock)
    assert len(receiver.accepted()) == 3


@pytest.mark.parametrize(
    "failure", [Answer(500), Answer(503), Answer(0), Answer(429)], ids=lambda each: str(each.status)
)
def test_what_may_pass_is_tried_again_after_waits_that_double(
    receiver: Receiver, clock: Clock, failure: Answer
) -> None:
    receiver.answers = [failure, failure]
    assert send(receiver, clock) == Delivered(5, 3, attempts=5)
    assert clock.waits == [1.0, 2.0]
    assert all(map(verified, receiver.requests))
    assert receiver.requests[1].headers["X-Churn-Timestamp"] == str(int(START) + 1)


def test_jitter_shortens_a_wait_by_up_to_a_half(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(500)] * 3
    clock.jitter = 0.5
    send(receiver, clock)
    assert clock.waits == [0.75, 1.5, 3.0]


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [
        ("30", 30.0),
        ("0", 1.0),
        ("Mon, 23 Nov 2026 06:00:45 GMT", 45.0),
        ("Mon, 23 Nov 2020 06:00:45 GMT", 1.0),
        ("soon", 1.0),
        ("-5", 1.0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_it_waits_as_long_as_the_receiver_asks(
    receiver: Receiver, clock: Clock, status: int, retry_after: str, waited: float
) -> None:
    receiver.answers = [Answer(status, {"Retry-After": retry_after})]
    send(receiver, clock)
    assert clock.waits == [waited]


def test_a_receiver_that_does_not_answer_in_time_is_asked_again(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(held=True)]
    assert send(receiver, clock, timeout_seconds=0.5).attempts >= 4
    receiver.answers = [Answer(held=True)]
    with pytest.raises(DeliveryError, match=r"127\.0\.0\.1 did not answer within 0\.2 seconds, 1 times"):
        send(receiver, clock, timeout_seconds=0.2, attempts=1)


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_a_refusal_is_not_tried_again_and_ends_the_list(receiver: Receiver, clock: Clock, status: int) -> None:
    receiver.answers = [Answer(), Answer(status, body=b"no C4")]
    with pytest.raises(DeliveryError) as caught:
        send(receiver, clock)
    assert str(caught.value).startswith(
        f"page 2 of 3 of the list of 2026-11-23 was not delivered: 127.0.0.1 answered {status}"
    )
    assert len(receiver.requests) == 2
    assert clock.waits == []


def test_a_redirect_is_not_followed_wherever_it_leads(receiver: Receiver, clock: Clock) -> None:
    with receiving() as other:
        for status, place in [(302, other.url), (307, other.url), (308, receiver.url), (301, "/")]:
            receiver.requests.clear()
            receiver.answers = [Answer(status, {"Location": place})]
            with pytest.raises(DeliveryError, match=f"answered {status}; redirects are not followed"):
                send(receiver, clock)
            assert len(receiver.requests) == 1
        assert other.requests == []


def test_it_stops_after_the_last_attempt(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(503)] * 3
    with pytest.raises(DeliveryError, match="answered 503, 3 times; the list can be sent again"):
        send(receiver, clock, attempts=3)
    assert (len(receiver.requests), clock.waits) == (3, [1.0, 2.0])


def test_it_stops_rather_than_wait_past_the_deadline(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(429, {"Retry-After": "3600"})]
    with pytest.raises(DeliveryError, match="after the deadline of 600 seconds"):
        send(receiver, clock)
    receiver.answers = [Answer(503)] * 9
    with pytest.raises(DeliveryError, match="after the deadline of 5 seconds"):
        send(receiver, clock, attempts=9, deadline_seconds=5)
    assert clock.waits == [1.0, 2.0]


def test_a_process_that_has_to_stop_ends_at_its_next_wait(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(503)]
    clock.stopped = True
    with pytest.raises(DeliveryError, match="the process has to stop"):
        send(receiver, clock)
    assert len(receiver.requests) == 1


def test_an_unreachable_receiver_is_reported_without_the_address(clock: Clock) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        hook = webhook(f"http://127.0.0.1:{reserved.getsockname()[1]}/hook/t0ken", attempts=2)
        with pytest.raises(DeliveryError, match=r"127\.0\.0\.1 cannot be reached \(ConnectError\), 2 times") as caught:
            deliver(pages_of(CUSTOMERS), len(CUSTOMERS), hook, clock.patience(), **OF)
    assert "t0ken" not in str(caught.value)


def test_only_an_allowed_host_is_sent_to_even_if_settings_were_changed_in_code(
    receiver: Receiver, clock: Clock
) -> None:
    other = webhook(receiver.url).model_copy(update={"allowed_hosts": ("crm.example.com",)})
    with pytest.raises(ConfigError, match=r"leads to 127\.0\.0\.1, which is not in webhook\.allowed_hosts"):
        deliver(pages_of(CUSTOMERS), len(CUSTOMERS), other, clock.patience(), **OF)
    with pytest.raises(ConfigError, match="no webhook is configured"):
        deliver(pages_of(CUSTOMERS), len(CUSTOMERS), Webhook(), clock.patience(), **OF)
    assert receiver.requests == []


def test_an_answer_that_drips_without_end_is_none(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(drips=True)]
    assert send(receiver, clock, timeout_seconds=0.5) == Delivered(5, 3, 4)


@pytest.mark.parametrize("slow", [Answer(drips=True), Answer(held=True)], ids=["drips", "held"])
def test_an_abandoned_receiver_leaves_no_thread_behind(receiver: Receiver, clock: Clock, slow: Answer) -> None:
    before = senders_threads()
    receiver.answers = [slow]
    with pytest.raises(DeliveryError, match=r"did not answer within 0\.3 seconds"):
        send(receiver, clock, timeout_seconds=0.3, attempts=1)
    assert senders_threads() == before


def test_a_list_that_goes_slowly_ends_at_its_deadline(receiver: Receiver, clock: Clock) -> None:
    def slow(first: int, rows: int) -> list[dict[str, Any]]:
        clock.now += 6
        return list(CUSTOMERS.slice(first, rows).to_pylist())

    with pytest.raises(DeliveryError, match=r"page 2 of 3 .* was not sent: the deadline of 10 seconds is over"):
        deliver(slow, 5, webhook(receiver.url, deadline_seconds=10), clock.patience(), **OF)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("said", ["Mon, 01 Jan 99999999999 00:00:00 GMT", "soon", "-1"])
def test_a_time_to_wait_that_cannot_be_read_is_none(receiver: Receiver, clock: Clock, said: str) -> None:
    receiver.answers = [Answer(503, headers={"Retry-After": said})]
    assert send(receiver, clock) == Delivered(5, 3, 4)


def test_a_list_that_is_published_again_has_other_keys(receiver: Receiver, clock: Clock) -> None:
    hook = webhook(receiver.url, page_rows=5)
    for published_at in (OF["published_at"], OF["published_at"] + timedelta(seconds=1)):
        deliver(pages_of(CUSTOMERS), 5, hook, clock.patience(), **OF | {"published_at": published_at})
    first, second = receiver.requests
    assert first.headers["Idempotency-Key"] != second.headers["Idempotency-Key"]
    assert first.document["published_at"] < second.document["published_at"]


def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [Answer(body=b"x" * 5_000_000)]
    assert send(receiver, clock) == Delivered(5, 3, 3)


def test_logs_hold_no_token_no_key_and_no_customer(receiver: Receiver, clock: Clock) -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    receiver.answers = [Answer(503), Answer(0)]
    said = io.StringIO()
    try:
        with redirect_stderr(said):
            configure("debug", "json")
            send(receiver, clock)
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    events = [line["event"] for line in lines if line["level"] != "debug"]
    assert events == ["page_delivery_failed", "page_delivery_failed", "list_delivered"]
    for secret in ("t0ken", SECRET, "sha256", "Zoë", "C5"):
        assert secret not in said.getvalue()
