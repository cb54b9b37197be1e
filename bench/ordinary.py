"""The ordinary FastAPI route that `/predict` is held against: the same models of request and answer, a constant.

python -m bench.ordinary MODELS_FOLDER PORT
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from churn_mlops.config import Settings
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.serving.model.model_watcher import served_model_of
from churn_mlops.serving.model.request_models import Prediction


def application(models: Path) -> FastAPI:
    """The application; it takes the customer of the champion in ``models``."""
    champion = BundleCache(models).champion()
    assert champion is not None, f"no model is live in {models}"
    customer_body = served_model_of(champion, Settings()).customer
    app = FastAPI()

    async def predict(customer: Any) -> dict[str, Any]:
        return {"prediction": 1, "will_churn": True, "churn_probability": 0.78, "confidence": 0.78}

    predict.__annotations__["customer"] = customer_body
    app.post("/predict", response_model=Prediction)(predict)
    return app


if __name__ == "__main__":
    uvicorn.run(application(Path(sys.argv[1])), port=int(sys.argv[2]), access_log=False, log_level="warning")
