"""An MLflow model as code: validated objects, no DataFrame."""

from typing import Any

import mlflow
from mlflow.pyfunc import PythonModel

from bench.peers.customer import Customer
from bench.peers.pipeline import Lean


class ChurnLean(PythonModel):
    """The trees by hand behind MLflow's methods; it reads the types of its arguments and answers."""

    def load_context(self, context: Any) -> None:
        """Read the trees that were saved with the model."""
        self._lean = Lean(context.artifacts["trees"])

    def predict(self, model_input: list[Customer]) -> list[float]:
        """Churn probabilities."""
        return [self._lean.score(dict(customer)) for customer in model_input]


mlflow.models.set_model(ChurnLean())
