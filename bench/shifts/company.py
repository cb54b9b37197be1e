"""The demo company over two years, with the true probabilities of leaving, and a model of the months before."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.shifts.changes import CHANGES, Month, Shift
from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract, load_contract
from churn_mlops.data.demo_company import write_company
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.train import fit_bundle

HISTORY, LEARNT, UNUSED, LIVE = 46, 9, 1, 24
"""Months that the company writes, that a model learns from, without a final label then, and that it is live."""
FIT_ROWS = 60_000


@dataclass(frozen=True)
class Company:
    """The months of a company, and the model that scores them.

    A month is scored again only where a shift changes what its rows say.
    """

    months: list[Month]
    bundle: Bundle

    def scored(self, month: Month) -> Month:
        """The month with the churn probabilities of the model, where it has none."""
        return (
            month if month.scores is not None else replace(month, scores=ChurnPredictor(self.bundle).score(month.rows))
        )

    def shifted(self, shift: Shift) -> Iterator[Month]:
        """Each month."""
        draw = np.random.default_rng(shift.seed)
        for place, month in enumerate(self.months):
            by = shift.strength(place)
            yield self.scored(CHANGES[shift.kind](shift, by, month, draw) if by > 0 else month)


@cache
def company(customers: int, seed: int) -> Company:
    """The demo company, and a model of its first months."""
    with tempfile.TemporaryDirectory() as name:
        files = write_company(Path(name), customers, HISTORY, seed)
        contract = load_contract(files.contract)
        assert isinstance(contract, HistoryContract)
        truth = pq.read_table(files.truth)
        dates = sorted(set(truth["as_of"].to_pylist()))[3 : 3 + LEARNT + UNUSED + LIVE]
        tables = open_tables(str(files.database), contract)
        months = [month_of(tables, contract, truth, day) for day in dates]
    learnt = pa.concat_tables([month.rows for month in months[:LEARNT]])
    learnt = learnt.take(pa.array(np.random.default_rng(seed).permutation(len(learnt))[:FIT_ROWS]))
    y = learnt.column(LABEL).to_numpy().astype(np.float64)
    bundle = fit_bundle(learnt, y, contract.flat(), "additive_boosting", seed=seed)
    made = Company(months[LEARNT + UNUSED :], bundle)
    return replace(made, months=[made.scored(month) for month in made.months])


def month_of(tables: Mapping[str, ir.Table], contract: HistoryContract, truth: pa.Table, day: date) -> Month:
    """The customers of a date whose labels are known."""
    found = read_history(tables, contract, [day], label=True)
    known = found.filter(pc.is_valid(found[LEFT])).drop_columns([AS_OF])
    rows = read_snapshot(ibis.memtable(known), contract.flat(), label="known")
    of_day = truth.filter(pc.equal(truth["as_of"], day))
    place = pc.index_in(rows.column(contract.customer), of_day["customer_id"])
    return Month(rows.drop_columns([contract.customer]), of_day["hazard"].take(place).to_numpy())
