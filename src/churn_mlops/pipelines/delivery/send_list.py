"""Delivery of a published day's list to the webhook, from the store: also of a list that a killed run left unsent."""

from __future__ import annotations

from datetime import date
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.data.contract import load_contract
from churn_mlops.errors import DeliveryError
from churn_mlops.pipelines.delivery.webhook import Delivered, RetryClock, deliver
from churn_mlops.retention.ranking import REASONS, customer_column
from churn_mlops.store import open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.predictions import Prediction, predictions
from churn_mlops.store.scoring.runs import record_delivery, run_of

LOCK = "sending"


def send_list(settings: Settings, as_of: date, patience: RetryClock) -> Delivered | None:
    """Send the list of ``as_of``, likely churners and the contact list, and record that the receiver accepted it.

    Args:
        settings: webhook, store and contract.
        as_of: a published date.
        patience: how time passes.

    Returns:
        what was sent; None if no webhook is configured, or the list of the date was accepted before.

    Raises:
        DeliveryError: the list was not accepted, or was published again meanwhile.
        StoreBusyError: another process is sending.
        StoreError: the store fails.
    """
    if settings.webhook.url is None:
        return None
    customer = customer_column(load_contract(settings.contract.path).customer)
    with open_store(settings.store.url) as store, scoring_lock(store, LOCK):
        run = run_of(store, as_of)
        if run is None or run.is_delivered:
            return None

        def page(first: int, rows: int) -> list[dict[str, Any]]:
            # By rank: the list is the first so many ranks, and the ranks of customers erased since stay empty.
            found = predictions(store, as_of, limit=rows, after=first)
            now = run_of(store, as_of)
            if now is None or now.finished_at != run.finished_at:
                raise DeliveryError(
                    f"the list of {as_of} was published again while it was sent: send it again, and the receiver takes "
                    "the newer one"
                )
            return [_row(one, customer) for one in found if one.rank <= first + rows]

        delivered = deliver(
            page,
            run.listed,
            settings.webhook,
            patience,
            as_of=as_of,
            model_version=run.model_version,
            published_at=run.finished_at,
        )
        record_delivery(store, run)
    return delivered


def _row(prediction: Prediction, customer: str) -> dict[str, Any]:
    """A customer of the list, under the same names as in an exported file."""
    reasons = prediction.reasons or []
    return {
        "rank": prediction.rank,
        customer: prediction.customer,
        "score": prediction.score,
        "risk_band": prediction.risk_band,
        "will_churn": prediction.will_churn,
        "action": prediction.action,
        "expected_gain": prediction.expected_gain,
        **{f"reason_{place + 1}": reasons[place] if place < len(reasons) else "" for place in range(REASONS)},
    }
