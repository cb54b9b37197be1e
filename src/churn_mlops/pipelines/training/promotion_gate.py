"""The promotion gate: whether a candidate becomes champion, by its comparison with base rate and champion.

It has to be better than the champion by log loss: beyond noise while the champion is new and watched, after that by
the best estimate. The money of its lists must not be less beyond noise, and at least a stated amount more where one is
stated: a small difference can be sure, and still not worth a change. Log loss decides, since it takes a fraction of
the customers that a difference in money needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from churn_mlops.errors import BundleError, DataError
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.comparison import Comparison, compare
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.promotion import more_or_less
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.monitoring import ListTerms, Measurement, PairedRows, ScoredRows, shadow_gain
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.context import PromotionRules
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.leakage import leaking_features
from churn_mlops.pipelines.training.prepare import PreparedData
from churn_mlops.pipelines.training.test_set import TrainingData

DAYS_OF_A_LIST = 30
"""Days for which a list of a flat table is taken, whose horizon is not declared."""
SETTLED_DAYS = 28
"""Days for which a champion makes way only for a version that is better beyond noise. In them the review finds out
whether it earns less than the one before. After them the older version is no safer choice than the better one."""
_BY_FORCE = "train with --force REASON to make it live"


@dataclass(frozen=True)
class PromotionDecision:
    """Whether a candidate becomes champion, and why.

    Args:
        promote: whether it does.
        signal: whether it is better than the base rate, on customers of the test set and in the backtest.
        sentence: why, in a sentence without its full stop.
        against_base_rate: the comparison with the same score for every customer.
        against_champion: the comparison with the champion, None where there was none.
        on_trial: whether it first scores in the shadow of the champion; ``promote`` is false then.
        champion: SHA-256 of the champion's bundle that the decision took into account, None where no model is live.
    """

    promote: bool
    signal: bool
    sentence: str
    against_base_rate: Comparison
    against_champion: Comparison | None
    on_trial: bool = False
    champion: str | None = None


@dataclass(frozen=True)
class _Outcome:
    promote: bool
    sentence: str
    comparison: Comparison | None = None


def decide_promotion(
    candidate: Candidate, champion: LiveModel | None, rules: PromotionRules, now: datetime, force: str | None = None
) -> PromotionDecision:
    """Compare ``candidate`` with the base rate and with ``champion``, on customers of the test set.

    In a history, the backtest has to show a signal, too; if it is better than the base rate beyond noise, those
    customers need not show it, for they have far fewer rows, but must not show the opposite. A feature that surely
    leaks makes every comparison worthless: such a candidate is promoted by force only, and such a champion is replaced.

    Args:
        candidate: the new model.
        champion: the live one, None where there is none.
        rules: what the candidate has to show.
        now: the present, with a time zone.
        force: the reason to promote in any case, None to let the comparison decide.
    """
    data, backtest = candidate.prepared.data, candidate.backtest
    compared = data.compared
    scores = ChurnPredictor(candidate.bundle).score(compared.rows)
    base_rate = np.full(len(compared.y), data.train_y.mean())
    against_base = compare(compared.y, scores, base_rate, compared.customers)
    signal = has_signal(against_base, backtest)
    if not signal:
        outcome = _Outcome(False, _no_signal(backtest))
    elif leaks := candidate.prepared.leaks.sure:
        outcome = _Outcome(False, _leaks(leaks))
    else:
        outcome = _against(candidate, scores, champion, rules, now)
    # A flat table does not say when its customers leave, so that a trial would show nothing.
    on_trial = outcome.promote and outcome.comparison is not None and rules.shadow_days > 0
    on_trial = on_trial and candidate.prepared.history is not None and force is None
    if on_trial:
        sentence = f"{outcome.sentence}; on trial for {rules.shadow_days} days, in which both score"
        outcome = replace(outcome, promote=False, sentence=sentence)
    if force is not None and not outcome.promote:
        sentence = f"promoted by force ({force}), although: {outcome.sentence}"
        outcome = replace(outcome, promote=True, sentence=sentence)
    return PromotionDecision(
        promote=outcome.promote,
        signal=signal,
        sentence=outcome.sentence,
        against_base_rate=against_base,
        against_champion=outcome.comparison,
        on_trial=on_trial,
        champion=None if champion is None else champion.bundle.sha256,
    )


def has_signal(against_base: Comparison, backtest: Backtest | None) -> bool:
    """Whether a model is better than the same score for every customer.

    Args:
        against_base: the comparison on customers of the test set.
        backtest: of a history, None where there is none.
    """
    if backtest is None:
        return against_base.beyond_noise
    on_test_set = against_base.beyond_noise or (backtest.beats_base_rate and against_base.gain > 0)
    return on_test_set and backtest.is_signal


def _no_signal(backtest: Backtest | None) -> str:
    if backtest is None or backtest.is_signal:
        return "no signal: on the test set the model is not better than the same score for all customers, beyond noise"
    auc = backtest.metrics["auc"]
    if auc.low > 0.5:
        lift = backtest.metrics["lift_top_decile"].value
        return (
            f"no signal: on the later dates of the backtest, the top tenth of the scores holds {lift:.2f} times as "
            "many churners as all customers, so the list would begin with retained customers"
        )
    return (
        "no signal: on the later dates of the backtest, the order of the scores is no better than chance, beyond noise "
        f"(AUC {auc.value:.3f}, {auc.low:.3f} to {auc.high:.3f})"
    )


def _leaks(features: Sequence[str]) -> str:
    return (
        f"it is shown what was not known at the time ({', '.join(features)}), so that no figure is to be believed: "
        "train with --strict, which leaves that out, or correct the contract; if it was known, with --force REASON"
    )


def _against(
    candidate: Candidate, scores: Floats, champion: LiveModel | None, rules: PromotionRules, now: datetime
) -> _Outcome:
    """The outcome of a candidate with a signal and without leaks."""
    if champion is None:
        return _Outcome(True, "the first model that finds a signal")
    if champion.bundle.sha256 == candidate.bundle.sha256:
        return _Outcome(False, f"the same model as the champion, version {champion.version}")
    if leaked := leaking_features(champion.provenance.get("leaks", {})):
        what = ", ".join(leaked)
        return _Outcome(True, f"champion {champion.version} was shown what was not known at the time ({what})")
    if (obstacle := _incomparable(champion, candidate.prepared.data)) is not None:
        return _Outcome(False, obstacle)
    return _compared(candidate.prepared, scores, champion, rules, now)


def _incomparable(champion: LiveModel, data: TrainingData) -> str | None:
    """Why no comparison with the champion is fair, None where one is."""
    unknown = [name for name in champion.bundle.contract.features if name not in data.test.column_names]
    if unknown:
        return (
            f"champion {champion.version} needs columns that the contract no longer has ({', '.join(unknown)}), so the "
            f"two cannot be compared: {_BY_FORCE}"
        )
    mark = champion.provenance.get("set_aside")
    if mark is None:
        return (
            f"champion {champion.version} cannot be compared: there is no record of its training set, and customers "
            f"that it was trained on would flatter it: {_BY_FORCE}"
        )
    if mark != data.mark:
        return (
            f"champion {champion.version} was trained with another test set, so a comparison would flatter it: "
            f"restore training.set_aside_key and set_aside_share, or {_BY_FORCE}"
        )
    return None


def _compared(
    prepared: PreparedData, scores: Floats, champion: LiveModel, rules: PromotionRules, now: datetime
) -> _Outcome:
    compared = prepared.data.compared
    try:
        rival = ChurnPredictor(champion.bundle).score(compared.rows)
    except (DataError, BundleError) as error:
        return _Outcome(False, f"champion {champion.version} cannot score today's data ({error}): {_BY_FORCE}")
    found = compare(compared.y, scores, rival, compared.customers)
    is_better, beats = _better(found, champion, len(compared.dates), now)
    if not is_better:
        return _Outcome(False, beats, found)
    gain = _gain(prepared, scores, rival, rules)
    if gain.value is None or gain.low is None or gain.high is None:
        return _Outcome(True, beats, found)
    of = rules.currency
    ends = f"{more_or_less(gain.low)} to {more_or_less(gain.high)}"
    money = f"its lists earn {more_or_less(gain.value, f' {of} a month')} ({ends})"
    if gain.high < 0:
        return _Outcome(False, f"{beats}, but {money}, beyond noise", found)
    if 0 < rules.least_gain > gain.value:
        worth = f"a change is worth it from {rules.least_gain:,.0f} {of}"
        return _Outcome(False, f"{beats}, but {money}, and {worth}", found)
    return _Outcome(True, f"{beats}; {money}", found)


def _better(found: Comparison, champion: LiveModel, dates: int, now: datetime) -> tuple[bool, str]:
    """Whether the candidate is better than the champion by as much as it takes, and the same in words."""
    where = f"on {found.customers:,} customers{f' at {dates} dates' if dates > 1 else ''} ({found.figures})"
    days = (now - champion.deployment.since).days
    if found.beyond_noise:
        return True, f"beats champion {champion.version} beyond noise {where}"
    if days < SETTLED_DAYS:
        return False, f"does not beat champion {champion.version} beyond noise {where}"
    verdict = "is better than" if found.is_better else "is no better than"
    return found.is_better, f"{verdict} champion {champion.version}, live for {days} days, {where}"


def _gain(prepared: PreparedData, scores: Floats, rival: Floats, rules: PromotionRules) -> Measurement:
    """How much more a month's lists of the candidate earn than the champion's, each date with lists of its own."""
    compared, history = prepared.data.compared, prepared.history
    label = None if history is None else history.label
    days = DAYS_OF_A_LIST if label is None else label.days
    runs = 1 if label is None else label.days  # each day's list takes others; a flat table has one list
    economics = rules.economics
    terms = ListTerms(
        economics.gain_from_leaver,
        economics.cost_of_stayer,
        None if rules.capacity is None else rules.capacity * runs,
        days,
        max(1, prepared.customers),
    )
    customers = np.arange(len(rival)) if compared.customers is None else compared.customers.astype(np.int64)
    pairs = [
        PairedRows(ScoredRows(customers[of], rival[of], compared.y[of], np.ones(int(of.sum()))), scores[of])
        for of in compared.dates
    ]
    return shadow_gain("", pairs, terms)
