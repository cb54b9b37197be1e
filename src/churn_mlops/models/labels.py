"""The labels of a fit, however they are kept."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import Feature, level_text
from churn_mlops.errors import DataError
from churn_mlops.features.cells import is_missing

_LABEL = Feature(type="boolean")


def read_labels(y: Any) -> npt.NDArray[Any]:
    """``y`` as an array of numbers, flags or texts, shape (rows,).

    Args:
        y: a list, an array, a column of a DataFrame or of an Arrow table; of shape (rows, 1) with a warning.

    Raises:
        DataError: a label is missing, or ``y`` is None or of another shape.
    """
    labels = _cells(y)
    if any(isinstance(label, list | tuple) for label in labels):
        raise DataError("the labels need the shape (rows,)")
    missing = sum(is_missing(label, _LABEL) for label in labels)
    if missing:
        raise DataError(f"{missing} of {len(labels)} labels are missing: drop those customers, or score them")
    if all(isinstance(label, bool | int | float) for label in labels):
        return np.array(labels)
    return np.array([level_text(label) for label in labels])


def two_classes(y: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """The two values of ``y`` in their order, and for each row 1.0 where it has the second.

    Raises:
        DataError: as :func:`read_labels`, or ``y`` has another number of values.
    """
    # Imported here, because serving imports this package and has no scikit-learn.
    from sklearn.utils.multiclass import type_of_target

    labels = read_labels(y)
    classes, places = np.unique(labels, return_inverse=True)
    need = f"the labels need two values, not {len(classes)}: {classes[:5].tolist()}"
    if len(classes) > 2:
        kind = type_of_target(labels)
        raise DataError(f"Only binary classification is supported. The type of the target is {kind}: {need}")
    if len(classes) < 2:
        raise DataError(f"{need}; one class alone gives nothing to learn")
    return classes, places.astype(np.float64)


def _cells(y: Any) -> list[Any]:
    if y is None:
        raise DataError("a churn model requires y to be passed, but the target y is None")
    if hasattr(y, "to_pylist"):  # Arrow
        return list(y.to_pylist())
    if hasattr(y, "__array__") and (hasattr(y, "columns") or not hasattr(y, "tolist")):
        y = np.asarray(y)
    cells = y.tolist() if hasattr(y, "tolist") else list(y)
    return _one_column(cells) if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1 else cells


def _one_column(rows: list[list[Any]]) -> list[Any]:
    from sklearn.exceptions import DataConversionWarning

    warnings.warn(
        "A column-vector y was passed when a 1d array was expected: pass y of shape (rows,)",
        DataConversionWarning,
        stacklevel=5,
    )
    return [row[0] for row in rows]
