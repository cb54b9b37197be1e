"""Second phase: fit the model on the training set."""

from __future__ import annotations

from churn_mlops.models.bundle import Bundle
from churn_mlops.models.fit_settings import Progress
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.training.context import TrainingContext
from churn_mlops.pipelines.training.prepare import PreparedData


def fit(context: TrainingContext, prepared: PreparedData, progress: Progress | None = None) -> Bundle:
    """The model of ``context``, fitted on the training set of ``prepared``.

    Args:
        context: of the run.
        prepared: training set and contracts.
        progress: called with (fits done, fits in all).

    Raises:
        DataError: there are too few churners or too few retained customers.
    """
    data, model = prepared.data, context.model
    return fit_bundle(
        data.train,
        data.train_y,
        prepared.contract,
        model.model_type,
        setting=model.setting,
        groups=data.train_groups,
        history=prepared.history,
        seed=model.seed,
        threshold=context.threshold,
        settings=model.fit,
        progress=progress,
    )
