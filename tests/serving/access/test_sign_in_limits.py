"""Tries to sign in are counted by client, whichever way its address is written."""

from __future__ import annotations

import ipaddress

import pytest
from starlette.requests import Request

from churn_mlops.serving.access.presented_identity import Proxies
from churn_mlops.serving.access.sign_in import ADDRESS_TRIES, SignInLimits
from churn_mlops.serving.http.errors import RequestError

PROXIES = Proxies((ipaddress.ip_network("10.0.0.0/8"),))


def request(peer: str, forwarded: str = "") -> Request:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    return Request({"type": "http", "method": "POST", "path": "/sign-in", "headers": headers, "client": (peer, 1)})


def used_up(*clients: Request) -> SignInLimits:
    limits = SignInLimits(PROXIES)
    for number in range(ADDRESS_TRIES):
        limits.take(clients[number % len(clients)], f"user {number}")
    return limits


@pytest.mark.parametrize(
    ("attacker", "other"),
    [
        (request("::ffff:192.0.2.1"), request("::ffff:192.0.2.2")),
        (request("2001:db8:0:1::1"), request("2001:db8:0:2::1")),
        (request("::ffff:10.0.0.1", "192.0.2.1"), request("::ffff:10.0.0.1", "192.0.2.2")),
        (request("10.0.0.1", "::ffff:192.0.2.1"), request("10.0.0.1", "::ffff:c000:202")),
    ],
)
def test_one_client_does_not_use_up_the_tries_of_another(attacker: Request, other: Request) -> None:
    limits = used_up(attacker)
    with pytest.raises(RequestError):
        limits.take(attacker, "anna")
    limits.take(other, "anna")


@pytest.mark.parametrize(
    "addresses",
    [("192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::2:1", "2001:db8::3:1")],
)
def test_the_addresses_of_one_client_share_its_tries(addresses: tuple[str, ...]) -> None:
    limits = used_up(*map(request, addresses))
    with pytest.raises(RequestError):
        limits.take(request(addresses[0]), "anna")
