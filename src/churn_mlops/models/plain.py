"""Additive tables as plain data (numbers, text, lists) and back, without loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from churn_mlops.models.tables import AdditiveTables, Axis, Floats, Line, Pair


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
    for axis, main in zip(axes, mains, strict=True):
        if not isinstance(main, Line) and main.shape != (axis.size,):
            raise ValueError(f"the table of {axis.name!r} has {len(main)} values for {axis.size} cells")
    return AdditiveTables(float(data["intercept"]), axes, mains, pairs)


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
