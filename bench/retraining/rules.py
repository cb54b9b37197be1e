"""The rules by which versions go live, and the money that they earn."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import numpy as np

from bench.retraining.company import START, WINDOW, Fitted, Month
from churn_mlops.config.settings import Training
from churn_mlops.deployment import Deployment
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.monitoring import ListTerms, PairedRows, ScoredRows, shadow_gain
from churn_mlops.pipelines.deployment.review import LEAST_SHARE, decide_champion
from churn_mlops.pipelines.training.context import PromotionRules
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import decide_promotion
from churn_mlops.retention.economics import Economics
from churn_mlops.store.measurements import StoredMeasurement

REVIEWS, CALENDARS = 4, (1, 3, 6, 12)
ECONOMICS = Economics(value=600.0, offer_cost=20.0, contact_cost=1.0, kept_share=0.3)
RULES, TRAINING, MARK = PromotionRules(ECONOMICS), Training(), "a" * 16
MONTH = timedelta(days=30)


def terms(size: int) -> ListTerms:
    """By which a list earns."""
    return ListTerms(ECONOMICS.gain_from_leaver, ECONOMICS.cost_of_stayer, None, 30, size)


def earned(bundle: Bundle, month: Month) -> float:
    """The money of the month's list, by the true probabilities."""
    listed = terms(len(month.true)).gains(ChurnPredictor(bundle).score(month.rows)) > 0
    return float(terms(len(month.true)).gains(month.true)[listed].sum())


def live(fitted_: Fitted, version: int) -> LiveModel:
    """A version as champion."""
    since = START + MONTH * version
    deployment = Deployment(str(version), fitted_.bundle.sha256, "logistic_regression", since, "better")
    return LiveModel(deployment, fitted_.bundle, {"set_aside": MARK})


def is_promoted(candidate: Fitted, champion: LiveModel, place: int, size: int) -> bool:
    """Whether the gate promotes the version of a month."""
    data = SimpleNamespace(
        test=candidate.compared.rows, compared=candidate.compared, mark=MARK,
        train_y=np.full(1, candidate.base_rate),
    )  # fmt: skip
    prepared = SimpleNamespace(data=data, leaks=SimpleNamespace(sure=()), customers=size, history=None)
    given = SimpleNamespace(prepared=prepared, backtest=None, bundle=candidate.bundle)
    return decide_promotion(cast(Candidate, given), champion, RULES, START + MONTH * place).promote


def goes_back(champion: LiveModel, before: Bundle, month: Month, share: float, size: int) -> bool:
    """Whether the review goes back, once a share of the month is over."""
    so_far = month.left * (month.when <= share)
    rows = ScoredRows(np.arange(size), ChurnPredictor(champion.bundle).score(month.rows), so_far, np.ones(size))
    gain = shadow_gain("", [PairedRows(rows, ChurnPredictor(before).score(month.rows), share)], terms(size))
    return decide_champion(champion.deployment, StoredMeasurement(**asdict(gain)), TRAINING, "USD").step == "roll_back"


@dataclass(frozen=True)
class Promoted:
    """A month in which a version went live, and the money of the month by the truth, of the one before and of it."""

    place: int
    before: float
    after: float

    @property
    def gain(self) -> float:
        """In percent of what the one before earns, which can be little right after a jump."""
        return 100 * (self.after - self.before) / abs(self.before)

    @property
    def is_worse(self) -> bool:
        """Whether it earns less, by so much that the review would go back where it is sure."""
        return self.gain <= -100 * LEAST_SHARE


@dataclass
class Ours:
    """Two years by the gate and the review.

    Args:
        money: of each month.
        promoted: the months in which a version went live.
        went_back: the months in which the review went back, and the share of the month that was over.
    """

    money: list[float]
    promoted: list[Promoted]
    went_back: list[tuple[int, float]]


def ours(found: list[Month], versions: list[Fitted], size: int) -> Ours:
    """The rule of the product."""
    champion, before, since = live(versions[0], 0), None, 0
    result = Ours([], [], [])
    for place, version in enumerate(versions):
        month = found[WINDOW + place]
        if place and is_promoted(version, champion, place, size):
            money_of = (earned(of.bundle, month) for of in (champion, version))
            result.promoted.append(Promoted(place, *money_of))
            champion, before, since = live(version, place), champion, place
        money = 0.0
        for review in range(1, REVIEWS + 1):
            money += earned(champion.bundle, month) / REVIEWS
            is_watched = before is not None and place - since < 2  # 60 days
            if is_watched and before is not None and goes_back(champion, before.bundle, month, review / REVIEWS, size):
                result.went_back.append((place, review / REVIEWS))
                now = START + MONTH * (place + review / REVIEWS)
                champion, before = replace(before, deployment=replace(before.deployment, since=now)), None
        result.money.append(money)
    return result


def calendar(found: list[Month], versions: list[Fitted], every: int) -> float:
    """The money of a fixed calendar."""
    return sum(earned(versions[place - place % every].bundle, found[WINDOW + place]) for place in range(len(versions)))


def earned_by_truth(month: Month, size: int) -> float:
    """The money of a list by the true probabilities: no model can earn more."""
    return float(np.maximum(terms(size).gains(month.true), 0).sum())
