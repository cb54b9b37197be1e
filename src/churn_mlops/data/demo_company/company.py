"""Writing the demo company: its database, its contract, and the truth."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from churn_mlops.atomic_files import replace_atomic, write_atomic
from churn_mlops.data.demo_company.contract import CONTRACT
from churn_mlops.data.demo_company.history import live
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.data.demo_company.tables import Columns, Database
from churn_mlops.data.demo_company.truth import Truth

FEWEST_MONTHS = 4
"""Fewer months hold no as-of date with three months of behaviour before it."""


@dataclass(frozen=True)
class CompanyFiles:
    """The files of the demo company."""

    database: Path
    contract: Path
    truth: Path


def write_company(folder: Path, customers: int, months: int, seed: int, last_day: date = LAST_DAY) -> CompanyFiles:
    """Write ``company.duckdb``, ``contract.yaml`` and ``truth.parquet`` into ``folder``, made when it is not there.

    The same arguments give the same rows, in the same order. Each file appears whole or not at all.

    Args:
        folder: where to.
        customers: how many are active on the last day, and on every such day of a month before it; each who leaves
            is replaced by a new one in the same month.
        months: length of the history.
        seed: another seed gives another company.
        last_day: the last complete day of the history.

    Raises:
        ValueError: there is no customer, or are fewer than four months.
        OSError: the folder cannot be written.
    """
    if customers < 1:
        raise ValueError(f"customers is {customers}; the demo company needs at least 1")
    if months < FEWEST_MONTHS:
        raise ValueError(f"months is {months}; the demo company needs at least {FEWEST_MONTHS}")
    folder.mkdir(parents=True, exist_ok=True)
    files = CompanyFiles(folder / "company.duckdb", folder / "contract.yaml", folder / "truth.parquet")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".company.", suffix=".tmp") as name:
        database, truth = Path(name) / "company.duckdb", Path(name) / "truth.parquet"
        _write(database, truth, customers, months, seed, last_day)
        replace_atomic(truth, files.truth)
        write_atomic(files.contract, CONTRACT.encode())
        replace_atomic(database, files.database)
    return files


def _write(database: Path, truth: Path, customers: int, months: int, seed: int, last_day: date) -> None:
    with closing(Truth(truth, last_day)) as true_values, closing(Database(database, last_day)) as tables:

        def take(table: str, columns: Columns) -> None:
            if table == "truth":
                true_values.add(columns)
            else:
                tables.add(table, columns)

        live(np.random.default_rng(seed), customers, months, last_day, take)
        tables.finish()
