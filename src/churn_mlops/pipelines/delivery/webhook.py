"""Delivery of a day's list to the company's own system: signed, in pages, with retries, and to allowed hosts only."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from churn_mlops import __version__
from churn_mlops.config.settings import Webhook
from churn_mlops.errors import ConfigError, DeliveryError
from churn_mlops.trace_context import current_trace, in_trace, new_trace, outgoing_headers

log = structlog.get_logger("churn_mlops.pipelines.delivery.webhook")

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
_TOO_MANY_REQUESTS = 429
_RESPONSE_BYTES = 65_536
PageOf = Callable[[int, int], list[dict[str, Any]]]
"""Gives a part of a list, given how many customers to skip and how many to take; each customer is a JSON object."""


@dataclass(frozen=True)
class Delivered:
    """A list that was sent.

    Args:
        customers: how many.
        pages: requests that were accepted, one for each page.
        attempts: requests that were made.
    """

    customers: int
    pages: int
    attempts: int


@dataclass(frozen=True)
class RetryClock:
    """How time passes while a list is sent.

    Args:
        wait: waits for so many seconds; returns true, immediately, when the process has to stop.
        clock: the present, in seconds since 1970.
        jitter: draws from [0, 1), so that many senders do not retry at the same time.
    """

    wait: Callable[[float], bool]
    clock: Callable[[], float] = time.time
    jitter: Callable[[], float] = secrets.SystemRandom().random


def deliver(
    page_of: PageOf,
    customers: int,
    webhook: Webhook,
    patience: RetryClock,
    *,
    as_of: date,
    model_version: str,
    published_at: datetime,
) -> Delivered:
    """Post a list to ``webhook.url``: one request a page, in order, each as JSON.

    A body holds ``as_of``, ``model_version``, ``published_at``, ``page`` (from 1), ``pages`` and ``customers``; an
    empty list is one page without customers. The headers ``X-Churn-Timestamp`` (seconds since 1970) and
    ``X-Churn-Signature`` (see :func:`signature`) prove the sender, and ``Idempotency-Key`` is the same whenever the
    same page is sent again. ``traceparent`` (W3C Trace Context) has the same trace in all requests of a list.
    No response, 429 and 5xx are retried, after waits that double or as long as ``Retry-After`` says; any other status
    than 2xx is not retried, and no redirect is followed.

    Args:
        page_of: gives parts of the list, best first.
        customers: how many the list holds.
        webhook: the address, the key, the time limits and the number of attempts.
        patience: how time passes.
        as_of: the day of the list.
        model_version: of the model that made it.
        published_at: when it was published, with a time zone: a list that is published later replaces this one.

    Raises:
        ConfigError: no address or key is configured, or the address leads to a host that is not allowed.
        DeliveryError: a page was not accepted; those after it were not sent.
    """
    sender = _Sender(webhook, patience)
    size = webhook.page_rows
    pages = max(1, -(-customers // size))
    published = published_at.astimezone(UTC)
    with in_trace(current_trace() or new_trace()):
        for page in range(1, pages + 1):
            document = {
                "as_of": as_of.isoformat(),
                "model_version": model_version,
                "published_at": published.isoformat(),
                "page": page,
                "pages": pages,
                "customers": page_of((page - 1) * size, min(size, customers - (page - 1) * size)),
            }
            body = json.dumps(document, ensure_ascii=False, allow_nan=False, default=str).encode()
            key = f"churn-{as_of}-{quote(model_version, safe='')}-{published:%Y%m%dT%H%M%S.%fZ}-{page}"
            sender.send(body, key, f"page {page} of {pages} of the list of {as_of}")
        log.info("list_delivered", as_of=as_of, customers=customers, pages=pages, attempts=sender.attempts)
    return Delivered(customers, pages, sender.attempts)


def deliver_report(document: dict[str, Any], webhook: Webhook, patience: RetryClock, *, measured_on: date) -> None:
    """Post a report to ``webhook.url`` as JSON, signed and retried as a page of a list.

    Args:
        document: the report; a chat shows its ``text``.
        webhook: the address, the key, the time limits and the number of attempts.
        patience: how time passes.
        measured_on: the date of the report, once a date: the ``Idempotency-Key`` holds it.

    Raises:
        ConfigError: as of :func:`deliver`.
        DeliveryError: the report was not accepted.
    """
    body = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    with in_trace(current_trace() or new_trace()):
        _Sender(webhook, patience).send(body, f"churn-weekly-{measured_on}", f"the weekly report of {measured_on}")
        log.info("report_delivered", measured_on=measured_on)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC-SHA-256, in hexadecimal, of the timestamp, a point and the body (RFC 2104)."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class _Sender:
    """Sends one page after another until the deadline."""

    def __init__(self, webhook: Webhook, patience: RetryClock) -> None:
        self._url, self._secret = checked(webhook)
        self._webhook = webhook
        self._patience = patience
        self._deadline = patience.clock() + webhook.deadline_seconds
        self.attempts = 0

    def send(self, body: bytes, key: str, what: str) -> None:
        """Send one page until it is accepted."""
        for attempt, wait in enumerate(self._waits(), start=1):
            if self._patience.clock() > self._deadline:
                raise DeliveryError(
                    f"{what} was not sent: the deadline of {self._webhook.deadline_seconds:g} seconds is over"
                )
            reply = self._post(body, key)
            if reply.accepted:
                return
            problem = f"{what} was not delivered: {self._url.host} {reply.reason}"
            if not reply.retry:
                raise DeliveryError(f"{problem}; {reply.advice}")
            log.warning("page_delivery_failed", host=self._url.host, reason=reply.reason, attempt=attempt)
            if attempt == self._webhook.attempts:
                raise DeliveryError(f"{problem}, {attempt} times; the list can be sent again, no page counts twice")
            wait = wait if reply.retry_after is None else max(wait, reply.retry_after)
            if self._patience.clock() + wait > self._deadline:
                raise DeliveryError(
                    f"{problem}, and the next try lies after the deadline of {self._webhook.deadline_seconds:g} seconds"
                )
            if self._patience.wait(wait):
                raise DeliveryError(f"{problem}, and the process has to stop")

    def _waits(self) -> Iterator[float]:
        """Waits that double, each shortened by up to a half at random."""
        for attempt in range(self._webhook.attempts):
            longest = min(FIRST_WAIT_SECONDS * 2.0**attempt, LONGEST_WAIT_SECONDS)
            yield longest * (1 - self._patience.jitter() / 2)

    def _post(self, body: bytes, key: str) -> _Reply:
        """Send a page once."""
        self.attempts += 1
        timestamp = str(int(self._patience.clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"churn-mlops/{__version__}",
            "Idempotency-Key": key,
            "X-Churn-Timestamp": timestamp,
            "X-Churn-Signature": signature(self._secret, timestamp, body),
            **outgoing_headers(),
        }
        return asyncio.run(self._reply(body, headers))

    async def _reply(self, body: bytes, headers: dict[str, str]) -> _Reply:
        """The reply to a page within ``webhook.timeout_seconds``."""
        seconds = self._webhook.timeout_seconds
        reply = _Reply(f"did not answer within {seconds:g} seconds", retry=True)
        # The proxy of the environment is used, as by every other program; a redirect could lead to any host.
        async with httpx.AsyncClient(timeout=seconds, follow_redirects=False) as client:
            try:
                # The time limit of httpx is one of each read: this one is of all reads together.
                async with (
                    asyncio.timeout(seconds),
                    client.stream("POST", self._url, content=body, headers=headers) as response,
                ):
                    reply = _reply_of(response, self._patience.clock())
                    await _read_on(response)
            except (TimeoutError, httpx.TimeoutException):
                return reply  # a status that came in time counts, though the body did not
            except httpx.TransportError as error:
                # Its message may quote the address, and that may hold a token.
                return _Reply(f"cannot be reached ({type(error).__name__})", retry=True)
        return reply


@dataclass(frozen=True)
class _Reply:
    """The receiver's reply to a page, and whether to send it again.

    Args:
        reason: what follows the name of the host in a message.
        accepted: the page was accepted.
        retry: another attempt may succeed.
        retry_after: seconds that the receiver asks to wait.
        advice: what a person can do.
    """

    reason: str
    accepted: bool = False
    retry: bool = False
    retry_after: float | None = None
    advice: str = "look there for the reason"


def _reply_of(response: httpx.Response, now: float) -> _Reply:
    status = response.status_code
    reason = f"answered {status}"
    if response.is_success:
        return _Reply(reason, accepted=True)
    if response.is_redirect or 300 <= status < 400:
        return _Reply(reason, advice="redirects are not followed: set webhook.url to where it leads")
    if status == _TOO_MANY_REQUESTS or status >= 500:
        return _Reply(reason, retry=True, retry_after=_seconds(response.headers.get("Retry-After"), now))
    return _Reply(reason)


async def _read_on(response: httpx.Response) -> None:
    """Read the body, which no one needs, so that the receiver can send it; not a long one."""
    size = 0
    with suppress(httpx.TransportError):
        async for part in response.aiter_raw():
            size += len(part)
            if size > _RESPONSE_BYTES:
                return


def _seconds(retry_after: str | None, now: float) -> float | None:
    """Seconds to wait by ``Retry-After``, a number or a date (RFC 9110, 10.2.3); None if it cannot be read."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, until.timestamp() - now)


def checked(webhook: Webhook) -> tuple[httpx.URL, str]:
    """Address and key; the address, as it is going to be used, leads to an allowed host.

    Raises:
        ConfigError: it does not, or one of them is not configured.
    """
    if webhook.url is None or webhook.secret is None:
        raise ConfigError("no webhook is configured: set webhook.url, webhook.secret and webhook.allowed_hosts")
    try:
        url = httpx.URL(webhook.url)
    except httpx.InvalidURL:
        raise ConfigError("webhook.url is no web address: write it like https://crm.example.com/churn") from None
    port = url.port or (443 if url.scheme == "https" else 80)
    if not {url.host, f"{url.host}:{port}"} & set(webhook.allowed_hosts):
        raise ConfigError(f"webhook.url leads to {url.host}, which is not in webhook.allowed_hosts")
    return url, webhook.secret
