"""Who asks: an API key, a person who signed in, or anybody on this machine where there are no keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

Role = Literal["agent", "analyst", "admin", "service"]


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Args:
        name: such as ``key:crm`` or ``person:anna``; stands in answers kept, contacts and the audit trail.
        role: what he may.
    """

    name: str
    role: Role


LOCAL = Caller("local", "admin")
"""Whoever is on this machine, where no keys are configured and the server listens on the loopback address alone."""


def caller_of(request: Request) -> Caller:
    """Who sent ``request``, as the gate in front of all routes found out."""
    caller: Caller = request.scope["state"].get("caller", LOCAL)
    return caller


def about(request: Request, customer: str | None, **page: int | str | None) -> None:
    """Note for the audit trail what a request is about.

    Args:
        request: the request.
        customer: the one customer, of whom the trail keeps the keyed hash; None for all of a page.
        page: which page of a list, by what names no customer, so that it can be found out later who stood there.
    """
    request.scope["state"]["customer"] = customer
    request.scope["state"]["page"] = {name: value for name, value in page.items() if value is not None}
