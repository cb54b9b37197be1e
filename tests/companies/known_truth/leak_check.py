"""Whether training would let a company be: its honest features are not refused, and a planted leak is caught."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import ibis.expr.types as ir
import numpy as np

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.leakage import LeakageReport, inspect
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.pipelines.training.snapshots import read_labelled
from churn_mlops.pipelines.training.test_set import customer_codes
from tests.companies.known_truth.company import Company
from tests.companies.known_truth.judge import TODAY, Judged

DATES = 6


def checked_for_leaks(company: Company, contract: HistoryContract, tables: Mapping[str, ir.Table]) -> list[Judged]:
    """The verdicts on the leakage checks at the latest dates, as training makes them.

    Args:
        company: knows which columns the leaving wrote.
        contract: right in all else.
        tables: the database of the company.
    """
    report = _inspected(contract, {key: tables[declared.table or key] for key, declared in contract.tables.items()})
    leaking = {name for name in contract.features if _reads_leak(name, contract, company)}
    missed, refused = leaking - set(report.sure), set(report.sure) - leaking
    said = "; ".join(f"{name}: {report.sure[name]}" for name in refused)
    return [
        Judged("planted leak", "silently wrong" if missed else "right", f"features {sorted(missed)}", "none"),
        Judged("honest company", "silently wrong" if refused else "right", f"refused: {said}", "none"),
    ]


def _inspected(contract: HistoryContract, opened: Mapping[str, ir.Table]) -> LeakageReport:
    last = last_day(opened, contract, TODAY) + timedelta(days=1)
    snapshots = read_labelled(opened, contract, last, every_days=30, max_dates=DATES)
    flat = contract.flat()
    label = np.asarray(snapshots.rows[LABEL].to_numpy())
    groups = customer_codes(snapshots.rows, flat)
    return inspect(snapshots.rows, label, flat, as_of=snapshots.as_of, groups=groups)


def _reads_leak(feature: str, contract: HistoryContract, company: Company) -> bool:
    table, column = contract.features[feature].reads
    return f"{contract.tables[table].table or table}.{column}" in company.truth.leaks
