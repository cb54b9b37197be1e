"""The settings of a training run: read once, at its edge; the phases get values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from churn_mlops.config import Settings
from churn_mlops.config.settings import Source
from churn_mlops.data.leakage.snapshot_archive import SnapshotArchive
from churn_mlops.data.sources.spark import is_spark
from churn_mlops.errors import ConfigError, StoreError
from churn_mlops.models import MODEL_TYPES
from churn_mlops.models.fitting.inputs import FitSettings
from churn_mlops.models.tracking import Tracking
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.erasure.suppression import away, known_here
from churn_mlops.pipelines.inputs.snapshot_archive import snapshot_archive
from churn_mlops.pipelines.training.test_set import SplitRule
from churn_mlops.retention.economics import Economics
from churn_mlops.store.suppression.tombstones import Tombstones

log = structlog.get_logger("churn_mlops.pipelines")


@dataclass(frozen=True)
class ModelSpec:
    """The model to fit.

    Args:
        model_type: one of ``MODEL_TYPES``.
        seed: of the folds and of the row sampling.
        setting: of that type, as a bundle recorded it; None chooses one on the training data.
        fit: how it is fitted.
    """

    model_type: str
    seed: int
    setting: str | None = None
    fit: FitSettings = field(default_factory=FitSettings)


@dataclass(frozen=True)
class PromotionRules:
    """The rules of a promotion.

    Args:
        economics: what customers and offers are worth.
        capacity: most contacts of one run; None means no limit.
        least_gain: gain over the champion's lists for which a new version goes live, in money per month; 0 or more.
        shadow_days: days on trial in the shadow of the champion, before it goes live; 0 or more.
        currency: of the amounts, by its code.
    """

    economics: Economics
    capacity: int | None = None
    least_gain: float = 0.0
    shadow_days: int = 0
    currency: str = "USD"


@dataclass(frozen=True)
class TrainingContext:
    """The settings of a training run, as values.

    Args:
        source: address, table and as-of date of the customer data.
        contract: file of the data contract.
        every_days: days between the as-of dates of a history, 1 or more.
        max_dates: most as-of dates of a history, 1 or more.
        split: which customers belong to the test set.
        model: the model to fit.
        threshold: score from which a customer counts as likely to churn, in [0, 1].
        promotion: what a new version has to show; the model card states its amounts too.
        default_amounts: amounts of the economics that no one set, for the model card.
        archive: frozen snapshots of earlier runs.
        tracking: where the run is recorded.
        read_erased: reads the tombstones of the erased customers, as they are when it is called.
    """

    source: Source
    contract: Path
    every_days: int
    max_dates: int
    split: SplitRule
    model: ModelSpec
    threshold: float
    promotion: PromotionRules
    default_amounts: tuple[str, ...]
    archive: SnapshotArchive
    tracking: Tracking
    read_erased: Callable[[], Tombstones]


def training_context(settings: Settings) -> TrainingContext:
    """The context of a training run under ``settings``.

    Raises:
        ConfigError: ``training.model_type`` is unknown.
    """
    training, decision = settings.training, settings.decision
    if training.model_type not in MODEL_TYPES:
        raise ConfigError(f"training.model_type is {training.model_type!r}: one of {', '.join(MODEL_TYPES)}")
    fit = FitSettings(
        learning_rate=training.learning_rate, settings_cells=training.settings_cells, threads=training.threads
    )
    return TrainingContext(
        source=settings.source,
        contract=settings.contract.path,
        every_days=training.every_days,
        max_dates=training.snapshots,
        split=SplitRule(training.set_aside_share, training.set_aside_key),
        model=ModelSpec(training.model_type, training.seed, fit=fit),
        threshold=decision.threshold,
        promotion=PromotionRules(
            Economics(**decision.economics()),
            decision.capacity,
            training.least_gain,
            0 if is_spark(settings.source.url) else training.shadow_days,  # nothing there is scored twice
            settings.console.currency,
        ),
        default_amounts=decision.default_amounts,
        archive=snapshot_archive(settings),
        tracking=tracking(settings),
        read_erased=lambda: _read_erased(settings),
    )


def _read_erased(settings: Settings) -> Tombstones:
    """The tombstones of the store and of the file beside it; those of the file alone where the store is unavailable."""
    try:
        return away(settings)
    except StoreError as error:
        log.warning("erased_customers_read_from_file", reason=str(error))
        known = known_here(settings)
        return Tombstones(settings.store.customer_hash_key, frozenset(one.hash for one in known))
