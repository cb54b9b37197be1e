"""The columns of ``X`` by name; those of an array have none, and are known by their position."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.errors import DataError


def column_names(X: Any) -> list[str]:
    """Names of the columns of a DataFrame, an Arrow table, a list of mappings or a mapping of columns."""
    if hasattr(X, "column_names"):
        return list(X.column_names)
    if isinstance(X, Sequence) and not isinstance(X, str):
        return list(dict.fromkeys(str(name) for row in X if isinstance(row, Mapping) for name in row))
    return [str(name) for name in getattr(X, "columns", X if isinstance(X, Mapping) else ())]


def is_unnamed(X: Any) -> bool:
    """Whether the columns have no names: an array, a list of lists, or a DataFrame without a single text as a name."""
    if hasattr(X, "columns") or hasattr(X, "column_names"):
        names = X.columns if hasattr(X, "iloc") else ()
        return len(names) > 0 and not any(isinstance(name, str) for name in names)
    if isinstance(X, Sequence):
        return len(X) > 0 and isinstance(X[0], list | tuple | np.ndarray)
    return hasattr(X, "__array__") or hasattr(X, "toarray")


def as_unnamed(X: Any) -> Any:
    """Data that :func:`is_unnamed` as a DataFrame or an array of shape (rows, columns).

    Raises:
        DataError: it is sparse, complex, without a column, or of another shape.
    """
    if hasattr(X, "iloc"):
        return X
    if hasattr(X, "toarray"):
        raise DataError("sparse data are not supported: pass X.toarray()")
    array = np.asarray(X)
    if array.ndim != 2:
        raise DataError(
            f"X needs the shape (rows, columns), not {array.shape}. Reshape your data: one row for each customer"
        )
    if array.dtype.kind == "c":
        raise DataError("Complex data not supported: a feature is a number, a flag or a category")
    if array.shape[1] == 0:
        raise DataError(f"X has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required.")
    return array


def with_names(X: Any, names: Iterable[str]) -> Any:
    """The DataFrame or array ``X`` with ``names`` for its columns."""
    if hasattr(X, "iloc"):
        return X.set_axis(list(names), axis=1)
    columns: npt.NDArray[Any] = X.T
    return dict(zip(names, columns, strict=True))
