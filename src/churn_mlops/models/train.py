"""Fits a model: everything that learns (levels, settings, trees, calibration) learns from the rows given here."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.errors import DataError
from churn_mlops.features.fitted import FittedEngineer
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.calibration import Calibration, cautious, sigmoid
from churn_mlops.models.fitting.additive import fit_additive
from churn_mlops.models.fitting.copies import copy_groups
from churn_mlops.models.fitting.forest import fit_boosting, fit_forest
from churn_mlops.models.fitting.inputs import (
    Fit,
    FitSettings,
    Fitted,
    Model,
    Progress,
    TrainingInputs,
    some_rows,
    stratified_folds,
)
from churn_mlops.models.fitting.linear import fit_linear
from churn_mlops.models.fitting.type_selection import as_plain, choose_type, compare_types
from churn_mlops.models.scorers.lookup_tables import Axis, Floats, Places
from churn_mlops.models.shape_functions import look, quantile_cuts

# In the order in which ``auto`` prefers them.
FITS: dict[str, Fit] = {
    "logistic_regression": fit_linear,
    "additive_boosting": fit_additive,
    "random_forest": fit_forest,
    "boosting": fit_boosting,
}
AUTO = "auto"
CHOICES_OF_AUTO = 2
CHECKS = 10
REFERENCE_STEPS = 10


def fit_bundle(
    data: Any,
    y: Floats,
    contract: DataContract,
    model_type: str,
    *,
    setting: str | None = None,
    groups: Places | None = None,
    history: HistoryContract | None = None,
    with_core: bool = True,
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
        model_type: a key of ``FITS``, or "auto".
        setting: of that type, as a bundle of it recorded (``training["setting"]``), where it need not be chosen again.
        groups: the customer of each row, as a whole number, shape (rows,), where one may have several: they fall on one
            side of every fold. None finds rows that are copies of one.
        history: how the customers' snapshots were made, for the bundle.
        with_core: whether to fit the model of the required features, too, where others are optional.
        seed: of the folds and of the row sampling; the same data and seed give the same bundle.
        threshold: score from which a customer counts as likely to churn.
        settings: of the fit.
        progress: called with (fits done, fits in all) after each fit.

    Raises:
        DataError: a cell means nothing, labels and rows differ in number, or there are too few of one class.
    """
    settings = settings or FitSettings()
    engineer = FittedEngineer.learn(contract, data)
    inputs = engineer.transform(data)
    if len(y) != len(inputs):
        raise DataError(f"there are {len(inputs)} customers and {len(y)} labels")
    axes = _axes(engineer)
    y = np.asarray(y, dtype=np.float64)
    groups = copy_groups(list(inputs.T), y) if groups is None else groups
    folds = stratified_folds(y, settings.bags, seed, groups)
    inputs_and_folds = TrainingInputs(inputs, y, axes, folds, seed, groups)
    core = core_places(contract) if with_core else None
    parts = 1 if core is None else 2
    progress = progress or _no_progress
    model_type, fitted = _fit(inputs_and_folds, model_type, settings, _part(progress, 0, parts), setting)
    last = _part(progress, parts - 1, parts)
    raw, calibration = fitted.out_of_fold, _calibration(fitted, y)
    model = fitted.model.calibrated(calibration)
    return Bundle(
        contract=contract,
        model_type=model_type,
        levels=engineer.levels,
        model=model,
        threshold=threshold,
        training=_summary(y, seed, fitted, calibration),
        reference=_reference(inputs, axes, sigmoid(calibration.of(raw))),
        learnt=asdict(look(model, fitted.parts, calibration, inputs, axes)),
        checks=_checks(engineer, model, inputs, axes),
        core=None if core is None else _core(inputs_and_folds, core, model_type, fitted.setting, settings, last),
        history=history,
    )


def core_places(contract: DataContract) -> Places | None:
    """Places of the required features, None where all are required, or none is."""
    required = np.array([feature.required for feature in contract.features.values()])
    return np.flatnonzero(required) if required.any() and not required.all() else None


def _core(
    data: TrainingInputs, places: Places, model_type: str, setting: str, settings: FitSettings, progress: Progress
) -> Model:
    """The calibrated model of the required features alone, of the type and setting chosen for all of them."""
    few = replace(data, inputs=data.inputs[:, places], axes=tuple(data.axes[place] for place in places))
    _, fitted = _fit(few, model_type, settings, progress, setting)
    return fitted.model.calibrated(_calibration(fitted, data.y))


def _calibration(fitted: Fitted, y: Floats) -> Calibration:
    return cautious(fitted.calibration(y), fitted.out_of_fold, y, fitted.choices)


def _fit(
    data: TrainingInputs, model_type: str, settings: FitSettings, progress: Progress, setting: str | None = None
) -> tuple[str, Fitted]:
    """Fit one type, or all of them and take the one that ``auto`` chooses; the type, and its fit.

    Type and settings are chosen on at most ``settings.settings_cells`` cells; with more, the choice is fitted on all.
    """
    if setting is not None:
        return model_type, FITS[model_type](data, settings, progress, setting)
    few = some_rows(data, settings.settings_cells // max(1, data.inputs.shape[1]))
    choosing = settings if few is data else replace(settings, ways=1)
    types = list(FITS) if model_type == AUTO else [model_type]
    parts = len(types) + (few is not data)
    fits = {name: FITS[name](few, choosing, _part(progress, place, parts)) for place, name in enumerate(types)}
    compared = compare_types(fits, few.y)
    model_type = choose_type(compared)
    fitted = fits[model_type]
    choices = fitted.choices + (CHOICES_OF_AUTO if len(types) > 1 else 0)
    chosen = fitted.chosen if len(types) == 1 else {**fitted.chosen, "auto": as_plain(compared, model_type)}
    if few is not data:
        fitted = FITS[model_type](data, settings, _part(progress, parts - 1, parts), fitted.setting)
        chosen = {**chosen, "trees_of_bags": fitted.chosen.get("trees_of_bags"), "rows_chosen_on": len(few.y)}
    return model_type, replace(fitted, chosen=chosen, choices=choices)


def _part(progress: Progress, place: int, parts: int) -> Progress:
    """The progress of one of several parts of equal length, in thousandths of the whole."""
    return lambda done, total: progress(round(1000 * (place + done / total)), 1000 * parts)


def _axes(engineer: FittedEngineer) -> tuple[Axis, ...]:
    return tuple(
        Axis(name, None, engineer.levels[name]) if name in engineer.levels else Axis(name, np.empty(0))
        for name in engineer.contract.features
    )


def _summary(y: Floats, seed: int, fitted: Fitted, calibration: Calibration) -> dict[str, Any]:
    return {
        "rows": len(y),
        "left": int(y.sum()),
        "seed": seed,
        "setting": fitted.setting,
        "chosen": fitted.chosen,
        "calibration": asdict(calibration),
    }


def _reference(inputs: Floats, axes: tuple[Axis, ...], scores: Floats) -> dict[str, Any]:
    """Shares of the training rows: by level of a category, by step between quantiles of a number, and of the scores."""
    features: dict[str, dict[str, Any]] = {}
    for place, axis in enumerate(axes):
        if axis.cuts is None:
            steps = axis
            features[axis.name] = {"levels": [*axis.levels, "(other)", "(missing)"]}
        else:
            steps = Axis(axis.name, quantile_cuts(inputs[:, place], REFERENCE_STEPS))
            features[axis.name] = {"cuts": steps.cuts.tolist() if steps.cuts is not None else []}
        features[axis.name]["shares"] = _shares(steps, inputs[:, place])
    score_steps = Axis("score", quantile_cuts(scores, REFERENCE_STEPS))
    cuts = score_steps.cuts.tolist() if score_steps.cuts is not None else []
    return {"features": features, "scores": {"cuts": cuts, "shares": _shares(score_steps, scores)}}


def _shares(axis: Axis, inputs: Floats) -> list[float]:
    counts = np.bincount(axis.cells(inputs), minlength=axis.size)
    return [float(share) for share in counts / len(inputs)]


def _checks(
    engineer: FittedEngineer, model: Model, inputs: Floats, axes: tuple[Axis, ...]
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
    scores = sigmoid(model.log_odds(engineer.transform(customers)))
    return tuple(
        {"customer": customer, "score": float(score)} for customer, score in zip(customers, scores, strict=True)
    )


def _no_progress(done: int, total: int) -> None:
    """Report no progress."""
