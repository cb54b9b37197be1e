"""Tables beside the customers and their acts: versions, histories of values, staff, prices, keys that nearly meet."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.companies.known_truth.company import Company, shuffled
from tests.companies.known_truth.lives import NEVER, Array, acts, dates, times
from tests.companies.known_truth.names import Identifiers, fifteen, numbers, padded, prefixed, twins, uuids
from tests.companies.known_truth.structures import until_next, versions_of
from tests.companies.known_truth.time_decoys import Shape


def versions(company: Company) -> None:
    """Versions of the customers with their first and last day, the open one until 9999."""
    who, since = versions_of(company)
    until = until_next(who, since)
    ends = np.where(until < NEVER, dates(until), np.datetime64("9999-12-31"))
    company.tables["customer_dim"] = shuffled(company.rng, {
        "surrogate_key": 1 + np.arange(who.size),
        company.names.link: company.keys[who],
        "valid_from": dates(since),
        "valid_to": ends,
        "is_current": until == NEVER,
        "tier": company.rng.choice(["gold", "silver"], who.size).astype(object),
    })  # fmt: skip
    if company.truth.same_customers:
        company.truth.same_customers.add(("customer_dim", company.names.link))


def values_by_name(company: Company) -> None:
    """A history of changed fields: name, old and new value, time."""
    who, since = versions_of(company)
    field = company.rng.choice(["Owner", "Phone", "Rating"], who.size).astype(object)
    company.tables["field_history"] = shuffled(company.rng, {
        company.names.link: company.keys[who],
        "field": field,
        "old_value": company.rng.choice(["x", "y"], who.size).astype(object),
        "new_value": company.rng.choice(["x", "y"], who.size).astype(object),
        "created_date": times(company.rng, since),
    })  # fmt: skip


def prices(company: Company) -> None:
    """A price of each customer, called like a thing that customers have."""
    life = company.lives
    company.tables["tariffs"] = shuffled(company.rng, {
        company.names.link: company.keys,
        "valid_from": dates(life.start),
        "rate": company.rng.gamma(3, 5, life.count).round(2),
    })  # fmt: skip


def staff(company: Company) -> None:
    """The company's own people, some of whom left it; each customer has one of them."""
    size = 40
    people = np.array([f"A{number:03}" for number in range(size)], dtype=object)
    if company.truth.customers[0] == company.names.customers:
        company.home["agent_id"] = company.rng.choice(people, company.lives.count)
    hired = company.rng.integers(-900, 300, size)
    gone = company.rng.random(size) < 0.4
    company.tables["agents"] = {
        "agent_id": people,
        "hired_on": dates(hired),
        "terminated_at": dates(np.where(gone, hired + 300, NEVER)),
    }


def tickets(company: Company) -> None:
    """Tickets that open and close."""
    life = company.lives
    who, day = acts(company.rng, life.start, life.last, 120)
    closed = np.where(company.rng.random(who.size) < 0.9, day + company.rng.integers(0, 5, who.size), NEVER)
    company.tables["tickets"] = shuffled(company.rng, {
        "ticket_id": 1 + np.arange(who.size),
        company.names.link: company.keys[who],
        "opened_at": times(company.rng, day),
        "closed_at": dates(np.where(closed <= life.newest, closed, NEVER)),
    })  # fmt: skip
    company.truth.linked["tickets"] = company.names.link


def campaigns(company: Company) -> None:
    """Campaigns, which belong to no customer, planned beyond the extract."""
    size = 12
    start = np.linspace(0, company.lives.newest + 60, size).astype(int)
    company.tables["campaigns"] = {
        "campaign_id": 1 + np.arange(size),
        "start_date": dates(start),
        "end_date": dates(start + 20),
    }


def mailings(company: Company) -> None:
    """Letters to customers, which go on after they have left: to win them back."""
    life = company.lives
    who, day = acts(company.rng, life.start, np.full(life.count, life.newest), 40)
    company.tables["mailings"] = shuffled(company.rng, {
        "mailing_id": 1 + np.arange(who.size),
        company.names.link: company.keys[who],
        "sent_at": times(company.rng, day),
    })  # fmt: skip
    company.truth.linked["mailings"] = company.names.link


def fixed_terms(company: Company) -> None:
    """Agreements of a year each, renewed as long as the customer is there: the last one ends ahead."""
    life = company.lives
    years = (life.last - life.start) // 365 + 1
    who = np.repeat(np.arange(life.count), years)
    place = np.concatenate([np.arange(number) for number in years])
    company.tables["agreements"] = shuffled(company.rng, {
        "agreement_id": 1 + np.arange(who.size),
        company.names.link: company.keys[who],
        "agreed_from": dates(life.start[who] + 365 * place),
        "agreed_until": dates(life.start[who] + 365 * (place + 1) - 1),
    })  # fmt: skip
    company.truth.linked["agreements"] = company.names.link


def nearly_meeting_keys(company: Company) -> None:
    """Use by day, from another system that writes the customers' keys in its own way."""
    life = company.lives
    who, day = acts(company.rng, life.start, life.last, 60)
    company.tables["usage_daily"] = shuffled(company.rng, {
        company.names.link: _written_otherwise(company)[who],
        "usage_day": dates(day),
        "minutes": company.rng.integers(1, 300, who.size),
    })  # fmt: skip
    company.truth.linked["usage_daily"] = company.names.link


def _written_otherwise(company: Company) -> Array:
    """The keys in another form: as decimals, without zeros, in capitals, without dashes, or with a check sum."""
    other = _OTHERWISE[company.names.identifiers]
    return np.array([other(str(key)) for key in company.keys], dtype=object)


def _eighteen(key: str) -> str:
    """Salesforce's form of eighteen characters, whose last three say which letters are capitals."""
    codes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    parts = [key[place : place + 5] for place in (0, 5, 10)]
    return key + "".join(codes[sum(1 << bit for bit, letter in enumerate(part) if letter.isupper())] for part in parts)


_OTHERWISE: dict[Identifiers, Callable[[str], str]] = {
    numbers: lambda key: f"{key}.0",
    padded: lambda key: key.lstrip("0"),
    twins: lambda key: f" {key}",
    prefixed: lambda key: key.upper(),
    uuids: lambda key: key.replace("-", ""),
    fifteen: _eighteen,
}
TABLE_DECOYS: dict[str, Shape] = {
    "versions of customers": versions,
    "histories of values": values_by_name,
    "prices of customers": prices,
    "staff": staff,
    "tickets": tickets,
    "campaigns": campaigns,
    "mailings": mailings,
    "agreements of a year": fixed_terms,
    "keys that nearly meet": nearly_meeting_keys,
}
