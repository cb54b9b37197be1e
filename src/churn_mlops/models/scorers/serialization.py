"""Models as plain data (numbers, text, lists) and back, without loss."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from churn_mlops.models.calibration import Calibration
from churn_mlops.models.scorers.lightgbm_text import tree_from_plain
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis, Floats, Line, Pair
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble


def model_to_plain(model: AdditiveTables | TreeEnsemble) -> dict[str, Any]:
    """``model`` as plain data, from which :func:`model_from_plain` makes an equal one."""
    if isinstance(model, AdditiveTables):
        return {"kind": "tables", **tables_to_plain(model)}
    return {
        "kind": "trees",
        "features": model.features,
        "offset": model.offset,
        "calibration": asdict(model.calibration),
        "trees": [tree.to_plain() for tree in model.trees],
    }


def model_from_plain(data: dict[str, Any]) -> AdditiveTables | TreeEnsemble:
    """The model that :func:`model_to_plain` described.

    Raises:
        ValueError, KeyError, TypeError: ``data`` describes no model.
    """
    if data["kind"] == "tables":
        return tables_from_plain(data)
    if data["kind"] != "trees":
        raise ValueError(f"a model of the kind {data['kind']!r} is not known")
    calibration = Calibration(**{name: float(value) for name, value in data["calibration"].items()})
    numbers = [float(data["offset"]), *vars(calibration).values()]
    if not all(map(math.isfinite, numbers)) or min(calibration.slope, calibration.slope + calibration.bend) <= 0:
        raise ValueError("the calibration of the trees is not finite, or does not ascend")
    features = int(data["features"])
    trees = tuple(tree_from_plain(tree, features) for tree in data["trees"])
    return TreeEnsemble(trees, features, float(data["offset"]), calibration)


def tables_to_plain(model: AdditiveTables) -> dict[str, Any]:
    """``model`` as plain data, from which :func:`tables_from_plain` makes an equal one."""
    return {
        "intercept": model.intercept,
        "axes": [
            {"name": axis.name, "levels": list(axis.levels)}
            if axis.cuts is None
            else {"name": axis.name, "cuts": axis.cuts.tolist()}
            for axis in model.axes
        ],
        "mains": [_main_to_plain(main) for main in model.mains],
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "rows": pair.rows.tolist(),
                "columns": pair.columns.tolist(),
                "table": pair.table.tolist(),
            }
            for pair in model.pairs
        ],
    }


def tables_from_plain(data: dict[str, Any]) -> AdditiveTables:
    """The model that :func:`tables_to_plain` described.

    Raises:
        ValueError, KeyError, TypeError: ``data`` describes no model.
    """
    axes = tuple(
        Axis(axis["name"], np.array(axis["cuts"], dtype=float))
        if "cuts" in axis
        else Axis(axis["name"], None, tuple(axis["levels"]))
        for axis in data["axes"]
    )
    mains = tuple(_main_from_plain(main) for main in data["mains"])
    pairs = tuple(
        Pair(
            int(pair["first"]),
            int(pair["second"]),
            np.array(pair["rows"], dtype=np.intp),
            np.array(pair["columns"], dtype=np.intp),
            np.array(pair["table"], dtype=float),
        )
        for pair in data["pairs"]
    )
    model = AdditiveTables(float(data["intercept"]), axes, mains, pairs)
    _check(model)
    return model


def _check(model: AdditiveTables) -> None:
    """Raise ValueError where ``model`` could not score, or would score by something else than it says."""
    if not math.isfinite(model.intercept):
        raise ValueError("the intercept is not a finite number")
    for axis, main in zip(model.axes, model.mains, strict=True):
        if axis.cuts is not None and not (np.isfinite(axis.cuts).all() and (np.diff(axis.cuts) > 0).all()):
            raise ValueError(f"the cuts of {axis.name!r} are not finite and ascending")
        if isinstance(main, Line):
            if axis.cuts is None or not all(map(math.isfinite, vars(main).values())):
                raise ValueError(f"the line of {axis.name!r} is not one")
        elif main.shape != (axis.size,) or not np.isfinite(main).all():
            raise ValueError(f"the table of {axis.name!r} does not hold {axis.size} finite numbers")
    for pair in model.pairs:
        _check_pair(pair, model.axes)


def _check_pair(pair: Pair, axes: tuple[Axis, ...]) -> None:
    if not 0 <= pair.first < pair.second < len(axes):
        raise ValueError("a pair is not one of two features")
    if pair.table.ndim != 2 or not np.isfinite(pair.table).all():
        raise ValueError("the table of a pair does not hold finite numbers")
    for places, axis, size in zip(
        (pair.rows, pair.columns), (axes[pair.first], axes[pair.second]), pair.table.shape, strict=True
    ):
        if places.shape != (axis.size,) or (places < 0).any() or (places >= size).any():
            raise ValueError(f"a pair of {axis.name!r} points outside of its table")


def _main_to_plain(main: Floats | Line) -> Any:
    if isinstance(main, Line):
        return {
            "slope": main.slope,
            "offset": main.offset,
            "low": main.low,
            "high": main.high,
            "missing": main.missing,
        }
    return main.tolist()


def _main_from_plain(main: Any) -> Floats | Line:
    if isinstance(main, dict):
        return Line(**{key: float(value) for key, value in main.items()})
    return np.array(main, dtype=float)
