"""Who is trained on, and who is set aside to judge models."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.errors import DataError
from churn_mlops.keyed_hash import in_test_set
from churn_mlops.models.scorers.lookup_tables import Floats, Places

MIN_LEAVERS_SET_ASIDE = 5
ENOUGH_LEAVERS = 100
"""Leavers from which the latest dates tell enough."""
Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class TrainingData:
    """Customers with a known label, split into those trained on and those set aside.

    ``fingerprint`` is the SHA-256 of all of them; ``mark`` tells this way of setting aside from others. Of a history,
    which has a row for each customer and date, ``train_groups`` and ``aside_groups`` tell the customer of each row, and
    those set aside are judged on the latest dates.
    """

    train: pa.Table
    train_y: Floats
    aside: pa.Table
    aside_y: Floats
    fingerprint: str
    mark: str
    train_groups: Places | None = None
    aside_groups: Places | None = None

    @property
    def train_customers(self) -> int:
        """How many customers the rows trained on are of."""
        return len(self.train) if self.train_groups is None else len(np.unique(self.train_groups))

    @property
    def aside_customers(self) -> int:
        """How many customers the rows set aside are of."""
        return len(self.aside) if self.aside_groups is None else len(np.unique(self.aside_groups))


def split(snapshot: pa.Table, contract: DataContract, settings: Settings, as_of: Dates | None = None) -> TrainingData:
    """Set a share of the customers aside, by a keyed hash of the customer, or of the row where rows have no name.

    Args:
        snapshot: the rows, with label.
        contract: what they mean.
        settings: the key and the share.
        as_of: of a history, the date of each row, shape (rows,): those set aside are judged on the latest dates, as few
            as hold 100 of them who left.

    Raises:
        DataError: fewer than 5 customers who left, or who stayed, are set aside.
    """
    names = _row_names(snapshot) if contract.customer is None else snapshot.column(contract.customer).to_pylist()
    aside = np.array(in_test_set(names, settings.training.set_aside_key, settings.training.set_aside_share), dtype=bool)
    train = ~aside
    y = snapshot.column(LABEL).to_numpy().astype(np.float64)
    if as_of is not None:
        aside = aside & (as_of >= np.datetime64(latest_dates(as_of, aside & (y == 1), ENOUGH_LEAVERS)[0], "D"))
    left, stayed = int(y[aside].sum()), int((1 - y[aside]).sum())
    if min(left, stayed) < MIN_LEAVERS_SET_ASIDE:
        raise DataError(
            f"of the {int(aside.sum())} customers set aside to judge models, {left} left and {stayed} stayed: at least "
            f"{MIN_LEAVERS_SET_ASIDE} of each are needed; bring more customers, or raise training.set_aside_share"
        )
    groups = None if as_of is None else customer_codes(snapshot, contract)
    features = snapshot.select(list(contract.features))
    return TrainingData(
        features.filter(pa.array(train)),
        y[train],
        features.filter(pa.array(aside)),
        y[aside],
        _fingerprint(snapshot),
        set_aside_mark(contract, settings),
        None if groups is None else groups[train],
        None if groups is None else groups[aside],
    )


def latest_dates(as_of: Dates, left: npt.NDArray[np.bool_], enough: int, most: int | None = None) -> list[date]:
    """The last dates, as few as hold ``enough`` leavers, at most ``most`` of them, always one; ascending.

    Args:
        as_of: the date of each row, shape (rows,).
        left: the rows of those who left, shape (rows,).
        enough: leavers.
        most: dates.
    """
    dates = [day.astype(object) for day in np.unique(as_of)]
    most = len(dates) if most is None else max(1, most)
    for count in range(1, most + 1):
        if int(left[as_of >= np.datetime64(dates[-count], "D")].sum()) >= enough:
            return dates[-count:]
    return dates[-most:]


def customer_codes(rows: pa.Table, contract: DataContract) -> Places:
    """A whole number for each row's customer, shape (rows,)."""
    return np.asarray(rows.column(contract.customer).combine_chunks().dictionary_encode().indices, dtype=np.intp)


def _row_names(snapshot: pa.Table) -> list[str]:
    """A name for each row from its cells, so that the order of rows sets nobody else aside; repeats are numbered."""
    cells = [
        pc.fill_null(column.cast(column.type.value_type if pa.types.is_dictionary(column.type) else pa.string()), "\0")
        for column in snapshot.combine_chunks().columns
    ]
    content = pc.binary_join_element_wise(*cells, "\x1f").combine_chunks().dictionary_encode()
    codes = content.indices.to_numpy()
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], codes[order])
    occurrence = np.empty(len(codes), dtype=np.int64)
    occurrence[order] = np.arange(len(codes)) - first
    return [f"{text}\x1f{number}" for text, number in zip(content.to_pylist(), occurrence.tolist(), strict=True)]


def set_aside_mark(contract: DataContract, settings: Settings) -> str:
    """Tells two ways of setting customers aside apart without telling the key."""
    named_by = {
        "customer": contract.customer,
        "cells": contract.customer or [f"{name}: {feature.type}" for name, feature in contract.features.items()],
    }
    training = settings.training
    text = f"{training.set_aside_key}\n{training.set_aside_share!r}\n{json.dumps(named_by)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fingerprint(snapshot: pa.Table) -> str:
    """SHA-256 of the snapshot's content, whatever the engine's chunks: each column as one run of plain values."""
    digest = hashlib.sha256()
    for name in snapshot.column_names:
        column = snapshot.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        plain = pa.table({name: pa.concat_arrays(column.chunks)}) if column.num_chunks else pa.table({name: column})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, plain.schema) as writer:
            writer.write_table(plain)
        digest.update(sink.getvalue())
    return digest.hexdigest()
