"""A model of MLServer's own kind: the inputs of the V2 protocol, no DataFrame."""

from __future__ import annotations

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from bench.peers.pipeline import Lean


class ChurnLean(MLModel):
    """The trees by hand behind MLServer's methods."""

    async def load(self) -> bool:
        """Read the trees that the settings of the model name."""
        self._lean = Lean(self.settings.parameters.uri)
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Churn probability of one customer."""
        customer = {
            given.name: StringCodec.decode_input(given)[0] if given.datatype == "BYTES" else given.data[0]
            for given in payload.inputs
        }
        score = NumpyCodec.encode_output("churn_probability", np.array([self._lean.score(customer)]))
        return InferenceResponse(model_name=self.name, outputs=[score])
