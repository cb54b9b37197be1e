"""The contact list of a date: the campaigns, and the standings of customers, decide which of them are on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import pyarrow as pa

from churn_mlops.config import Settings
from churn_mlops.pipelines.scoring.score import Scored
from churn_mlops.retention.campaign_plan import Candidates, Plan, plan_list
from churn_mlops.retention.decision import actions, rule_of
from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import Assignment
from churn_mlops.store.campaigns.campaigns import Campaign, running_campaigns
from churn_mlops.store.campaigns.standings import Window, standings
from churn_mlops.store.scoring.runs import latest_run

CAMPAIGN, WHY_NOT = "campaign_id", "why_not"


@dataclass(frozen=True)
class ListTime:
    """The time of a list.

    Args:
        on: the date that campaigns run on.
        until: what happened later does not count.
    """

    on: date
    until: datetime

    @classmethod
    def of(cls, as_of: date, now: datetime, *, asked_for: bool) -> ListTime:
        """Today's list is made now; the list of a date that was asked for, as if it were made at its end."""
        if not asked_for:
            return cls(now.date(), now)
        end = datetime.combine(as_of + timedelta(days=1), time(), UTC)
        return cls(as_of, min(now, end))


@dataclass(frozen=True)
class ContactList:
    """The plan of a list, by rank.

    Args:
        plan: what is decided about each customer, best first.
        on: the date of the list.
    """

    plan: Plan
    on: date

    @property
    def length(self) -> int:
        """How many customers get an offer."""
        return int(self.plan.offer.sum())

    @property
    def assignments(self) -> list[Assignment]:
        """The arms that were drawn for the list."""
        return [Assignment(one.campaign_id, one.customer, one.arm, one.explored, self.on) for one in self.plan.new]

    def published(self, customers: pa.Table) -> pa.Table:
        """The customers with their action, and with columns for campaign and reason; all of them, for the store."""
        places = customers.column("rank").to_numpy() - 1
        planned = self.plan.expected_gain[places]
        gain = np.where(np.isnan(planned), customers.column("expected_gain").to_numpy(), planned)
        changed = {"action": actions(self.plan.offer[places]), "expected_gain": gain}
        for name, values in changed.items():
            customers = customers.set_column(customers.column_names.index(name), name, pa.array(values))
        for name, kind, decided in (
            (CAMPAIGN, pa.int32(), self.plan.campaign_id),
            (WHY_NOT, pa.string(), self.plan.why_not),
        ):
            customers = customers.append_column(name, pa.array([decided[place] for place in places.tolist()], kind))
        return customers

    def shown(self, customers: pa.Table) -> pa.Table:
        """The published customers as people and other systems see them: without the control group."""
        reasons = customers.column(WHY_NOT).to_pylist()
        kept = customers.filter(pa.array([one != "control_group" for one in reasons]))
        kept = kept.drop_columns([CAMPAIGN])
        return kept if set(reasons) - {None, "beyond_capacity"} else kept.drop_columns([WHY_NOT])


def contact_list(settings: Settings, store: Store, scored: Scored, made: ListTime, listed: pa.Table) -> ContactList:
    """Decide who is on the contact list. A date before the newest published one draws no arms.

    Args:
        settings: of the section ``decision``.
        store: knows campaigns, arms, wishes and contacts.
        scored: the run.
        made: the time of the list.
        listed: the customers that may be on it, by rank from 1; with Spark only the first of all.
    """
    latest = latest_run(store)
    is_past = latest is not None and latest.as_of > scored.as_of  # no one could act on it: arms would be drawn in vain
    return _planned(settings, store, scored, made, listed, () if is_past else running_campaigns(store, made.on))


def without_campaigns(settings: Settings, store: Store, scored: Scored, now: datetime) -> Scored:
    """The list of a file, which is not published: no arm is drawn, and the control group is left out."""
    made = ListTime.of(scored.as_of, now, asked_for=False)
    found = _planned(settings, store, scored, made, scored.active, ())
    return shown(scored, found, found.published(scored.active))


def shown(scored: Scored, decided: ContactList, published: pa.Table) -> Scored:
    """``scored`` as people see it: with the decided actions, without the control group."""
    kept = decided.shown(published)
    gone = scored.customers.slice(len(scored.active))
    if len(gone):
        kept = pa.concat_tables([kept, gone], promote_options="default")
    return replace(scored, customers=kept, worth_an_offer=decided.length)


def _planned(
    settings: Settings,
    store: Store,
    scored: Scored,
    made: ListTime,
    listed: pa.Table,
    campaigns: Sequence[Campaign],
) -> ContactList:
    decision, rule = settings.decision, rule_of(settings.decision)
    window = Window.at(made.on, made.until, follow_days=decision.follow_days, contacts=rule.fatigue.longest)
    customers = [str(one) for one in listed.column(scored.customer_column).to_pylist()]
    candidates = Candidates(
        customers,
        listed.column("score").to_numpy(),
        np.ones(len(customers), dtype=bool),
        [scored.households.get(one, one) for one in customers],
        np.array([one in scored.payment_failed for one in customers], dtype=bool),
    )
    whole = len(customers) == scored.total
    plan = plan_list(
        candidates, standings(store, window), campaigns, rule, decision.campaign_key, made.until, explore=whole
    )
    return ContactList(plan, made.on)
