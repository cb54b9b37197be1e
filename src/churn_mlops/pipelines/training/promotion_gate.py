"""Whether a new model goes live: compared with the base rate and with the champion on the customers set aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from churn_mlops.errors import BundleError, DataError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.comparison import Comparison, compare
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.pipelines.training.backtest import OutOfTime
from churn_mlops.pipelines.training.leakage import leaking
from churn_mlops.pipelines.training.test_set import TrainingData


@dataclass(frozen=True)
class PromotionDecision:
    """Whether the new model goes live, and why, in a sentence."""

    promote: bool
    signal: bool
    sentence: str
    against_base_rate: Comparison
    against_champion: Comparison | None


def decide_promotion(
    bundle: Bundle,
    scores: Floats,
    data: TrainingData,
    champion: LiveModel | None,
    force: str | None,
    later: OutOfTime | None = None,
    leaks: Sequence[str] = (),
) -> PromotionDecision:
    """Compare the new model with the base rate and with the champion on the customers set aside.

    Of a history, a signal has to show on later dates, too. What surely leaks (``leaks``, features of the new model)
    makes every comparison worthless: such a model goes live by force only, and as champion it makes way.
    """
    base_rate = np.full(len(data.aside_y), data.train_y.mean())
    against_base = compare(data.aside_y, scores, base_rate, data.aside_groups)
    signal = against_base.beyond_noise and (later is None or later.is_signal)
    against = None
    obstacle = _no_signal(later) if not signal else _leaks(leaks) if leaks else None
    if obstacle is not None:
        promote, sentence = False, obstacle
    elif champion is None:
        promote, sentence = True, "the first model that finds a signal"
    elif champion.bundle.sha256 == bundle.sha256:
        promote, sentence = False, f"the same model as the champion, version {champion.version}"
    elif leaked := leaking(champion.provenance.get("leaks", {})):
        what = ", ".join(leaked)
        promote, sentence = True, f"champion {champion.version} was shown what was not known at the time ({what})"
    else:
        against, obstacle = _against(champion, scores, data)
        promote = against is not None and against.beyond_noise
        sentence = obstacle or _compared(against, champion)
    if force is not None and not promote:
        promote, sentence = True, f"promoted by force ({force}), although: {sentence}"
    return PromotionDecision(promote, signal, sentence, against_base, against)


def _no_signal(later: OutOfTime | None) -> str:
    if later is None or later.is_signal:
        where = "on the customers set aside the model is not better than giving everybody the same score, beyond noise"
        return f"no signal: {where}"
    auc = later.metrics["auc"]
    return (
        "no signal: on the later dates that a model of the past was tested on, its order is no better than "
        f"chance, beyond noise (AUC {auc.value:.3f}, {auc.low:.3f} to {auc.high:.3f})"
    )


def _leaks(features: Sequence[str]) -> str:
    return (
        f"it is shown what was not known at the time ({', '.join(features)}), so that no figure is to be believed: "
        "train with --strict, which leaves that out, or correct the contract; if it was known, with --force REASON"
    )


def _against(champion: LiveModel, scores: Floats, data: TrainingData) -> tuple[Comparison | None, str | None]:
    """The comparison with the champion, or why there can be none."""
    unknown = [name for name in champion.bundle.contract.features if name not in data.aside.column_names]
    if unknown:
        return None, (
            f"champion {champion.version} needs columns that the contract no longer has ({', '.join(unknown)}), so the "
            "two cannot be compared: train with --force REASON to make it live"
        )
    mark = champion.provenance.get("set_aside")
    if mark is None:
        return None, (
            f"champion {champion.version} cannot be compared: there is no record of which customers it was trained on, "
            "and its own would flatter it: train with --force REASON to make it live"
        )
    if mark != data.mark:
        return None, (
            f"champion {champion.version} was trained with other customers set aside, so comparing would flatter it: "
            "restore training.set_aside_key and set_aside_share, or train with --force REASON to make it live"
        )
    try:
        rival = ChurnPredictor(champion.bundle).score(data.aside)
    except (DataError, BundleError) as error:
        return (
            None,
            f"champion {champion.version} cannot score today's data ({error}): "
            "train with --force REASON to make it live",
        )
    return compare(data.aside_y, scores, rival, data.aside_groups), None


def _compared(comparison: Comparison | None, champion: LiveModel) -> str:
    if comparison is None:
        return "not compared"
    verdict = "beats" if comparison.beyond_noise else "does not beat"
    where = f"on {comparison.customers:,} customers ({comparison.figures})"
    return f"{verdict} champion {champion.version} beyond noise {where}"
