"""The test set: customers that no model version is ever trained on, and on which all versions are compared."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.errors import DataError
from churn_mlops.keyed_hash import in_test_set
from churn_mlops.models.fitting.copies import copy_groups
from churn_mlops.models.scorers.lookup_tables import Floats, Places

MIN_OF_EACH_CLASS = 5
ENOUGH_CHURNERS = 100
"""Churners from which the latest dates make a reliable test."""
COMPARED_CHURNERS = 300
"""Churners from which two versions are compared: their difference is smaller than the error of one of them."""
Dates = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SplitRule:
    """Which customers belong to the test set.

    Args:
        share: expected share of the customers, in (0, 1).
        key: of the keyed hash, a secret; another key draws another test set.
    """

    share: float
    key: str = field(repr=False)

    def in_test_set(self, snapshot: pa.Table, contract: DataContract) -> Mask:
        """Whether the customer of each row belongs to the test set, shape (rows,).

        The hash is that of the customer ID, or that of the row's cells where the contract names no customer column.
        """
        ids = _row_ids(snapshot) if contract.customer is None else snapshot.column(contract.customer).to_pylist()
        return np.array(in_test_set(ids, self.key, self.share), dtype=bool)

    def mark(self, contract: DataContract) -> str:
        """A hash that differs between two ways of drawing the test set, and does not reveal the key."""
        named_by = {
            "customer": contract.customer,
            "cells": contract.customer or [f"{name}: {feature.type}" for name, feature in contract.features.items()],
        }
        text = f"{self.key}\n{self.share!r}\n{json.dumps(named_by)}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ComparedRows:
    """Rows of customers of the test set, on which a candidate and the champion are compared.

    Args:
        rows: their features; of a history, at the latest dates, as few as hold 300 churners.
        y: 1 where the customer of such a row churned, else 0, shape (rows,).
        customers: the customer of each row as a whole number, shape (rows,); None where each row is a customer.
        as_of: of a history, the date of each row, shape (rows,); None of a flat table.
    """

    rows: pa.Table
    y: Floats
    customers: Places | None = None
    as_of: Dates | None = None

    @property
    def dates(self) -> list[Mask]:
        """Which rows are of each date, the earliest first; a flat table has one."""
        if self.as_of is None:
            return [np.ones(len(self.y), dtype=bool)]
        return [np.asarray(self.as_of == day) for day in np.unique(self.as_of)]


@dataclass(frozen=True)
class TrainingData:
    """Rows with a known label, split into training set and test set.

    Args:
        train: features of the training set.
        train_y: 1 where the customer of such a row churned, else 0, shape (rows,).
        test: features of the test set; of a history, at the latest dates only.
        test_y: as ``train_y``, of the test set.
        compared: rows of the same customers on which it is compared with the champion; of a history, at more dates.
        fingerprint: SHA-256 of all rows.
        mark: of the split rule.
        train_groups: the customer of each row as a whole number, shape (rows,), and of copies of a row; None where each
            row is a customer.
        test_groups: as ``train_groups``, of the test set.
        copies: rows of a flat table that are copies of an earlier one under another customer ID.
        is_flat: whether each row is a customer.
    """

    train: pa.Table
    train_y: Floats
    test: pa.Table
    test_y: Floats
    compared: ComparedRows
    fingerprint: str
    mark: str
    train_groups: Places | None = None
    test_groups: Places | None = None
    copies: int = 0
    is_flat: bool = True

    @property
    def train_customers(self) -> int:
        """Customers in the training set; of a flat table its rows, copies under another ID included."""
        return len(self.train) if self.is_flat or self.train_groups is None else len(np.unique(self.train_groups))

    @property
    def test_customers(self) -> int:
        """Customers in the test set, counted alike."""
        return len(self.test) if self.is_flat or self.test_groups is None else len(np.unique(self.test_groups))


def split(snapshot: pa.Table, contract: DataContract, rule: SplitRule, as_of: Dates | None = None) -> TrainingData:
    """Split ``snapshot`` by customer into training set and test set.

    Args:
        snapshot: the rows, with label.
        contract: what they mean.
        rule: which customers belong to the test set.
        as_of: of a history, the date of each row, shape (rows,): the test set takes the latest dates, as few as hold
            100 churners; the comparison with the champion, as few as hold 300.

    Raises:
        DataError: the test set holds fewer than 5 churners, or fewer than 5 retained customers.
    """
    excluded = rule.in_test_set(snapshot, contract)
    y = snapshot.column(LABEL).to_numpy().astype(np.float64)
    features = snapshot.select(list(contract.features))
    groups, copies = None, 0
    if as_of is not None:
        groups, train = customer_codes(snapshot, contract), ~excluded
        test = at_latest_dates(excluded, y, as_of, ENOUGH_CHURNERS)
        compared = at_latest_dates(excluded, y, as_of, COMPARED_CHURNERS)
    else:
        groups = copy_groups([_numbers(column) for column in features.columns], y)
        if groups is not None:
            excluded = np.isin(groups, groups[excluded])  # a copy follows what it copies
            copies = len(y) - len(np.unique(groups))
        test, compared, train = excluded, excluded, ~excluded
    _check_test_set(y[test])
    tested = features.filter(pa.array(test))
    return TrainingData(
        train=features.filter(pa.array(train)),
        train_y=y[train],
        test=tested,
        test_y=y[test],
        compared=ComparedRows(
            tested if np.array_equal(compared, test) else features.filter(pa.array(compared)),
            y[compared],
            None if groups is None else groups[compared],
            None if as_of is None else as_of[compared],
        ),
        fingerprint=_fingerprint(snapshot),
        mark=rule.mark(contract),
        train_groups=None if groups is None else groups[train],
        test_groups=None if groups is None else groups[test],
        copies=copies,
        is_flat=as_of is None,
    )


def at_latest_dates(excluded: Mask, y: Floats, as_of: Dates, enough: int) -> Mask:
    """Which rows are of customers without training and of the latest dates, as few as hold ``enough`` churners.

    Args:
        excluded: whether no version trains on the customer of each row, shape (rows,).
        y: 1 where the customer of such a row churned, else 0, shape (rows,).
        as_of: the date of each row, shape (rows,).
        enough: churners.
    """
    return np.asarray(excluded & (as_of >= np.datetime64(latest_dates(as_of, excluded & (y == 1), enough)[0], "D")))


def _numbers(column: pa.ChunkedArray) -> Floats:
    """A feature as numbers: levels by their place, NaN for missing."""
    if pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(), dtype=np.float64)
    codes = column.combine_chunks()
    codes = codes if pa.types.is_dictionary(codes.type) else codes.dictionary_encode()
    return np.asarray(codes.indices.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False))


def latest_dates(as_of: Dates, churned: Mask, enough: int, most: int | None = None) -> list[date]:
    """The last dates, as few as hold ``enough`` churners, at most ``most`` of them, always one; ascending.

    Args:
        as_of: the date of each row, shape (rows,).
        churned: whether the customer of each row churned, shape (rows,).
        enough: churners.
        most: dates.
    """
    dates = [day.astype(object) for day in np.unique(as_of)]
    most = len(dates) if most is None else max(1, most)
    for count in range(1, most + 1):
        if int(churned[as_of >= np.datetime64(dates[-count], "D")].sum()) >= enough:
            return dates[-count:]
    return dates[-most:]


def customer_codes(rows: pa.Table, contract: DataContract) -> Places:
    """A whole number for each row's customer, shape (rows,)."""
    return np.asarray(rows.column(contract.customer).combine_chunks().dictionary_encode().indices, dtype=np.intp)


def _check_test_set(y: Floats) -> None:
    churned, retained = int(y.sum()), int((1 - y).sum())
    if min(churned, retained) < MIN_OF_EACH_CLASS:
        raise DataError(
            f"the test set holds {churned} customers who churned and {retained} who stayed: at least "
            f"{MIN_OF_EACH_CLASS} of each are needed; bring more customers, or raise training.set_aside_share"
        )


def _row_ids(snapshot: pa.Table) -> list[str]:
    """An ID for each row from its cells, so that the order of rows does not matter; repeats are numbered."""
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
