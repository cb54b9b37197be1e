"""Half a year of the demo company: lists, two campaigns, contacts, notes and outcomes, for every page to show.

Every list is scored as of its date, by a model that was trained before. One offer works as the truth says, the other
does nothing. The database goes on as the offers change it, so outcomes are read from it like those of any company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import numpy as np

from churn_mlops.config import Settings
from churn_mlops.data.demo_company.offer_effects import make_effective
from churn_mlops.models.fit_settings import Progress
from churn_mlops.pipelines.onboarding.past_model import deploy_past_model
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.campaigns import Campaign, NewCampaign, create_campaign
from churn_mlops.store.campaigns.notes import add_note
from churn_mlops.store.contact_import import import_contacts
from churn_mlops.store.contacts import ContactRules, NewContact
from churn_mlops.store.scoring.predictions import OFFER, Prediction, predictions

LISTS = 9
EVERY_DAYS = 21
"""A list every three weeks: 26 weekly ones would take half a minute more."""
WORKS = NewCampaign(
    name="Half price for three months",
    offer="half price for three months",
    offer_cost=50.0,
    script="We would like to keep you as a customer: half price for the next three months.",
    starts_on=date.min,
    created_by="person:maria",
    min_score=0.2,
    only_worth=False,
    capacity=220,
    control_share=0.4,
    explore_share=0.0,
)
FAILS = NewCampaign(
    name="Free film channel",
    offer="a free film channel for a year",
    offer_cost=30.0,
    script="As a thank-you, the film channel is free for you for a year.",
    starts_on=date.min,
    created_by="person:maria",
    min_score=0.15,
    only_worth=False,
    capacity=35,
    control_share=0.3,
    explore_share=0.0,
)
STRENGTH = 3.0
"""The offer that works is three times as strong as the offers of the company's own history."""
AGENTS = ("person:anna", "person:ben", "person:carla")
_RESULTS = ("accepted", "declined", "no_answer", "not_offered")
_SHARES = (0.5, 0.36, 0.08, 0.06)
_DISMISSALS = ("bad_time", "complaint", "already_decided", "not_suitable")
_NOTES = {
    "accepted": "They took the offer.",
    "declined": "They do not want the offer.",
    "bad_time": "They asked us to call at another time.",
    "complaint": "They have an open complaint: no offer before it is solved.",
    "already_decided": "They have signed with another provider.",
    "not_suitable": "The offer does not fit their plan.",
}


@dataclass(frozen=True)
class HalfYear:
    """The counts of half a year.

    Args:
        lists: published lists.
        contacts: recorded contacts.
        kept: customers who stayed because of the offer.
        driven_away: customers who left because of it.
    """

    lists: int
    contacts: int
    kept: int
    driven_away: int


def live_half_year(
    settings: Settings, folder: Path, last_day: date, seed: int, progress: Progress | None = None
) -> HalfYear:
    """Let the demo company work with lists for half a year, before its present model is trained.

    Args:
        settings: of the demo; no model is live.
        folder: of the demo: the database of the company is changed by the offers that work.
        last_day: the last complete day of the history.
        seed: of chance.
        progress: called with (lists done, lists in all).

    Raises:
        ChurnError: a file or the store fails.
    """
    days = [last_day - timedelta(days=EVERY_DAYS * place) for place in range(LISTS, 0, -1)]
    deploy_past_model(settings, days[0], _time_after(days[0], 0, 12))
    past = settings.model_copy(update={"source": settings.source.model_copy(update={"as_of": "today"})})
    draw = np.random.default_rng(seed)
    contacts = kept = driven_away = 0
    with open_store(settings.store.url) as store:
        campaigns = _campaigns(store, days)
    for place, day in enumerate(days):
        run_day(past, day, now=_time_after(day, 1, 6))
        with open_store(settings.store.url) as store:
            listed = _listed(store, day)
            made = _work(store, listed, campaigns, day, settings.decision.follow_days, draw)
        contacts += len(made)
        heard = [one.customer for one in made if one.campaign_id == 1 and one.result in ("accepted", "declined")]
        found = make_effective(
            folder / "company.duckdb", folder / "truth.parquet", day, heard, last_day, draw, STRENGTH
        )
        kept, driven_away = kept + len(found.kept), driven_away + len(found.driven_away)
        if progress is not None:
            progress(place + 1, LISTS)
    record_outcomes(settings, now=_time_after(last_day, 1, 6))
    return HalfYear(LISTS, contacts, kept, driven_away)


def _campaigns(store: Store, days: Sequence[date]) -> list[Campaign]:
    starts = (days[0], days[2])
    return [
        create_campaign(store, replace(new, starts_on=start), clock=partial(_time_after, start, 0, 9))
        for new, start in zip((WORKS, FAILS), starts, strict=True)
    ]


def _listed(store: Store, day: date) -> list[Prediction]:
    """The contact list."""
    return [one for one in predictions(store, day) if one.action == OFFER]


def _work(
    store: Store,
    listed: Sequence[Prediction],
    campaigns: Sequence[Campaign],
    day: date,
    follow_days: int,
    draw: np.random.Generator,
) -> list[NewContact]:
    """Call nearly all customers of the list in the days after it, and note what they said."""
    offers = {one.id: one.offer for one in campaigns}
    made = []
    for one in listed:
        if one.campaign_id is None or draw.random() < 0.05:
            continue
        result = str(draw.choice(_RESULTS, p=_SHARES))
        dismissal = str(draw.choice(_DISMISSALS)) if result == "not_offered" else None
        at = _time_after(day, int(draw.integers(1, 8)), int(draw.integers(9, 17)), int(draw.integers(0, 60)))
        agent = str(draw.choice(AGENTS, p=(0.45, 0.35, 0.2)))
        key = f"demo-{day}-{one.rank}"
        contact = NewContact(
            key, key, one.customer, at, offers[one.campaign_id], result, agent,
            campaign_id=one.campaign_id, channel="console", dismissal=dismissal,
        )  # fmt: skip
        made.append(contact)
    rules = ContactRules(day, day - timedelta(days=follow_days))
    import_contacts(store, made, rules, clock=lambda: _time_after(day, 8, 18))
    for contact in made[:5]:
        text = _NOTES.get(contact.dismissal or contact.result)
        if text is not None:
            add_note(store, contact.customer, text, by=contact.caller, clock=partial(_same, contact.at))
    return made


def _time_after(day: date, days: int, hour: int, minute: int = 0) -> datetime:
    """An hour of the day ``days`` after ``day``, in UTC."""
    return datetime.combine(day + timedelta(days=days), time(hour, minute), UTC)


def _same(at: datetime) -> datetime:
    return at
