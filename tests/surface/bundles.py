"""A small bundle of each model type, fitted on the same customers with the same seed."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from churn_mlops.models import MODEL_TYPES, Bundle, ChurnPredictor
from churn_mlops.models.train import fit_bundle
from tests.surface.collect import FitSettings, HistoryContract
from tests.surface.customers import contract, customers
from tests.surface.interface import shape

FOLDER = Path(__file__).parent / "recorded" / "bundles"
SCORED = 20
"""Customers whose scores are recorded."""
_LIBRARIES = ("lightgbm", "numpy", "scikit-learn", "scipy")
_DECLARED = ("contract", "history", "levels", "model_type", "threshold")
_HISTORY = {
    "name": "surface",
    "customer": "customer_id",
    "time_zone": "Europe/Berlin",
    "tables": {
        "customers": {"start": "signup", "end": "churned_on"},
        "plans": {"valid_from": "since", "known_at": "loaded_at"},
        "usage": {"event_time": "day"},
    },
    "label": {"event": "customers.end", "horizon_days": 30},
    "features": {
        "tenure": {"age_of": "customers.start", "unit": "months", "min": 0},
        "charges": {"last": "plans.charges", "unit": "USD/month", "missing": 0.2, "min": 0},
        "senior": {"type": "boolean", "last": "customers.senior"},
        "plan": {"last": "plans.plan", "levels": ["monthly", "yearly"], "words": "{value} plan"},
        "channel": {"last": "usage.channel", "levels": ["phone", "shop", "web"], "required": False, "missing": 0.5},
    },
}


def fitted(model_type: str) -> Bundle:
    """The bundle of a type; that of the linear type holds how its customers were read from the tables of a history."""
    rows, left = customers()
    history = HistoryContract.from_dict(_HISTORY) if model_type == "logistic_regression" else None
    few = FitSettings(bags=2, ways=1, max_trees=4, threads=1)
    with threadpool_limits(1):
        return fit_bundle(rows, np.array(left), contract(), model_type, history=history, seed=1, settings=few)


def scores(bundle: Bundle) -> list[float]:
    """Scores of the first customers, in [0, 1]; the last of them has only what is required."""
    rows = customers()[0][:SCORED]
    rows[-1] = rows[-1] | {"channel": None}
    return ChurnPredictor(bundle).score(rows).tolist()


def recorded_file(model_type: str) -> Path:
    """The bundle as it was recorded."""
    return FOLDER / f"{model_type}.bundle"


def described() -> dict[str, Any]:
    """The record besides the files: hashes, scores, and the machine that fitted them."""
    return {"environment": environment(), "bundles": {one: _described(recorded_file(one)) for one in MODEL_TYPES}}


def names_in(data: bytes) -> dict[str, Any]:
    """The part of a bundle that depends on no processor: format, declarations, names and types of the fitted values.

    How many trees and steps there are is left open.
    """
    header, model = (json.loads(line) for line in data.splitlines())
    declared = {key: model[key] for key in _DECLARED if key in model}
    return {"header": header | {"sha256": None}, "model": shape(model) | declared}


def _described(file: Path) -> dict[str, Any]:
    bundle = Bundle.load(file)
    return {"sha256": bundle.sha256, "scores": scores(bundle)}


def environment() -> dict[str, Any]:
    """The last bits of a fit depend on these: libraries, and the instructions that their kernels were chosen for."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"]  # type: ignore[call-overload]
    kernels = {one["architecture"] for one in threadpool_info() if one["user_api"] == "blas"}
    return {
        "libraries": {name: version(name) for name in _LIBRARIES},
        "machine": platform.machine(),
        "instructions": sorted(simd["found"]),
        "kernels": sorted(kernels),
    }
