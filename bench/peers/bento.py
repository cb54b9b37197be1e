"""BentoML services: `TREES=FOLDER bentoml serve bench.peers.bento:Pipelined` (or `:ByHand`)."""

import os

import bentoml
import pandas as pd

from bench.peers.customer import Customer
from bench.peers.pipeline import Lean, Pipeline


@bentoml.service(workers=1)
class Pipelined:
    """A DataFrame through the pipeline."""

    def __init__(self) -> None:
        self._pipeline = Pipeline(os.environ["TREES"])

    @bentoml.api
    def predict(self, customer: Customer) -> float:
        """Churn probability of one customer."""
        return float(self._pipeline.score(pd.DataFrame([dict(customer)]))[0])


@bentoml.service(workers=1)
class ByHand:
    """No DataFrame, and no thread for each request."""

    def __init__(self) -> None:
        self._lean = Lean(os.environ["TREES"])

    @bentoml.api
    async def predict(self, customer: Customer) -> float:
        """Churn probability of one customer."""
        return self._lean.score(dict(customer))
