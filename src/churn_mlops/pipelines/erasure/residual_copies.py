"""Residual copies: data of an erased customer that the program cannot remove, and until when it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from churn_mlops.config import Settings
from churn_mlops.pipelines.inputs.score_files import local_score_files


@dataclass(frozen=True)
class ResidualCopies:
    """A place that may still hold the customer.

    Args:
        where: the place.
        until: until when, and what ends it.
    """

    where: str
    until: str


def residual_copies(
    settings: Settings, now: datetime, server: Mapping[str, str], *, rewritten: bool = False
) -> tuple[ResidualCopies, ...]:
    """The places, for an erasure report.

    Args:
        settings: which of them there are.
        now: when the customer was erased.
        server: how long a PostgreSQL server keeps its log, as ``store.log_limits`` gives it; empty of an SQLite file.
        rewritten: whether its tables were rewritten.
    """
    return (*_of_the_store(server, rewritten), *_of_other_places(settings, now))


def _of_the_store(server: Mapping[str, str], rewritten: bool) -> Iterator[ResidualCopies]:
    yield ResidualCopies(
        "backups of the store and of this machine",
        "they are deleted (the newest backup.keep stay); `churn restore` leaves the customer out, and "
        "after another way to restore, the next run removes them again, or `churn forget --again` now",
    )
    if not server:
        yield ResidualCopies("blocks of the disk that held the old file", "the disk writes over them")
        return
    if not rewritten:
        yield ResidualCopies(
            "freed pages of tables and indexes, which no query reads",
            "new rows are written over them; immediately with `churn forget --again --rewrite`",
        )
    yield ResidualCopies(
        "PostgreSQL's write-ahead log",
        "its segments are written over, which begins two checkpoints from now (checkpoint_timeout is "
        f"{server['checkpoint_timeout']}, wal_keep_size {server['wal_keep_size']})",
    )
    if server["archive_mode"] != "off":
        yield ResidualCopies("the archive of that log", "it drops those segments, by a rule of its own")
    yield ResidualCopies("replicas of the server", "they have replayed the same, mostly within seconds")
    yield ResidualCopies("the server's own log, where it logs statements with their values", "it is rotated away")


def _of_other_places(settings: Settings, now: datetime) -> Iterator[ResidualCopies]:
    days = settings.store.keep_answers_days
    yield ResidualCopies(
        "answers without a customer ID (POST /predict) that no contact of the customer names",
        "their age deletes them: with the first run after "
        f"{now + timedelta(days=days):%Y-%m-%d} (store.keep_answers_days)"
        if days is not None
        else "they are deleted by hand: store.keep_answers_days keeps them for good",
    )
    yield ResidualCopies(
        "lists written by `churn score --out`, printed or on a screen", "the people who have them delete them"
    )
    if settings.webhook.url is not None:
        yield ResidualCopies(
            f"the receiver of the webhook, {urlsplit(settings.webhook.url).hostname}", "it deletes the customer"
        )
    if settings.scoring.output is not None and local_score_files(settings.scoring.output) is None:
        age = settings.store.keep_days
        ends = "they are deleted by hand" if age is None else f"runs delete them at {age} days of age (store.keep_days)"
        yield ResidualCopies(
            f"scores of runs on Spark in {settings.scoring.output}, which is not on this machine", ends
        )
    yield ResidualCopies(
        "the company's own database",
        "the company deletes the customer there; no run of this program uses them from now on",
    )
    yield ResidualCopies(
        "models whose training data held the customer; they hold counts and curves of all customers, no row and no ID",
        "they are trained again, without the customer",
    )
