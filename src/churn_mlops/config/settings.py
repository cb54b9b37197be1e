"""The declaration of every setting: its type, bounds and default, and beside them its meaning and unit."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, field_validator, model_validator
from pydantic.fields import FieldInfo

from churn_mlops.config.sections import Section, listed, setting
from churn_mlops.config.serving import Serving


def check_as_of(day: date) -> None:
    """Refuse an as-of date that no company can mean: the windows before it and the horizon after it must exist too.

    Raises:
        ValueError: ``day`` lies outside the years 1900 to 2199.
    """
    if not 1900 <= day.year < 2200:
        raise ValueError(f"{day} is no as-of date: give one of the years 1900 to 2199")


class Source(Section):
    """The source of the customers."""

    url: str | None = setting(
        None, "file (CSV, Parquet, JSON, DuckDB, SQLite) or database address that is read", secret=True
    )
    table: str | None = setting(None, "table of that database; may be left out where there is only one")
    as_of: str = setting(
        "today",
        "as-of date of a run over a history: today, latest (the source's last complete day), or a date",
        pattern=r"^(today|latest|\d{4}-\d{2}-\d{2})$",
    )

    @field_validator("as_of", mode="before")
    @classmethod
    def _is_a_day(cls, value: Any) -> Any:
        """YAML reads an unquoted day as a date; and not every text of its form is a day."""
        text = value.isoformat() if type(value) is date else value
        if isinstance(text, str) and text not in ("today", "latest"):
            check_as_of(date.fromisoformat(text))
        return text


class Contract(Section):
    """The declaration of the data."""

    path: Path = setting(Path("config/contract.yaml"), "file of the data contract, as `churn init` writes it")


class Models(Section):
    """The models that are live on this machine."""

    folder: Path = setting(Path("models"), "folder that promotion writes and serving reads")


class Store(Section):
    """The operational database: published lists and what became of the customers."""

    url: str = setting(
        "sqlite:///store/churn.db", "address: an SQLite file, or postgresql://user:password@host/database", secret=True
    )
    keep_days: int | None = setting(
        400,
        "age from which the predictions of a date are deleted; its totals stay; null keeps all",
        "days",
        ge=1,
        le=36_500,
    )
    customer_hash_key: str = setting(
        "churn",
        "key of the hash that stands for a customer in the audit log and in tombstones; set your own, or a reader of "
        "the table can try out customers, and keep it: under another, erased customers are not recognised",
        min_length=1,
        secret=True,
    )
    tombstones: Path | None = setting(
        Path("erasures/tombstones.jsonl"),
        "file outside the store that keeps the hashes of erased customers, so that no backup brings them back; "
        "null keeps them in the store alone",
    )
    keep_answers_days: int | None = setting(
        90,
        "age from which answers of the server, with what they were made of, are deleted; null keeps all",
        "days",
        ge=1,
        le=36_500,
    )


class MLflow(Section):
    """The record of training runs and model versions."""

    uri: str = setting("sqlite:///mlflow/mlflow.db", "address of the tracking server or database", secret=True)
    artifacts: Path = setting(Path("mlflow/artifacts"), "folder for what a run leaves, when no server keeps it")
    experiment: str = setting("churn", "name of the experiment", min_length=1)
    model_name: str = setting("churn", "name of the registered model", min_length=1)


class Training(Section):
    """How a model is fitted."""

    model_type: str = setting(
        "auto", "type of the model; auto compares them all and takes the simplest of the best", min_length=1
    )
    seed: int = setting(20261123, "seed of everything random: same data and seed, same model", ge=0, lt=2**31)
    set_aside_share: float = setting(
        0.2, "customers that no version trains on; versions are compared on them", "share", gt=0, lt=1
    )
    set_aside_key: str = setting(
        "churn",
        "key of the hash that chooses the test set; another key chooses other customers",
        min_length=1,
        secret=True,
    )
    every_days: int = setting(30, "time between the as-of dates of the training data of a history", "days", ge=1)
    snapshots: int = setting(12, "most as-of dates in the training data of a history, the latest", "dates", ge=1)
    settings_cells: int = setting(
        2_000_000,
        "most cells, rows times features, on which type and settings of a model are chosen",
        "cells",
        ge=10_000,
    )
    learning_rate: float = setting(
        0.05,
        "step of each boosted tree; twice the step fits in half the time, and hardly worse where rows are many",
        "share of what a tree found",
        gt=0,
        le=1,
    )
    threads: int | None = setting(None, "threads of a fit; null takes all", "cores", ge=1)


class Scoring(Section):
    """The output of a daily run beside the store."""

    output: str | None = setting(
        None, "folder for all scores of a run on Spark, as Parquet: a path or address that every executor reaches"
    )


class Decision(Section):
    """The rule for who counts as a churner, and who is worth an offer."""

    threshold: float = setting(0.5, "score from which `will_churn` is true", "probability", ge=0, le=1)
    medium_from: float = setting(0.2, "score from which the risk is medium", "probability", ge=0, le=1)
    high_from: float = setting(0.5, "score from which the risk is high", "probability", ge=0, le=1)
    customer_value: float = setting(500.0, "margin kept if a customer stays", "USD per customer", ge=0)
    offer_cost: float = setting(50.0, "cost of an offer, paid if it is taken", "USD per offer taken", ge=0)
    contact_cost: float = setting(1.0, "cost of a contact, paid in any case", "USD per contact", ge=0)
    kept_share: float = setting(0.2, "would-be churners that an offer keeps", "share of churners", ge=0, le=1)
    taken_and_left_share: float = setting(
        0.0, "would-be churners who take an offer and leave anyway", "share of churners", ge=0, le=1
    )
    taken_by_stayers_share: float = setting(
        1.0, "retained customers who take an offer; 1 is the cautious choice", "share of retained customers", ge=0, le=1
    )
    capacity: int | None = setting(None, "most contacts of one run; null means no limit", "customers", ge=0)
    campaign_key: str = setting(
        "churn",
        "key of the draw that gives each customer of a campaign their arm; keep it, so that a draw can be replayed",
        min_length=1,
        secret=True,
    )
    follow_days: int = setting(
        90, "time that a customer of a campaign keeps their arm after it ended", "days", ge=0, le=3650
    )
    contact_limit: int | None = setting(
        3, "most contacts with one customer in `contact_days`; null means no limit", "contacts", ge=1
    )
    contact_days: int = setting(
        30, "time over which contacts count, and in which a dismissal keeps a customer off the list", "days", ge=1
    )
    offer_days: int = setting(
        365, "time until a customer is made the next offer; 0 means no wait", "days", ge=0, le=3650
    )
    never_contacted: tuple[str, ...] = setting(
        (), "IDs of customers who get no offer, such as staff and test accounts; commas between"
    )
    payment_failed: str | None = setting(
        None, "feature that is above 0, or true, where a payment failed: a dunning case, which gets no offer"
    )

    @field_validator("never_contacted", mode="before")
    @classmethod
    def _ids_as_list(cls, value: Any) -> Any:
        """The environment holds texts only; YAML reads an ID of digits as a number."""
        found = listed(value, "customer IDs are a list, such as [C000001, C000002]")
        return [str(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in found]

    @model_validator(mode="after")
    def _makes_sense(self) -> Decision:
        if self.medium_from > self.high_from:
            raise ValueError("`medium_from` is above `high_from`")
        if self.kept_share + self.taken_and_left_share > 1:
            raise ValueError("`kept_share` and `taken_and_left_share` are together above 1")
        return self

    @property
    def default_amounts(self) -> tuple[str, ...]:
        """The amounts of money that no one set: their defaults are not those of the company."""
        return tuple(name for name in ("customer_value", "offer_cost") if name not in self.model_fields_set)

    def fatigue(self) -> dict[str, Any]:
        """How often a customer may be contacted, as the arguments of ``retention.fatigue.FatigueRule``."""
        return {"contact_limit": self.contact_limit, "contact_days": self.contact_days, "offer_days": self.offer_days}

    def limits(self) -> dict[str, Any]:
        """The other arguments of ``retention.DecisionRule``."""
        return {
            "threshold": self.threshold,
            "medium_from": self.medium_from,
            "high_from": self.high_from,
            "capacity": self.capacity,
            "never_contacted": frozenset(self.never_contacted),
        }

    def economics(self) -> dict[str, float]:
        """The economics of an offer, as the arguments of ``retention.Economics``."""
        return {
            "value": self.customer_value,
            "offer_cost": self.offer_cost,
            "contact_cost": self.contact_cost,
            "kept_share": self.kept_share,
            "taken_and_left_share": self.taken_and_left_share,
            "taken_by_stayers_share": self.taken_by_stayers_share,
        }


class Schedule(Section):
    """The daily run."""

    at: str = setting("06:00", "time of day, in `time_zone`", "hh:mm")
    time_zone: str | None = setting(
        None, "time zone of `at`, such as Europe/Berlin; null takes the contract's, UTC where it has none"
    )
    retries: int = setting(3, "tries of a run that failed, after the first one", "tries", ge=0, le=20)
    first_wait_seconds: float = setting(
        60.0, "wait before the first of them; doubled for each further one", "seconds", gt=0, le=86_400
    )

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
            raise ValueError("no time of day; write it like 06:00")
        return value

    @field_validator("time_zone")
    @classmethod
    def _zone_is_known(cls, value: str | None) -> str | None:
        try:
            ZoneInfo(value or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone; write it like Europe/Berlin, or UTC") from None
        return value


class Webhook(Section):
    """The address that each day's list is sent to."""

    url: str | None = setting(None, "address that the list is posted to; null sends nothing", secret=True)
    secret: str | None = setting(
        None, "key that signs what is sent, 16 characters or more; the receiver has it too", secret=True, min_length=16
    )
    allowed_hosts: tuple[str, ...] = setting(
        (), "hosts that customers may be sent to, such as crm.example.com or crm.example.com:8443; commas between"
    )
    page_rows: int = setting(1000, "most customers of one request", "customers", ge=1, le=100_000)
    timeout_seconds: float = setting(10.0, "longest wait for an answer", "seconds", gt=0)
    attempts: int = setting(5, "most tries of one request", "tries", ge=1, le=20)
    deadline_seconds: float = setting(600.0, "most time for the whole list, waits included", "seconds", gt=0)

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _hosts_as_list(cls, value: Any) -> Any:
        """The environment holds texts only."""
        return [host.lower() if isinstance(host, str) else host for host in listed(value)]

    @model_validator(mode="after")
    def _is_safe(self) -> Webhook:
        if self.url is None:
            return self
        host, port = _host_of(self.url)
        if self.secret is None:
            raise ValueError("`url` needs a `secret`, which signs what is sent; best as CHURN__WEBHOOK__SECRET")
        if not {host, f"{host}:{port}"} & set(self.allowed_hosts):
            raise ValueError(f"`url` leads to {host}, which is not in `allowed_hosts`: add it if it may have customers")
        return self


def _host_of(url: str) -> tuple[str, int]:
    """Host and port of a web address; the address itself, which may hold a token, is in no message."""
    how = "write it like https://crm.example.com/churn"
    if any(sign in url for sign in "\\@") or not url.isprintable() or " " in url:
        raise ValueError(f"`url` has a space, @ or backslash in it: {how}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"`url` is no web address: {how}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"`url` is no web address: {how}")
    return host, port or (443 if parts.scheme == "https" else 80)


class Logging(Section):
    """The log of the program, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = setting("info", "least important events that are shown")
    format: Literal["auto", "json", "text"] = setting("auto", "auto writes text to a terminal, JSON elsewhere")


class Settings(Section):
    """All settings; frozen."""

    source: Source = Field(default_factory=Source)
    contract: Contract = Field(default_factory=Contract)
    models: Models = Field(default_factory=Models)
    store: Store = Field(default_factory=Store)
    mlflow: MLflow = Field(default_factory=MLflow)
    training: Training = Field(default_factory=Training)
    scoring: Scoring = Field(default_factory=Scoring)
    decision: Decision = Field(default_factory=Decision)
    schedule: Schedule = Field(default_factory=Schedule)
    webhook: Webhook = Field(default_factory=Webhook)
    serving: Serving = Field(default_factory=Serving)
    logging: Logging = Field(default_factory=Logging)


def sections() -> dict[str, type[BaseModel]]:
    """The declaration of each section, by its name."""
    return {name: type(section) for name, section in Settings()}


def settings_by_name() -> dict[str, FieldInfo]:
    """The declaration of each setting, by its name ``section.key``."""
    return {
        f"{name}.{key}": setting
        for name, section in sections().items()
        for key, setting in section.model_fields.items()
    }
