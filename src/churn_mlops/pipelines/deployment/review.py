"""The review after each daily run: a challenger that proved itself goes live, a champion that earns less goes back.

It decides by the money that the lists of champion and shadow earn (``shadow_gain`` of the monitoring).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import structlog

from churn_mlops.config import Settings
from churn_mlops.config.settings import Training
from churn_mlops.deployment import ChampionChangedError, Deployment
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.promotion import more_or_less
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.pipelines.deployment.mlflow_aliases import align_champion
from churn_mlops.pipelines.deployment.shadow import shadow_of
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.store import Store, open_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import StoredMeasurement
from churn_mlops.store.shadow import GAIN, REFUSED, shadow_figures
from churn_mlops.store.trials import Trial, end_trial, running_trial, runs_scored

log = structlog.get_logger("churn_mlops.pipelines")
Step = Literal["nothing", "wait", "promote", "refuse", "roll_back"]
T_95, ERRORS_TO_GO_BACK = 2.045, 3.0
"""Half of a 95 % interval by 30 groups, in standard errors; and those beyond which a champion goes back: the figure is
looked at every day, and of daily looks at an interval of 95 % one in six would find a difference by chance."""
LEAST_SHARE = 0.05
"""Share of the champion's gain by which the version before has to earn more, before it comes back by itself."""


@dataclass(frozen=True)
class Review:
    """The result of a review.

    Args:
        step: what was done.
        sentence: why, without its full stop.
        deployment: what is live now, where that changed.
    """

    step: Step
    sentence: str
    deployment: Deployment | None = None


def decide_trial(
    trial: Trial,
    runs: int,
    figures: Mapping[str, StoredMeasurement],
    training: Training,
    currency: str,
    now: datetime,
) -> Review:
    """The result for a challenger on trial.

    Args:
        trial: the trial.
        runs: daily runs that the challenger scored too.
        figures: of the newest measurement, by name.
        training: the settings.
        currency: of the amounts, by its code.
        now: the present, with a time zone.
    """
    ends = trial.since + timedelta(days=training.shadow_days)
    if now < trial.since - timedelta(days=1):
        return Review("refuse", f"the trial of version {trial.version} is dated ahead, {trial.since:%Y-%m-%d}")
    if now < ends:
        return Review("wait", f"version {trial.version} is on trial until {ends:%Y-%m-%d %H:%M} UTC")
    days = (now - trial.since).days
    if runs == 0:
        return Review("refuse", f"version {trial.version} scored no daily run in {days} days: see shadow_not_scored")
    gain, refused = figures.get(GAIN), figures.get(REFUSED)
    if refused is not None and refused.numerator:
        of = f"{refused.numerator:,.0f} of {refused.denominator or 0:,.0f} requests that the champion answered"
        why = "let callers send what it asks for first, or make it live with `churn models promote`"
        return Review("refuse", f"version {trial.version} would refuse {of}: {why}")
    if gain is not None and gain.high is not None and gain.high < 0:
        money = _money(gain, currency)
        return Review("refuse", f"version {trial.version} earns less than the champion beyond noise: {money}")
    known = gain is not None and gain.value is not None
    shown = f"and no worse in {days} days in the shadow" if known else f"and scored {days} days in the shadow"
    return Review("promote", f"version {trial.version} was better in training {shown} ({_money(gain, currency)})")


def decide_champion(champion: Deployment, gain: StoredMeasurement | None, training: Training, currency: str) -> Review:
    """Whether the champion goes back to the version before it.

    Args:
        champion: its deployment.
        gain: what the lists of the version before would earn more, None where that is not known.
        training: the settings.
        currency: of the amounts, by its code.
    """
    if gain is None or gain.value is None or gain.low is None:
        return Review(
            "nothing", f"too few customers without an offer have left since version {champion.version} is live"
        )
    error = (gain.value - gain.low) / T_95
    least = max(training.least_gain, LEAST_SHARE * abs(gain.denominator or 0.0))
    if gain.value > ERRORS_TO_GO_BACK * error and gain.value >= least and not math.isclose(gain.value, 0):
        return Review(
            "roll_back",
            f"version {champion.version} earns less than the one before beyond noise: {_money(gain, currency)}",
        )
    return Review("nothing", f"version {champion.version} earns no less than the one before, beyond noise")


@recorded("review")
def review(settings: Settings, *, now: datetime | None = None) -> Review:
    """Decide about the challenger on trial, or about the champion, and do what was decided.

    Args:
        settings: of the sections ``training``, ``models``, ``store``, ``mlflow`` and ``console``.
        now: the present, with a time zone.

    Raises:
        StoreError: the store fails; nothing changes.
        PromotionError: the models folder cannot be written.
        BundleError: the bundle that was to go live is broken; nothing changes.
    """
    now = now or datetime.now(UTC)
    with open_store(settings.store.url) as store:
        champion = Deployments(store).current()
        if champion is None:
            return Review("nothing", "the store names no live model")
        trial = running_trial(store)
        if trial is not None and trial.champion_sha256 != champion.sha256:
            end_trial(store, trial, f"version {champion.version} went live meanwhile")
            trial = None
        found = _decided(store, settings, champion, trial, now)
        if trial is not None and found.step == "refuse":
            end_trial(store, trial, found.sentence)
    if found.step in ("promote", "roll_back"):
        found = _done(settings, found, champion, trial)
    log.info("models_reviewed", step=found.step, reason=found.sentence)
    return found


def _decided(store: Store, settings: Settings, champion: Deployment, trial: Trial | None, now: datetime) -> Review:
    training, currency = settings.training, settings.console.currency
    if trial is not None:  # also where nothing is in the shadow any more, such as on Spark: it has to end
        figures = shadow_figures(store, trial.version, trial.since)
        return decide_trial(trial, runs_scored(store, trial), figures, training, currency, now)
    shadow = shadow_of(store, settings, champion.sha256, now)
    if shadow is None:
        return Review("nothing", "no model is in the shadow")
    figures = shadow_figures(store, shadow.version, champion.since)
    return decide_champion(champion, figures.get(GAIN), training, currency)


def _done(settings: Settings, found: Review, champion: Deployment, trial: Trial | None) -> Review:
    """Make live what was decided; where another model went live meanwhile, nothing changes."""
    deployer = Deployer(settings)
    try:
        if trial is None:
            deployed = deployer.rollback(found.sentence, expected_champion=champion.sha256)
        else:
            with open_store(settings.store.url) as store:
                stored = Deployments(store).bundle(trial.sha256)
            deployed = deployer.deploy(
                Bundle.from_bytes(stored.content, f"the bundle of version {trial.version}"),
                version=trial.version,
                provenance=stored.provenance,
                reason=found.sentence,
                expected_champion=champion.sha256,
            )
    except ChampionChangedError:
        return Review("nothing", "another model went live meanwhile")
    finally:
        align_champion(settings)
    if trial is not None:
        with open_store(settings.store.url) as store:
            end_trial(store, trial, found.sentence)
    return Review(found.step, found.sentence, deployed)


def _money(gain: StoredMeasurement | None, currency: str) -> str:
    if gain is None or gain.value is None or gain.low is None or gain.high is None:
        return "too few customers without an offer have left to compare the money"
    interval = f"95 % interval {more_or_less(gain.low)} to {more_or_less(gain.high)}"
    return f"the lists of the model in the shadow earn {more_or_less(gain.value, f' {currency} a month')}, {interval}"
