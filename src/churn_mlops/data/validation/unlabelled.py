"""Rows without a label among which the training rows have no retained customers, so that all seem to be churners."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.findings import Problem

_LEAST_ROWS, _LEAST_SHARE = 20, 0.2
_TAIL = 0.01
"""Share of the retained customers that is left out at either end of a number."""
_RARE = 0.005
"""Share of the retained customers below which a level hardly has any."""


def unlabelled_apart(rows: pa.Table, unlabelled: pa.Table, contract: DataContract) -> tuple[Problem, ...]:
    """A warning for the feature by which most rows without a label lie apart from all retained customers.

    Example: customers who joined recently have no label, and all retained customers have been there for months.

    Args:
        rows: with a known label, as ``read_snapshot`` gives them.
        unlabelled: rows without one.
        contract: what they mean.

    Returns:
        One warning, or none.
    """
    stayed = rows.filter(pc.equal(rows[LABEL], 0))
    if len(unlabelled) < _LEAST_ROWS or len(stayed) < _LEAST_ROWS:
        return ()
    found = [(apart, name, where) for name in contract.features for apart, where in _apart(stayed, unlabelled, name)]
    apart, name, where = max(found, default=(0, "", ""))
    if apart < max(_LEAST_ROWS, _LEAST_SHARE * len(unlabelled)):
        return ()
    message = (
        f"{apart:,} of {len(unlabelled):,} rows without a label have {where}, where the training rows have next to no "
        f"customer who stayed: the model takes nearly all of them for churners. If they stayed, label them: `negative` "
        "of the label takes several values"
    )
    return (Problem("warning", contract.column_of(name), "unlabelled_apart", apart, (), message),)


def _apart(stayed: pa.Table, unlabelled: pa.Table, name: str) -> Iterator[tuple[int, str]]:
    """How many unlabelled rows have values of ``name`` that hardly any retained customer has, and which values."""
    if pa.types.is_dictionary(stayed[name].type):
        shares = _shares(stayed[name])
        held = _shares(unlabelled[name])
        rare = [level for level in held if shares.get(level, 0.0) < _RARE]
        rows = round(sum(held[level] for level in rare) * len(unlabelled))
        yield rows, f"{' or '.join(map(repr, rare[:3]))}" if rare else ""
        return
    known, now = (np.asarray(table[name].to_numpy(), dtype=np.float64) for table in (stayed, unlabelled))
    known = known[~np.isnan(known)]
    if known.size:
        low, high = np.quantile(known, [_TAIL, 1 - _TAIL])
        yield int((now < low).sum()), f"a value below {low:g}"
        yield int((now > high).sum()), f"a value above {high:g}"


def _shares(column: pa.ChunkedArray) -> dict[str, float]:
    counts = pc.value_counts(column.cast(pa.string())).to_pylist()
    return {str(one["values"]): one["counts"] / len(column) for one in counts if one["values"] is not None}
