"""An MLflow model as code: a DataFrame through the pipeline. MLServer's MLflow runtime serves the same."""

from __future__ import annotations

from typing import Any

import mlflow
import numpy as np
import numpy.typing as npt
import pandas as pd
from mlflow.pyfunc import PythonModel

from bench.peers.pipeline import Pipeline


class ChurnPipeline(PythonModel):
    """The pipeline behind MLflow's methods."""

    def load_context(self, context: Any) -> None:
        """Read the trees that were saved with the model."""
        self._pipeline = Pipeline(context.artifacts["trees"])

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> npt.NDArray[np.float64]:
        """Churn probabilities, shape (rows,)."""
        return self._pipeline.score(model_input)


mlflow.models.set_model(ChurnPipeline())
