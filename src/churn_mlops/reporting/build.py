"""From a model and the test set to the facts of its report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from churn_mlops.errors import ContractError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.evaluate import Estimate
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.reporting.effects import effects, interplays
from churn_mlops.reporting.intervals import share_of
from churn_mlops.reporting.number_text import level_words, setting_words
from churn_mlops.reporting.ranking_curves import rank
from churn_mlops.reporting.reliability import calibration_bins, segments
from churn_mlops.reporting.report_data import Column, Compared, Counts, Figure, Made, Report, Subject, Unseen


def build_report(
    bundle: Bundle,
    aside: Any,
    y: Floats,
    scores: Floats,
    *,
    metrics: Mapping[str, Estimate],
    counts: Counts,
    made: Made,
    seed: int = 0,
) -> Report:
    """The facts of a model version.

    Args:
        bundle: the model.
        aside: raw customers of the test set, as ``FeatureEngineer.transform`` takes them.
        y: 1 where such a customer left, else 0, shape (rows,); both occur.
        scores: their churn probabilities, shape (rows,).
        metrics: of these scores.
        counts: customers in the source, trained on and in the test set.
        made: how the version was made.
        seed: of the bootstrap.

    Raises:
        ContractError: the bundle's contract declares no label.
    """
    contract = bundle.contract
    base = ChurnPredictor(bundle).intercept
    ranking = rank(y, scores, seed)
    inputs = bundle.engineer.transform(aside)
    return Report(
        subject=_subject(bundle, base),
        counts=counts,
        churn=share_of(counts.trained_on_left + counts.set_aside_left, counts.trained_on + counts.set_aside),
        metrics={name: _figure(estimate) for name, estimate in metrics.items() if _is_finite(estimate)},
        roc=ranking.roc,
        precision_recall=ranking.precision_recall,
        lengths=ranking.lengths,
        calibration=calibration_bins(y, scores),
        effects=effects(contract, bundle.learnt, base),
        interplays=interplays(contract, bundle.learnt),
        segments=segments(contract, bundle.levels, bundle.reference, inputs, y, scores),
        columns=tuple(
            Column(
                feature=name,
                title=contract.title_of(name),
                type=feature.type,
                missing=bundle.reference["features"][name]["shares"][-1],
            )
            for name, feature in contract.features.items()
        ),
        unseen=tuple(
            Unseen(column=column, reason=declared.reason, note=declared.note)
            for column, declared in contract.set_aside.items()
        ),
        made=made,
    )


def _subject(bundle: Bundle, base: float) -> Subject:
    label = bundle.contract.label
    if label is None:
        raise ContractError("a report needs a contract that declares the label")
    auto = bundle.training["chosen"].get("auto")
    types = auto["types"] if auto else {}
    return Subject(
        name=bundle.contract.name,
        label=label.column.removeprefix("__").removesuffix("__"),  # a snapshot's own label is marked so
        positive=label.positive,
        horizon_days=label.horizon_days,
        # A contract may state the default, too; read back from a bundle, it no longer shows that.
        horizon_stated="horizon_days" in label.model_fields_set,
        model_type=bundle.model_type,
        chosen_because=level_words(auto["sentence"]) if auto else None,
        compared=tuple(
            Compared(model_type=name, log_loss=entry["log_loss"], excess=entry["excess"], error=entry["error"])
            for name, entry in types.items()
        ),
        settings={
            name: setting_words(value)
            for name, value in bundle.training["chosen"].items()
            if name != "auto" and value is not None
        },
        base=base,
    )


def _figure(estimate: Estimate) -> Figure:
    return Figure(value=estimate.value, low=estimate.low, high=estimate.high)


def _is_finite(estimate: Estimate) -> bool:
    return all(map(math.isfinite, (estimate.value, estimate.low, estimate.high)))
