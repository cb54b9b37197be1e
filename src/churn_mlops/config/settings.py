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

from churn_mlops.config.backup import Backup
from churn_mlops.config.console import Console
from churn_mlops.config.decision import Decision
from churn_mlops.config.monitoring import Monitoring
from churn_mlops.config.oidc import Oidc
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
        None, "file (CSV, Excel, Parquet, JSON and others), folder or database address that is read", secret=True
    )
    table: str | None = setting(None, "table of that database, or sheet; may be left out where there is only one")
    as_of: str = setting(
        "today",
        "as-of date of a run: today, latest (the last complete day of a history), or a date",
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
    connections: int = setting(
        6,
        "most connections of one process of the server to PostgreSQL; two of them are not for requests",
        "connections",
        ge=3,
        le=100,
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
    least_gain: float = setting(
        0.0,
        "least gain of the lists over those of the live version for which a new version goes live; a change costs work",
        "USD per month",
        ge=0,
    )
    shadow_days: int = setting(
        0,
        "time that a new version scores beside the live one before it replaces it; 0 replaces it after training",
        "days",
        ge=0,
        le=365,
    )
    watch_days: int = setting(
        60,
        "time after a change in which the version before scores too, and comes back where the new one earns less; 0 "
        "never goes back by itself",
        "days",
        ge=0,
        le=365,
    )
    due_days: int = setting(
        7,
        "time after which `churn train --if-due` trains again, unless the lists lose money before",
        "days",
        ge=1,
        le=36_500,
    )
    threads: int | None = setting(
        None,
        "threads of a fit; null takes as many as this process has cores, by its affinity and its container's quota",
        "cores",
        ge=1,
    )


class Scoring(Section):
    """The output of a daily run beside the store."""

    output: str | None = setting(
        None, "folder for all scores of a run on Spark, as Parquet: a path or address that every executor reaches"
    )


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

    again: int = setting(
        8, "tries of a day that was abandoned, one after another, until the next day is due", "tries", ge=0, le=100
    )
    again_seconds: float = setting(3600.0, "wait before each of them", "seconds", gt=0, le=86_400)
    metrics_port: int | None = setting(
        None, "port of `churn schedule` for /metrics and /health; 0 takes a free one, null opens none", ge=0, le=65535
    )
    metrics_host: str = setting(
        "127.0.0.1", "address of this port; they hold no customer and need no key", min_length=1
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
            raise ValueError("`url` needs a `secret`, which signs what is sent; best as CHURN__WEBHOOK__SECRET_FILE")
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
    backup: Backup = Field(default_factory=Backup)
    mlflow: MLflow = Field(default_factory=MLflow)
    training: Training = Field(default_factory=Training)
    scoring: Scoring = Field(default_factory=Scoring)
    decision: Decision = Field(default_factory=Decision)
    monitoring: Monitoring = Field(default_factory=Monitoring)
    schedule: Schedule = Field(default_factory=Schedule)
    webhook: Webhook = Field(default_factory=Webhook)
    serving: Serving = Field(default_factory=Serving)
    console: Console = Field(default_factory=Console)
    oidc: Oidc = Field(default_factory=Oidc)
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
