"""The principal of a request: an API key, a user who signed in, or this machine where there are no keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import Request

from churn_mlops.store.access.credentials import Credential

Role = Literal["agent", "analyst", "admin", "service"]


@dataclass(frozen=True)
class Principal:
    """The key or user that a request comes from.

    Args:
        name: such as ``key:crm`` or ``person:anna``; recorded as `caller` with predictions, contacts and audit events.
        role: says which routes they may call.
    """

    name: str
    role: Role


LOCAL = Principal("local", "admin")
"""The principal of every request, where no keys are configured and the server listens on loopback alone."""


def principal_of(request: Request) -> Principal:
    """The principal of ``request``, as the access middleware found it."""
    principal: Principal = request.scope["state"].get("caller", LOCAL)
    return principal


def session_of(request: Request) -> Credential | None:
    """The session that ``request`` came with, None where it came with none."""
    session: Credential | None = request.scope["state"].get("session")
    return session


def about(request: Request, customer: str | None, **page: int | str | None) -> None:
    """Note for the audit log what a request is about.

    Args:
        request: the request.
        customer: the one customer, whose keyed hash the log keeps; None for all of a page.
        page: which page of a list, by what names no customer, so that its customers can be found out later.
    """
    request.scope["state"]["customer"] = customer
    request.scope["state"]["page"] = {name: value for name, value in page.items() if value is not None}


def shown_in_refusal(
    request: Request, customer: str | None, event: str = "customer.read", **page: int | str | None
) -> None:
    """Note for the audit log that a refusal says what is known of customers: it is a read, as an answer is.

    Args:
        request: the request.
        customer: as of :func:`about`.
        event: the event of such a read.
        page: as of :func:`about`, and what was refused.
    """
    about(request, customer, **page)
    request.scope["state"]["refusal_event"] = event
