"""The model that is live, with everything a request needs of it; swapped as one, so a request never mixes two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from churn_mlops.data.contract.customer_body import CustomerBody, customer_body
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.serving.model.request_models import BatchBody, batch_body, batch_frame


@dataclass(frozen=True)
class ServedModel:
    """One model version as it serves.

    Args:
        predictor: gives scores and reasons.
        version: version in the registry, such as "3".
        live_from: ISO date and time since when it is live.
        model_type: such as ``additive_boosting``.
        provenance: the facts recorded at its promotion (time, revision, metrics).
        max_batch_rows: most customers of one batch request.
        sha256: hash of the bundle, which the prediction log names.
    """

    predictor: ChurnPredictor
    version: str
    live_from: str
    model_type: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    max_batch_rows: int = 10_000
    sha256: str = ""
    customer: type[CustomerBody] = field(init=False)
    batch: type[BatchBody] = field(init=False)
    frame: type[BatchBody] = field(init=False)

    def __post_init__(self) -> None:
        customer = customer_body(self.predictor.contract)
        object.__setattr__(self, "customer", customer)
        object.__setattr__(self, "batch", batch_body(customer, self.max_batch_rows))
        object.__setattr__(self, "frame", batch_frame(self.max_batch_rows))


@dataclass(frozen=True)
class Rejected:
    """A champion that this server does not serve: its ``version``, and why, ``broken`` or ``slow``."""

    version: str
    reason: str


class ModelSlot:
    """Holds the live model. A request reads ``current`` once, and keeps what it read."""

    def __init__(self, current: ServedModel | None = None) -> None:
        self.current = current
        self.draining = False
        self.rejected: Rejected | None = None
        self.rejections: Counter[str] = Counter()
        self.changes = 0

    @property
    def remarks(self) -> dict[str, str]:
        """The fields that ``/ready`` adds to its answer."""
        rejected = self.rejected
        return {} if rejected is None else {"champion_refused": f"version {rejected.version}: {rejected.reason}"}

    def deploy(self, model: ServedModel) -> None:
        """Answer from ``model`` from the next request on; requests in progress keep the model that they read."""
        self.current = model
        self.rejected = None
        self.changes += 1

    def reject(self, rejected: Rejected) -> None:
        """Note that a champion is not served, for ``/ready`` and for Prometheus."""
        self.rejected = rejected
        self.rejections[rejected.reason] += 1
