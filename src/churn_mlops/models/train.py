"""Fits a model: everything that learns (levels, settings, trees, calibration) learns from the rows given here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import DataError
from churn_mlops.features import FeatureEngineer
from churn_mlops.models.additive import fit_additive
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.calibration import Calibration, fit_calibration, sigmoid
from churn_mlops.models.fitting import FitSettings, Fitted, Progress, TrainingInputs, stratified_folds
from churn_mlops.models.linear import fit_linear
from churn_mlops.models.tables import AdditiveTables, Axis, Floats

FITS: dict[str, Callable[[TrainingInputs, FitSettings, Progress], Fitted]] = {
    "logistic_regression": fit_linear,
    "additive_boosting": fit_additive,
}
CHECKS = 10
REFERENCE_STEPS = 10


def fit_bundle(
    data: Any,
    y: Floats,
    contract: DataContract,
    model_type: str,
    *,
    seed: int = 0,
    threshold: float = 0.5,
    settings: FitSettings | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Fit, calibrate and pack a model.

    Args:
        data: raw customers, as ``FeatureEngineer.transform`` takes them.
        y: 1 where the customer left, else 0, shape (rows,).
        contract: declares the features.
        model_type: a key of ``FITS``.
        seed: of the folds and of the row sampling; the same data and seed give the same bundle.
        threshold: score from which a customer counts as likely to churn.
        settings: of the fit.
        progress: called with (fits done, fits in all) after each fit.

    Raises:
        DataError: a cell means nothing, labels and rows differ in number, or there are too few of one class.
    """
    settings = settings or FitSettings()
    engineer = FeatureEngineer(contract).fit(data)
    inputs = engineer.transform(data)
    if len(y) != len(inputs):
        raise DataError(f"there are {len(inputs)} customers and {len(y)} labels")
    axes = _axes(engineer)
    y = np.asarray(y, dtype=np.float64)
    folds = stratified_folds(y, settings.bags, seed)
    fitted = FITS[model_type](TrainingInputs(inputs, y, axes, folds, seed), settings, progress or _no_progress)
    scored = ~np.isnan(fitted.out_of_fold)
    calibration = fit_calibration(fitted.out_of_fold[scored], y[scored])
    tables = fitted.tables.scaled(calibration.intercept, calibration.slope)
    out_of_fold = sigmoid(calibration.intercept + calibration.slope * fitted.out_of_fold[scored])
    return Bundle(
        contract=contract,
        model_type=model_type,
        levels=engineer.levels_,
        tables=tables,
        threshold=threshold,
        training=_summary(y, seed, fitted, calibration),
        reference=_reference(inputs, axes, out_of_fold),
        checks=_checks(engineer, tables, inputs, axes),
    )


def _axes(engineer: FeatureEngineer) -> tuple[Axis, ...]:
    return tuple(
        Axis(name, None, engineer.levels_[name]) if name in engineer.levels_ else Axis(name, np.empty(0))
        for name in engineer.contract.features
    )


def _summary(y: Floats, seed: int, fitted: Fitted, calibration: Calibration) -> dict[str, Any]:
    return {
        "rows": len(y),
        "left": int(y.sum()),
        "seed": seed,
        "chosen": fitted.chosen,
        "calibration": {"intercept": calibration.intercept, "slope": calibration.slope},
    }


def _reference(inputs: Floats, axes: tuple[Axis, ...], scores: Floats) -> dict[str, Any]:
    """Shares of the training rows: by level of a category, by step between quantiles of a number, and of the scores."""
    features: dict[str, dict[str, Any]] = {}
    for place, axis in enumerate(axes):
        if axis.cuts is None:
            steps = axis
            features[axis.name] = {"levels": [*axis.levels, "(other)", "(missing)"]}
        else:
            steps = Axis(axis.name, _quantiles(inputs[:, place]))
            features[axis.name] = {"cuts": steps.cuts.tolist() if steps.cuts is not None else []}
        features[axis.name]["shares"] = _shares(steps, inputs[:, place])
    score_steps = Axis("score", _quantiles(scores))
    cuts = score_steps.cuts.tolist() if score_steps.cuts is not None else []
    return {"features": features, "scores": {"cuts": cuts, "shares": _shares(score_steps, scores)}}


def _quantiles(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    if not len(known):
        return np.empty(0)
    return np.unique(np.quantile(known, np.linspace(0, 1, REFERENCE_STEPS + 1)[1:-1], method="inverted_cdf"))


def _shares(axis: Axis, inputs: Floats) -> list[float]:
    counts = np.bincount(axis.cells(inputs), minlength=axis.size)
    return [float(share) for share in counts / len(inputs)]


def _checks(
    engineer: FeatureEngineer, tables: AdditiveTables, inputs: Floats, axes: tuple[Axis, ...]
) -> tuple[dict[str, Any], ...]:
    """Made-up customers, none of them real: each takes one quantile of every number and one level of every category."""
    customers = []
    for place in range(CHECKS):
        customer: dict[str, Any] = {}
        for feature, axis in enumerate(axes):
            known = inputs[:, feature][~np.isnan(inputs[:, feature])]
            if axis.levels:
                customer[axis.name] = axis.levels[place % len(axis.levels)]
            elif axis.cuts is not None and len(known):
                customer[axis.name] = float(np.quantile(known, place / (CHECKS - 1), method="inverted_cdf"))
            else:
                customer[axis.name] = None
        customers.append(customer)
    scores = sigmoid(tables.log_odds(engineer.transform(customers)))
    return tuple(
        {"customer": customer, "score": float(score)} for customer, score in zip(customers, scores, strict=True)
    )


def _no_progress(done: int, total: int) -> None:
    """Where nobody watches."""
