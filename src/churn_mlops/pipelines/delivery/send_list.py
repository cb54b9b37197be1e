"""Delivery of a published day's list to the webhook, from the store: also of a list that a killed run left unsent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.config.decision import Decision
from churn_mlops.data.contract import load_contract
from churn_mlops.errors import DeliveryError
from churn_mlops.pipelines.delivery.webhook import Delivered, RetryClock, deliver
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.retention import DecisionRule
from churn_mlops.retention.decision import OfferDecision, offer_now, rule_of, ruled_out
from churn_mlops.retention.economics import action_of
from churn_mlops.retention.ranking import REASONS, customer_column
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.standings import Window, standings
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.listed import listed_predictions, listed_ranks
from churn_mlops.store.scoring.predictions import Prediction
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
    return None if settings.webhook.url is None else _send(settings, as_of, patience)


@recorded("send")
def _send(settings: Settings, as_of: date, patience: RetryClock) -> Delivered | None:
    customer = customer_column(load_contract(settings.contract.path).customer)
    rule = rule_of(settings.decision)
    with open_store(settings.store.url) as store, scoring_lock(store, LOCK):
        run = run_of(store, as_of)
        if run is None or run.is_delivered:
            return None

        ranks = listed_ranks(store, as_of)

        def page(first: int, rows: int) -> list[dict[str, Any]]:
            # By rank: customers who were erased since leave a gap.
            found = listed_predictions(store, as_of, ranks[first : first + rows])
            now = run_of(store, as_of)
            if now is None or now.finished_at != run.finished_at:
                raise DeliveryError(
                    f"the list of {as_of} was published again while it was sent: send it again, and the receiver takes "
                    "the newer one"
                )
            return [_row(one, customer) for one in _offered_now(store, settings.decision, rule, found)]

        delivered = deliver(
            page,
            len(ranks),
            settings.webhook,
            patience,
            as_of=as_of,
            model_version=run.model_version,
            published_at=run.finished_at,
        )
        record_delivery(store, run)
    return delivered


def _offered_now(store: Store, decision: Decision, rule: DecisionRule, found: list[Prediction]) -> Iterator[Prediction]:
    """The customers of a page without the control group, and without offers that were ruled out since."""
    now = datetime.now(UTC)
    window = Window.at(now.date(), now, follow_days=decision.follow_days, contacts=rule.fatigue.longest)
    recorded = standings(store, window, [one.customer for one in found])
    for one in found:
        listed = OfferDecision.of_list(one.action, one.why_not)
        ruled = ruled_out(one.customer, recorded.get(one.customer), rule, now)
        decided = offer_now(ruled, listed, one.expected_gain > 0.0, rule)
        if decided.why_not != "control_group":
            yield replace(one, action=action_of(decided.offer), why_not=decided.why_not)


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
        "campaign_id": prediction.campaign_id,
        "why_not": prediction.why_not,
        **{f"reason_{place + 1}": reasons[place] if place < len(reasons) else "" for place in range(REASONS)},
    }
