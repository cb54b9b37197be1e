"""A day with the command, in a folder of its own: what it prints for machines, writes, sends and notes in the audit."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import chdir, closing, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow.parquet as parquet
import yaml

from churn_mlops.cli import main
from churn_mlops.data.demo_company import write_company
from tests.pipelines.delivery.webhook_receiver import receiving
from tests.surface.interface import shape

CUSTOMERS, MONTHS = 800, 9
_CONTRACT = """
version: 1
name: demo
customer: customer_id
time_zone: Europe/Berlin
tables:
  customers: {start: signup_date, end: churn_date, end_known_at: churn_recorded_at}
  plans: {valid_from: valid_from, known_at: recorded_at}
  usage: {event_time: week_ending, known_at: loaded_at}
label: {event: customers.end, horizon_days: 30, reporting_delay_days: 7}
features:
  tenure: {age_of: customers.start, unit: months}
  monthly_charges: {last: plans.monthly_charges}
  contract_type: {last: plans.contract_type}
  logins_28d: {sum: usage.logins, days: 28, missing: 1.0}
"""
_STEPS = """
validate --json
train --json
train --model-type additive_boosting --force because --json
models list --json
models rollback --reason because
models promote 2 --reason because
models sync
report --json
score --json --out list.csv
score --out list.parquet
score --as-of 2026-09-01 --until 2026-09-02 --send --json
mature --json
schedule --status --json
doctor --json
keys create --name crm --role service --json
keys list --json
keys revoke {key} --json
people add anna --role agent --json
people add anna --role analyst --replace --json
people disable anna --json
people list --json
forget {customer} --yes --json
forget --again --json
audit --json
"""
_DEPEND_ON_THE_DAY = ("schedule", "doctor", "status")
"""Commands whose exit code says what of the machine and of the day."""


@dataclass
class Story:
    """What came of the commands."""

    printed: dict[str, Any] = field(default_factory=dict)
    """Names and types of the JSON that each command printed."""
    codes: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """What later commands are given: the id of a key, and a customer."""

    def follow(self, step: str) -> None:
        """Run one command."""
        code, printed = _run(*(word.format_map(self.names) for word in step.split()))
        if not step.startswith(_DEPEND_ON_THE_DAY):
            self.codes[step] = code
        if "--json" in step.split():
            document = json.loads(printed or "null")
            self.printed[step] = shape(document)
            if code:
                return  # it made nothing that could be named
            if step.startswith("keys create"):
                self.names["key"] = document["id"]
            if step.startswith("score --json"):
                self.names["customer"] = document["list"][0]["customer_id"]


def described(folder: Path, record: Path) -> dict[str, Any]:
    """Run the commands in ``folder``; ``record`` is an empty MLflow database, since making one takes seconds."""
    story = Story()
    with chdir(folder), receiving() as receiver, mock.patch.dict(os.environ, _environment(receiver.url)):
        write_company(Path(), CUSTOMERS, MONTHS, 1)
        story.follow("init --from company.duckdb --json")
        Path("config/contract.yaml").write_text(_CONTRACT, encoding="utf-8")
        Path("mlflow").mkdir()
        shutil.copy(record, "mlflow/mlflow.db")
        for step in _STEPS.strip().splitlines():
            story.follow(step)
        sent = receiver.requests[0]
        return {
            "audit events": audit_events(Path("store/churn.db")),
            "exit codes": story.codes,
            "export": _exports(),
            "files": sorted({_pattern(path) for path in Path().rglob("*") if path.is_file() and not _by_mlflow(path)}),
            "loader modules": sorted(_loaders()),
            "lines of tombstones.jsonl": [shape(json.loads(line)) for line in _lines("erasures/tombstones.jsonl")],
            "live.json": shape(json.loads(Path("models/live.json").read_bytes())),
            "printed": story.printed,
            "webhook": {"headers": sorted(sent.headers), "body": shape(sent.document)},
        }


def audit_events(database: Path) -> dict[str, Any]:
    """Names of all events in the audit log of a store, each with the names of its details and kinds of callers."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT event, caller, details FROM audit_events").fetchall()
    return {
        name: {
            "callers": sorted({caller.partition(":")[0] for event, caller, _ in rows if event == name}),
            "details": sorted({key for event, _, details in rows if event == name for key in json.loads(details)}),
        }
        for name in sorted({event for event, _, _ in rows})
    }


def _run(*words: str) -> tuple[int, str]:
    """Exit code of ``churn`` with these arguments, and what it prints."""
    printed, code = io.StringIO(), 0
    password = io.StringIO("correct horse battery staple\n")
    with mock.patch.object(sys, "argv", ["churn", *words]), mock.patch.object(sys, "stdin", password):
        try:
            with redirect_stdout(printed):
                main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return code, printed.getvalue()


def _environment(webhook: str) -> dict[str, str]:
    return {
        "NO_PROXY": "127.0.0.1",
        "CHURN__DECISION__THRESHOLD": "0.05",
        "CHURN__SERVING__PORT": "0",
        "CHURN__SOURCE__AS_OF": "latest",
        "CHURN__TRAINING__MODEL_TYPE": "logistic_regression",
        "CHURN__TRAINING__SNAPSHOTS": "3",
        "CHURN__WEBHOOK__ALLOWED_HOSTS": "127.0.0.1",
        "CHURN__WEBHOOK__SECRET": "k3y-that-signs-what-is-sent",
        "CHURN__WEBHOOK__URL": webhook,
    }


def _exports() -> dict[str, Any]:
    schema = parquet.read_schema("list.parquet")
    return {
        "list.csv": next(_lines("list.csv")).split(","),
        "list.parquet": [f"{column.name} {column.type}" for column in schema],
    }


def _lines(file: str) -> Iterator[str]:
    yield from Path(file).read_text(encoding="utf-8").splitlines()


def _loaders() -> set[str]:
    """Modules that MLflow loads the registered versions with."""
    files = Path("mlflow").rglob("MLmodel")
    return {yaml.safe_load(file.read_bytes())["flavors"]["python_function"]["loader_module"] for file in files}


def _by_mlflow(path: Path) -> bool:
    """Whether MLflow chose the file's name: which it writes beside our bundle changes with its version."""
    return path.match("artifacts/models/*/artifacts/*") and path.name != "MLmodel"


def _pattern(path: Path) -> str:
    """The path with what differs from run to run left open: hashes, ids and dates."""
    return re.sub(r"[0-9a-f]{32,64}|\d{4}-\d\d-\d\d", "*", path.as_posix())
