"""Nothing that a client sends is gathered or waited for without end, and nothing comes in by a back door."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.serving.fast_path import http_protocol as wire
from churn_mlops.serving.fast_path.http_protocol import MOST_HEAD_BYTES, MOST_PIPELINED
from churn_mlops.serving.model.served_model import ModelSlot
from tests.serving.access.secured_app import Guarded, fill
from tests.serving.running import running

Address = tuple[str, int]
HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def address(source: ModelSlot) -> Iterator[Address]:
    with running(source, Settings()) as address:
        yield address


def said_to(address: Address, data: bytes, count: int = 10**9) -> bytes:
    """All that comes back until the server closes, or ``count`` bytes."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(data)
        parts: list[bytes] = []
        while sum(map(len, parts)) < count and (part := connection.recv(65_536)):
            parts.append(part)
        return b"".join(parts)


def statuses_in(received: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d+) ", received, re.MULTILINE)]


def is_well(address: Address) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=10)
    connection.request("GET", "/health")
    answer = connection.getresponse().status
    connection.close()
    return answer == 200


def chunked(target: bytes, trailer: bytes, *lines: bytes) -> bytes:
    head = [target + b" HTTP/1.1", b"Host: localhost", b"Transfer-Encoding: chunked", *lines]
    return b"\r\n".join(head) + b"\r\n\r\n0\r\n" + trailer + b"\r\n\r\n"


def test_a_trailer_is_no_header(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[bytes]] = []
    real = wire.WireProtocol._start_asgi_task

    def noted(self: Any, cycle: Any, app: Any) -> None:
        self.loop.call_later(0.05, lambda: seen.append([name for name, _ in cycle.scope["headers"]]))
        real(self, cycle, app)

    monkeypatch.setattr(wire.WireProtocol, "_start_asgi_task", noted)
    for target in (b"GET /ready", b"POST /predict", b"POST /contacts"):
        received = said_to(
            address, chunked(target, b"Host: evil.example\r\nX-Forwarded-User: ceo", b"Connection: close")
        )
        assert b"evil" not in received
    is_well(address)
    while len(seen) < 3:
        is_well(address)
    assert all(names.count(b"host") == 1 and b"x-forwarded-user" not in names for names in seen)


def test_a_head_without_end_is_refused(address: Address) -> None:
    begun = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Long: "
    received = said_to(address, begun.ljust(MOST_HEAD_BYTES + 1, b"a"))
    status, _, body = received.partition(b"\r\n\r\n")
    assert status.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["status"] == 431
    assert is_well(address)


def of_length(head: bytes, length: int) -> bytes:
    """A whole head of so many bytes."""
    return head.replace(b"\r\n\r\n", b"\r\nX-Long: ") + b"a" * (length - len(head) - len(b"\r\nX-Long: ")) + b"\r\n\r\n"


PREDICT = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize(
    ("before", "answered"),
    [(b"", []), (HEALTH, [200]), (PREDICT + b"{}", [422])],
    ids=["first", "second", "after fast"],
)
@pytest.mark.parametrize("head", [HEALTH, PREDICT], ids=["standard", "fast path"])
def test_a_long_head_is_refused_though_it_comes_whole(
    address: Address, head: bytes, before: bytes, answered: list[int]
) -> None:
    received = said_to(address, before + of_length(head, MOST_HEAD_BYTES + 1000))
    # A refusal never comes in the place of the answer that is owed: then the connection is closed after that one.
    assert statuses_in(received) in ([*answered, 431], answered or [431])
    assert is_well(address)


def test_a_head_of_nearly_the_most_bytes_is_taken(address: Address) -> None:
    last = HEALTH.replace(b"Host:", b"Connection: close\r\nHost:")
    assert said_to(address, of_length(last, MOST_HEAD_BYTES - 100)).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("path", [b"GET /health", b"POST /predict"])
@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [(b"1.1", 0, 400), (b"1.1", 2, 400), (b"1.0", 2, 400), (b"1.0", 0, 0), (b"1.1", 1, 0)],
)
def test_a_request_has_a_host_once_but_for_http_1_0(
    address: Address, path: bytes, version: bytes, hosts: int, status: int
) -> None:
    lines = [b"Host: localhost"] * hosts + [b"Connection: close", b"Content-Length: 2"]
    received = said_to(address, b"%b HTTP/%b\r\n%b\r\n\r\n{}" % (path, version, b"\r\n".join(lines)))
    expected = status or (200 if b"health" in path else 422)
    assert statuses_in(received) == [expected]


def test_a_long_body_is_no_long_head(address: Address) -> None:
    body = b" " * (2 * MOST_HEAD_BYTES) + b"{}"
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert said_to(address, head + body).startswith(b"HTTP/1.1 422 ")


@pytest.mark.parametrize(
    "sent", [b"", b"GET /hea", b"GET /health HTTP/1.1\r\nHost: local", HEALTH + b"GET /hea", b"\r\n"]
)
def test_a_head_that_never_ends_is_waited_for_only_so_long(
    sent: bytes, address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.05)
    received = said_to(address, sent)  # ends when the server closes
    assert received.count(b"HTTP/1.1") == sent.count(b"\r\n\r\n")


def test_who_sends_far_ahead_is_cut_off_and_the_others_are_answered(address: Address) -> None:
    few = said_to(address, HEALTH * MOST_PIPELINED, count=1)
    assert few.startswith(b"HTTP/1.1 200 ")
    with socket.create_connection(address, timeout=20) as connection, suppress(OSError):  # cut off while it was sending
        connection.sendall(HEALTH * 20_000)
        while connection.recv(65_536):
            pass
    assert is_well(address)


def test_requests_ahead_up_to_the_most_are_all_answered(address: Address) -> None:
    last = HEALTH.replace(b"Host:", b"Connection: close\r\nHost:")
    received = said_to(address, HEALTH * (MOST_PIPELINED - 1) + last)
    assert received.count(b"HTTP/1.1 200 OK") == MOST_PIPELINED


def test_one_connection_too_many_is_refused(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "most_connections", lambda: 2)
    held = [socket.create_connection(address, timeout=10) for _ in range(2)]
    for connection in held:
        connection.sendall(HEALTH)
        assert connection.recv(15).startswith(b"HTTP/1.1 200")
    assert said_to(address, b"").startswith(b"HTTP/1.1 503 ")
    for connection in held:
        connection.close()


def test_offers_of_another_protocol_in_a_row_are_answered_or_cut_off(address: Address) -> None:
    offer = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    last = HEALTH.replace(b"Host:", b"Connection: close\r\nHost:")
    received = said_to(address, offer * (MOST_PIPELINED - 1) + last)
    assert received.count(b"HTTP/1.1 200 OK") == MOST_PIPELINED
    with socket.create_connection(address, timeout=20) as connection, suppress(OSError):
        connection.sendall(offer * 3000)
        while connection.recv(65_536):
            pass
    assert is_well(address)


@pytest.mark.parametrize("name", ["X-API-Key", "X-Forwarded-User"])
def test_a_header_that_says_who_asks_may_come_once_only(name: str, source: ModelSlot, tmp_path: Path) -> None:
    made: Guarded = fill(tmp_path)
    proxies = {"trusted_proxies": ["127.0.0.1"], "proxy_user_header": "X-Forwarded-User", "proxy_roles": ["*=admin"]}
    value = made.keys["agent"] if name == "X-API-Key" else "anna"
    with made.client(source, **proxies) as client:
        assert asked(client, [(name, value)]) == 200
        assert asked(client, [(name, value), (name, value)]) == 400


def asked(client: TestClient, headers: list[tuple[str, str]]) -> int:
    return client.get("/model", headers=headers).status_code
