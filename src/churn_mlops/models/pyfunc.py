"""The functions that MLflow calls to load a logged bundle (``loader_module``); they need nothing of MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from churn_mlops.errors import BundleError
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats


class BundleModel:
    """A bundle behind the one method that MLflow expects."""

    def __init__(self, predictor: ChurnPredictor) -> None:
        self.predictor = predictor

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Floats:
        """Churn probabilities, shape (rows,), of a DataFrame of raw customers."""
        return self.predictor.score(model_input)


def _load_pyfunc(data_path: str) -> BundleModel:
    path = Path(data_path)
    found = next(path.glob("*.bundle"), None) if path.is_dir() else path
    if found is None:
        raise BundleError(f"{path} holds no model bundle: register the model again with `churn train`")
    return BundleModel(ChurnPredictor.load(found))
