"""The demo company as one flat file: what a company exports on the day it begins, before anyone opens its database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from churn_mlops.atomic_files import write_atomic
from churn_mlops.data.contract import LEFT, HistoryContract, load_contract
from churn_mlops.data.demo_company.company import CompanyFiles
from churn_mlops.data.snapshot.date_range import first_day, last_day
from churn_mlops.data.snapshot.labels import training_dates
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.formats.duckdb_reader import connect_duckdb
from churn_mlops.data.sources.history_tables import tables_of
from churn_mlops.errors import ContractError
from churn_mlops.keyed_hash import in_test_set

OPEN_SHARE = 0.25
"""Share of customers who stand there as they are on the last day, with a blank label: they are the ones to score."""
_LABEL = "churned"


def write_flat(files: CompanyFiles) -> Path:
    """Write ``customers.csv`` beside the database of a demo company: one row a customer, eight features and the label.

    Three customers in four stand there as of the last day whose label is final, and ``churned`` says whether they left
    in the 30 days after it. The others stand there as of the last day of all: their 30 days are not over.

    Returns:
        The file. The same company gives the same bytes.

    Raises:
        ContractError: the company's contract is none of a history.
        OSError: the file cannot be written.
    """
    contract = load_contract(files.contract)
    if not isinstance(contract, HistoryContract):
        raise ContractError(f"{files.contract} declares no history: make the demo company again")
    required = {name: feature for name, feature in contract.features.items() if feature.required}
    contract = contract.model_copy(update={"features": required})
    with _tables(files.database, contract) as tables:
        last = last_day(tables, contract)
        (known,) = training_dates(contract, first_day(tables, contract), last, every_days=1, most=1)
        labelled = read_history(tables, contract, [known], label=True)
        open_ = read_history(tables, contract, [last])
    header = [contract.customer, *required, _LABEL]
    rows = [row for row in _rows(labelled, header, still_open=False) if row[-1] is not None]
    rows += _rows(open_, header, still_open=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(sorted(rows))
    path = files.database.with_name("customers.csv")
    write_atomic(path, text.getvalue().encode())
    return path


@contextmanager
def _tables(database: Path, contract: HistoryContract) -> Iterator[dict[str, ir.Table]]:
    connection = connect_duckdb(database)
    try:
        yield tables_of(connection, contract)
    finally:
        connection.disconnect()


def _rows(snapshot: pa.Table, header: list[str], *, still_open: bool) -> list[list[Any]]:
    """The rows of those customers who stand there as of this snapshot's date."""
    names = snapshot.column(header[0]).to_pylist()
    chosen = np.array(in_test_set(names, "open", OPEN_SHARE), dtype=bool) == still_open
    rows = snapshot.filter(pa.array(chosen)).to_pylist()
    for row in rows:
        row["tenure"] = int(row["tenure"])  # whole months, as people count them
        row[_LABEL] = "" if still_open else row[LEFT]
    return [[row[name] for name in header] for row in rows]
