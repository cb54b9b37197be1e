"""A month of overlapping campaigns on a store that two processes use: arms, control groups, wishes and fatigue hold.

Each process makes the list of each day, in turn, and then works on it: it contacts customers of the list, tries to
contact customers of the control groups and customers who must not be contacted, and records wishes. After each list,
everything that the store holds is checked. At the end, the shares of the draws are tested exactly.

    python -m bench.campaign_month [--customers 10000] [--days 30] [--store ADDRESS]

Without an address, it runs on an SQLite file and on a PostgreSQL of its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing.synchronize import Barrier
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from churn_mlops.config import Settings
from churn_mlops.errors import StoreBusyError
from churn_mlops.pipelines.scoring.contact_list import ListTime, contact_list
from churn_mlops.pipelines.scoring.publish import published_batches
from churn_mlops.pipelines.scoring.score import Scored
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.assignments import Assignment, assignments_in
from churn_mlops.store.campaigns.campaigns import Campaign, NewCampaign, campaigns, create_campaign
from churn_mlops.store.campaigns.do_not_contact import blocked_customers, set_do_not_contact
from churn_mlops.store.contacts import (
    ContactRules,
    ControlGroupError,
    DoNotContactError,
    NewContact,
    accept_contact,
    contacts,
)
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.listed import listed_predictions, listed_ranks
from churn_mlops.store.scoring.predictions import Prediction, predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.run_scores import runs_since
from churn_mlops.store.scoring.runs import NewRun
from churn_mlops.store.scoring.work_list import ListFilter, work_page
from churn_mlops.store.scoring.work_states import list_times

FIRST = date(2026, 6, 1)
PROCESSES = 2
CONTACTS_A_DAY = 12
"""Contacts of each process on each day; as many tries that must be refused."""
WISHES_A_DAY = 2
SURE = 1e-4
"""An exact test with a smaller probability fails."""
SETTINGS = Settings.model_validate({"decision": {"campaign_key": "the key of this month", "customer_value": 500}})


@dataclass(frozen=True)
class Month:
    """The size of a month.

    Args:
        customers: active customers on each day.
        days: days, each with a list.
    """

    customers: int
    days: int

    def campaigns(self) -> list[NewCampaign]:
        """Three campaigns that overlap: a wide one, and two with a capacity that start later."""
        made = {"offer": "20 % off", "offer_cost": 50.0, "script": "Thank you.", "created_by": "bench"}
        room, third = max(2, self.customers // 100), timedelta(days=self.days // 3)
        return [
            NewCampaign("wide", starts_on=FIRST, control_share=0.1, min_score=0.6, explore_share=0.05, **made),
            NewCampaign(
                "narrow", starts_on=FIRST + third, control_share=0.2, capacity=room, explore_share=0.02, **made
            ),
            NewCampaign(
                "late",
                starts_on=FIRST + 2 * third,
                control_share=0.3,
                capacity=2 * room,
                explore_share=0.0,
                only_worth=False,
                **made,
            ),
        ]

    def scores(self, day: int) -> list[tuple[float, str]]:
        """Score and ID of each customer on a day, best first; a risk moves from day to day."""
        risks = np.random.default_rng(1).beta(1.2, 4.0, self.customers)
        moved = np.clip(risks + np.random.default_rng([2, day]).normal(0, 0.05, self.customers), 0.0, 1.0)
        return sorted(
            ((float(score), f"C{place:06d}") for place, score in enumerate(moved)), key=lambda one: (-one[0], one[1])
        )


def run_month(address: str, month: Month) -> dict[str, Any]:
    """Live through the month with two processes, and check it.

    Returns:
        counts, and the probability of each share under its design.

    Raises:
        AssertionError: an arm changed, a rule was broken, or a share is not as designed.
    """
    with open_store(address) as store:
        for new in month.campaigns():
            create_campaign(store, new)
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(PROCESSES + 1)
    workers = [spawn.Process(target=_work, args=(address, month, number, barrier)) for number in range(PROCESSES)]
    for worker in workers:
        worker.start()
    try:
        with open_store(address) as store:
            checked = _watch(store, month, barrier)
            return checked | _shares(store, month)
    finally:
        barrier.abort()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode is not None, "a process hangs"


def _work(address: str, month: Month, number: int, barrier: Barrier) -> None:
    """One of the processes: makes the list of each day, and works on it."""
    draw = random.Random(number)
    try:
        with open_store(address) as store:
            for day in range(month.days):
                _make_list(store, month, day)
                barrier.wait(600)  # both lists are made
                barrier.wait(600)  # they were checked
                _work_on_list(store, day, number, draw)
                barrier.wait(600)
    except BaseException:
        barrier.abort()
        raise


def _make_list(store: Store, month: Month, day: int) -> None:
    """As the daily run does it, with given scores."""
    as_of = FIRST + timedelta(days=day)
    now = datetime.combine(as_of, time(6), UTC)
    scored = _scored(month, day, as_of)
    while True:
        try:
            with scoring_lock(store) as lock:
                made = ListTime.of(as_of, now, asked_for=False)
                decided = contact_list(SETTINGS, store, scored, made, scored.active)
                run = NewRun(as_of, now, "1", "a" * 64, "b" * 64, now)
                batches = published_batches(decided.published(scored.active))
                publish(store, run, batches, assignments=decided.assignments, check=lock.check)
                return
        except StoreBusyError:  # the other process makes its list: then it is this one's turn
            continue


def _scored(month: Month, day: int, as_of: date) -> Scored:
    found = month.scores(day)
    scores = [score for score, _ in found]
    table = pa.table(
        {
            "rank": range(1, len(found) + 1),
            "customer": [name for _, name in found],
            "score": scores,
            "risk_band": ["high" if score >= 0.5 else "low" for score in scores],
            "will_churn": [score >= 0.5 for score in scores],
            "action": ["leave_alone"] * len(found),
            "expected_gain": [0.0] * len(found),
            "reason_1": [""] * len(found),
        }
    )
    none: Any = None
    return Scored(table, 0, 0, False, "1", as_of, none, none, len(found))


def _work_on_list(store: Store, day: int, number: int, draw: random.Random) -> None:
    """Contact some customers; contacts with the control group and against a wish are refused, or say why."""
    as_of = FIRST + timedelta(days=day)
    at = datetime.combine(as_of, time(12, number), UTC)
    rules = ContactRules(as_of, as_of - timedelta(days=SETTINGS.decision.follow_days))
    found = predictions(store, as_of)
    blocked = blocked_customers(store)
    offered = [one.customer for one in found if one.action == "offer"]
    control = [one.customer for one in found if one.why_not == "control_group"]
    for place, customer in enumerate(draw.sample(offered, min(CONTACTS_A_DAY, len(offered)))):
        result = draw.choice(["accepted", "declined", "no_answer", "not_offered"])
        dismissal = "bad_time" if result == "not_offered" else None
        new = NewContact(
            f"{day}-{number}-{place}", "a" * 64, customer, at, "20 % off", result, "bench", dismissal=dismissal
        )
        with suppress(DoNotContactError):  # they may have asked since the list was made
            accept_contact(store, new, rules)
    for wrong in (control, sorted(blocked)):
        for customer in draw.sample(wrong, min(CONTACTS_A_DAY, len(wrong))):
            new = NewContact(
                f"{day}-{number}-{customer}-wrong", "a" * 64, customer, at, "20 % off", "accepted", "bench"
            )
            try:
                accept_contact(store, new, rules)
            except (ControlGroupError, DoNotContactError):
                continue
            raise AssertionError(f"a contact that breaks a rule was recorded on day {day}")
    for one in draw.sample(found, min(WISHES_A_DAY, len(found))):
        set_do_not_contact(store, one.customer, blocked=True, reason="they asked", by="bench")


def _watch(store: Store, month: Month, barrier: Barrier) -> dict[str, Any]:
    """Check the store after each list."""
    arms: dict[tuple[int, str], Assignment] = {}
    offers = 0
    for day in range(month.days):
        barrier.wait(600)
        arms = _check_day(store, FIRST + timedelta(days=day), arms)
        offers += sum(one.action == "offer" for one in predictions(store, FIRST + timedelta(days=day)))
        barrier.wait(600)
        barrier.wait(600)
    recorded = contacts(store, limit=10**9)
    assert all(one.override_reason is None for one in recorded)
    return {
        "customers": month.customers,
        "days": month.days,
        "assignments": len(arms),
        "offers": offers,
        "contacts": len(recorded),
        "blocked": len(blocked_customers(store)),
    }


def _check_day(
    store: Store, as_of: date, before: dict[tuple[int, str], Assignment]
) -> dict[tuple[int, str], Assignment]:
    arms = {(one.campaign_id, one.customer): one for one in _all_assignments(store)}
    changed = [key for key, one in before.items() if arms.get(key) != one]
    assert not changed, f"{len(changed)} arms changed until {as_of}"
    assert len({customer for _, customer in arms}) == len(arms), f"a customer is in two campaigns on {as_of}"
    control = {one.customer for one in arms.values() if one.arm == "control"}
    found = {one.customer: one for one in predictions(store, as_of)}
    listed = listed_predictions(store, as_of, listed_ranks(store, as_of))
    run = next(one for one in runs_since(store, as_of) if one.as_of == as_of)
    work = work_page(store, run, list_times(store, run, datetime.now(UTC)), ListFilter(), limit=10**9)
    assert not control & {one.customer for one in listed}, f"a control customer is on the list of {as_of}"
    assert not control & {one.prediction.customer for one in work.items}, "a control customer is among the work"
    offered = {name for name, one in found.items() if one.action == "offer"}
    assert not control & offered, f"a control customer gets an offer on {as_of}"
    assert {arms[(int(found[name].campaign_id or 0), name)].arm for name in offered} <= {"treated"}
    assert not offered & blocked_customers(store), f"a customer who must not be contacted gets an offer on {as_of}"
    assert not offered & _tired(store, as_of), f"a customer who heard an offer gets another on {as_of}"
    for one in campaigns(store):
        _check_capacity(one, [found[name] for name in offered], as_of)
    return arms


def _check_capacity(campaign: Campaign, offers: list[Prediction], as_of: date) -> None:
    mine = sum(one.campaign_id == campaign.id for one in offers)
    assert campaign.capacity is None or mine <= campaign.capacity, f"{campaign.name} is too long on {as_of}"
    assert campaign.state(as_of) == "running" or not mine, f"{campaign.name} does not run on {as_of}"


def _tired(store: Store, as_of: date) -> set[str]:
    """Customers who heard an offer, were dismissed, or were contacted three times, before the list."""
    found = [one for one in contacts(store, limit=10**9) if one.at.date() < as_of]
    heard = {one.customer for one in found if one.result != "no_answer"}
    often = Counter(one.customer for one in found)
    return heard | {name for name, count in often.items() if count >= SETTINGS.decision.contact_limit}


def _all_assignments(store: Store) -> Iterator[Assignment]:
    for one in campaigns(store):
        yield from assignments_in(store, one.id, limit=10**9)


def _shares(store: Store, month: Month) -> dict[str, Any]:
    """The probability of each share under its design."""
    found: dict[str, Any] = {}
    for one in campaigns(store):
        arms = assignments_in(store, one.id, limit=10**9)
        for explored, designed in ((False, one.control_share), (True, 0.5)):
            some = [arm.arm == "control" for arm in arms if arm.explored == explored]
            if some:
                found[f"{one.name}, {'explorers' if explored else 'chosen'}"] = _tested(sum(some), len(some), designed)
    wide = campaigns(store)[0]
    first = [one for one in assignments_in(store, wide.id, limit=10**9) if one.assigned_on == FIRST and one.explored]
    found["share of explorers"] = _tested(len(first), month.customers, wide.explore_share)
    unlikely = {name: one for name, one in found.items() if one["probability"] < SURE}
    assert not unlikely, f"not as designed: {unlikely}"
    return {"shares": found}


def _tested(count: int, of: int, designed: float) -> dict[str, Any]:
    return {"count": count, "of": of, "designed": designed, "probability": float(binomtest(count, of, designed).pvalue)}


@contextmanager
def _addresses(given: str | None) -> Iterator[list[str]]:
    if given is not None:
        yield [given]
        return
    from tests.postgres import new_store, postgres_server

    with tempfile.TemporaryDirectory() as folder, postgres_server() as server:
        yield [f"sqlite:///{folder}/churn.db", new_store(server)]


def main() -> None:
    """Run the month on each store, and print a line of JSON for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--store")
    given = parser.parse_args()
    with _addresses(given.store) as addresses:
        for address in addresses:
            kind = address.split(":", 1)[0]
            print(json.dumps({"store": kind} | run_month(address, Month(given.customers, given.days))), flush=True)


if __name__ == "__main__":
    main()
