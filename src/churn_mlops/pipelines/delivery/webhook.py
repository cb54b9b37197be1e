"""Sending a day's list to the company's own system: signed, in pages, tried again, and to allowed hosts only."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from itertools import accumulate
from typing import Any
from urllib.parse import quote

import httpx
import structlog

from churn_mlops import __version__
from churn_mlops.config.settings import Webhook
from churn_mlops.errors import ConfigError, DeliveryError

log = structlog.get_logger("churn_mlops.pipelines.delivery.webhook")

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
_TOO_MANY_REQUESTS = 429
_ANSWER_BYTES = 65_536
PageOf = Callable[[int, int], list[dict[str, Any]]]
"""Gives the customers of a list after the first so many, so many of them, each as what JSON can say."""


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
class Patience:
    """How time passes while a list is sent.

    Args:
        wait: waits for so many seconds; true, at once, when it was told to stop.
        clock: tells the moment, in seconds since 1970.
        jitter: draws from [0, 1), so that many senders do not come back at once.
    """

    wait: Callable[[float], bool]
    clock: Callable[[], float] = time.time
    jitter: Callable[[], float] = secrets.SystemRandom().random


def deliver(
    page_of: PageOf,
    customers: int,
    webhook: Webhook,
    patience: Patience,
    *,
    as_of: date,
    model_version: str,
    published_at: datetime,
) -> Delivered:
    """Post a list to ``webhook.url``: one request a page, in order, each as JSON.

    A body holds ``as_of``, ``model_version``, ``published_at``, ``page`` (from 1), ``pages`` and ``customers``; an
    empty list is one page without customers. The headers ``X-Churn-Timestamp`` (seconds since 1970) and
    ``X-Churn-Signature`` (see :func:`signature`) prove who sent it, and ``Idempotency-Key`` is the same whenever the
    same page comes again.
    No answer, 429 and 5xx are tried again, after waits that double or as long as ``Retry-After`` says; another
    answer than 2xx is not, and no redirect is followed.

    Args:
        page_of: gives parts of the list, best first.
        customers: how many the list holds.
        webhook: where to, under which key, and how patiently.
        patience: how time passes.
        as_of: the day of the list.
        model_version: of the model that made it.
        published_at: when it was published, with a time zone: a list of a later moment takes the place of this one.

    Raises:
        ConfigError: no address or key is configured, or the address leads to another than an allowed host.
        DeliveryError: a page was not accepted; those after it were not sent.
    """
    sender = _Sender(webhook, patience)
    size = webhook.page_rows
    pages = max(1, -(-customers // size))
    moment = published_at.astimezone(UTC)
    for page in range(1, pages + 1):
        document = {
            "as_of": as_of.isoformat(),
            "model_version": model_version,
            "published_at": moment.isoformat(),
            "page": page,
            "pages": pages,
            "customers": page_of((page - 1) * size, min(size, customers - (page - 1) * size)),
        }
        body = json.dumps(document, ensure_ascii=False, allow_nan=False, default=str).encode()
        key = f"churn-{as_of}-{quote(model_version, safe='')}-{moment:%Y%m%dT%H%M%S.%fZ}-{page}"
        sender.send(body, key, f"page {page} of {pages} of the list of {as_of}")
    log.info("list delivered", as_of=as_of, customers=customers, pages=pages, attempts=sender.attempts)
    return Delivered(customers, pages, sender.attempts)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC-SHA-256, in hexadecimal, of the timestamp, a point and the body (RFC 2104)."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class _Sender:
    """Sends one page after the other until the deadline."""

    def __init__(self, webhook: Webhook, patience: Patience) -> None:
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
            told = self._post(body, key)
            if told.accepted:
                return
            problem = f"{what} was not delivered: {self._url.host} {told.said}"
            if not told.again:
                raise DeliveryError(f"{problem}; {told.advice}")
            log.warning("page not delivered", host=self._url.host, said=told.said, attempt=attempt)
            if attempt == self._webhook.attempts:
                raise DeliveryError(f"{problem}, {attempt} times; the list can be sent again, no page counts twice")
            wait = wait if told.retry_after is None else max(wait, told.retry_after)
            if self._patience.clock() + wait > self._deadline:
                raise DeliveryError(
                    f"{problem}, and the next try lies after the deadline of {self._webhook.deadline_seconds:g} seconds"
                )
            if self._patience.wait(wait):
                raise DeliveryError(f"{problem}, and it was told to stop")

    def _waits(self) -> Iterator[float]:
        """Waits that double, each shortened by up to a half at random."""
        for attempt in range(self._webhook.attempts):
            longest = min(FIRST_WAIT_SECONDS * 2.0**attempt, LONGEST_WAIT_SECONDS)
            yield longest * (1 - self._patience.jitter() / 2)

    def _post(self, body: bytes, key: str) -> _Told:
        """Send it once. The time limit of httpx is one of each read: here it is one of all together."""
        self.attempts += 1
        timestamp = str(int(self._patience.clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"churn-mlops/{__version__}",
            "Idempotency-Key": key,
            "X-Churn-Timestamp": timestamp,
            "X-Churn-Signature": signature(self._secret, timestamp, body),
        }
        seconds = self._webhook.timeout_seconds
        told: list[_Told] = []
        thread = ThreadPoolExecutor(1)
        # The proxy of the environment is used, as by every other program; a redirect could lead to any host.
        client = httpx.Client(timeout=seconds, follow_redirects=False)
        try:
            thread.submit(self._answer, client, body, headers, told).result(seconds)
            return told[0]
        except (TimeoutError, httpx.TimeoutException):
            return told[0] if told else _Told(f"did not answer within {seconds:g} seconds", again=True)
        except httpx.TransportError as error:
            # What it says may quote the address, and that may hold a token.
            return _Told(f"cannot be reached ({type(error).__name__})", again=True)
        finally:
            client.close()  # a thread that still reads ends by it
            thread.shutdown(wait=False)

    def _answer(self, client: httpx.Client, body: bytes, headers: dict[str, str], told: list[_Told]) -> None:
        """Put what the status says into ``told``, then hear the rest out for politeness, unless it is long."""
        with client.stream("POST", self._url, content=body, headers=headers) as response:
            told.append(_told(response, self._patience.clock()))
            with suppress(httpx.TransportError):
                any(read > _ANSWER_BYTES for read in accumulate(map(len, response.iter_raw())))


@dataclass(frozen=True)
class _Told:
    """What the receiver said, and whether to try again."""

    said: str
    accepted: bool = False
    again: bool = False
    retry_after: float | None = None
    advice: str = "look there for the reason"


def _told(response: httpx.Response, now: float) -> _Told:
    status = response.status_code
    said = f"answered {status}"
    if response.is_success:
        return _Told(said, accepted=True)
    if response.is_redirect or 300 <= status < 400:
        return _Told(said, advice="redirects are not followed: set webhook.url to where it leads")
    if status == _TOO_MANY_REQUESTS or status >= 500:
        return _Told(said, again=True, retry_after=_seconds(response.headers.get("Retry-After"), now))
    return _Told(said)


def _seconds(retry_after: str | None, now: float) -> float | None:
    """How long to wait as ``Retry-After`` says, in seconds or as a date (RFC 9110, 10.2.3); None where it does not."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)


def checked(webhook: Webhook) -> tuple[httpx.URL, str]:
    """Address and key, where the address, as it is going to be used, leads to an allowed host.

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
