"""The structures of a company's database: where its customers stand, and what shows that they left."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np

from tests.companies.known_truth.company import Columns, Company, EndKind, Truth, day
from tests.companies.known_truth.lives import NEVER, Array, Lives, dates, lives, times
from tests.companies.known_truth.names import Names

MONTH = "month_start"
Structure = Callable[[np.random.Generator, Names], Company]


def end_in_customers(rng: np.random.Generator, names: Names) -> Company:
    """A column of the customers holds their end."""
    found = _begun(rng, names, lives(rng), "column", (names.customers, names.end))
    found.home[names.end] = dates(found.lives.end)
    return found


def end_beside_request(rng: np.random.Generator, names: Names) -> Company:
    """As before, and another column the day on which they asked to leave, also filled for some who then stayed."""
    found = end_in_customers(rng, names)
    stays = np.flatnonzero(~found.lives.left)
    asked = found.lives.asked.copy()
    withdrew = rng.choice(stays, stays.size // 6, replace=False)
    asked[withdrew] = found.lives.start[withdrew] + 20
    end = found.home.pop(names.end)
    found.home[names.asked] = dates(asked)
    found.home[names.end] = end
    return found


def table_of_ends(rng: np.random.Generator, names: Names) -> Company:
    """A table of its own holds the ends, a row for each customer who left."""
    found = _begun(rng, names, lives(rng), "rows", (names.ends, names.ended))
    gone = np.flatnonzero(found.lives.left)
    found.tables[names.ends] = {names.link: found.keys[gone], names.ended: dates(found.lives.end[gone])}
    found.truth.linked[names.ends] = names.link
    return found


def ended_subscriptions(rng: np.random.Generator, names: Names) -> Company:
    """One or two subscriptions of each customer, one after the other; who left has none that is open."""
    found = _begun(rng, names, lives(rng), "column", (names.terms, names.term_end))
    life = found.lives
    second = (life.last - life.start > 120) & (rng.random(life.count) < 0.4)
    change = life.start + (life.last - life.start) // 2
    who = np.r_[np.arange(life.count), np.flatnonzero(second)]
    start = np.r_[life.start, change[second] + 1]
    end = np.r_[np.where(second, change, life.end), life.end[second]]
    found.tables[names.terms] = {
        names.term_key: 7_000_000 + rng.permutation(who.size),
        names.link: found.keys[who],
        names.term_start: dates(start),
        names.term_end: dates(end),
        "plan": rng.choice(["basic", "plus", "max"], who.size),
    }
    found.truth.linked[names.terms] = names.link
    return found


def returning_subscribers(rng: np.random.Generator, names: Names) -> Company:
    """As before, and one in five customers was away for months between two subscriptions."""
    found = ended_subscriptions(rng, names)
    terms, life = found.tables[names.terms], found.lives
    of_row = {str(key): place for place, key in enumerate(found.keys)}
    who = np.array([of_row[str(key)] for key in terms[names.link]])
    first = np.flatnonzero(np.isin(who, who[life.count :]))[: np.unique(who[life.count :]).size]
    away = first[rng.random(first.size) < 0.6]
    back = dates(life.start + (life.last - life.start) // 2)[who[away]]
    terms[names.term_end][away] = back - np.timedelta64(50, "D")
    begins, ends = np.full(life.count, NEVER), np.full(life.count, NEVER)
    ends[who[away]] = life.start[who[away]] + (life.last[who[away]] - life.start[who[away]]) // 2
    begins[who[away]] = ends[who[away]] - 50
    there = ~((life.day > begins[life.who]) & (life.day <= ends[life.who]))
    found.tables[names.acts] = {name: cells[there] for name, cells in found.tables[names.acts].items()}
    return found


def only_silence(rng: np.random.Generator, names: Names) -> Company:
    """Nothing is written down when customers stop."""
    return _begun(rng, names, lives(rng), "inactive", (names.acts, names.at))


def only_versions(rng: np.random.Generator, names: Names) -> Company:
    """No row for each customer: a row for each change of a customer, and their acts. Silence shows who left."""
    found = only_silence(rng, names)
    table, key = f"{names.customers}_history", names.key
    found.tables[table] = _versions(found, key, "updated_at")
    del found.tables[names.customers]
    found.truth.customers = (table, key)
    found.truth.same_customers = {(names.acts, names.link)}
    return found


def cohort(rng: np.random.Generator, names: Names) -> Company:
    """All signed up in one summer; their ends go on, and no other table has a newer row."""
    found = _begun(rng, names, lives(rng, cohort=True), "column", (names.customers, names.end))
    found.home[names.end] = dates(found.lives.end)
    del found.tables[names.acts], found.truth.linked[names.acts]
    found.tables["addresses"] = {
        "address_id": 1 + rng.permutation(found.lives.count),
        names.link: found.keys,
        "added_on": dates(found.lives.start),
        "region": rng.choice(["north", "south"], found.lives.count),
    }
    found.truth.linked["addresses"] = names.link
    found.truth.clock = day(int(found.lives.end[found.lives.left].max()))
    return found


def end_among_events(rng: np.random.Generator, names: Names) -> Company:
    """The acts have a name each, and one name is that of the end."""
    found = _begun(rng, names, lives(rng), "event", (names.acts, "page"))
    found.truth.event = "Cancellation Confirmation", names.at
    rows = found.tables[names.acts]
    gone = np.flatnonzero(found.lives.left)
    pages = rng.choice(["Home", "Next Song", "Settings", "Help"], rows[names.link].size, p=[0.3, 0.5, 0.1, 0.1])
    added = {
        names.act_key: rows[names.act_key].max() + 1 + np.arange(gone.size),
        names.link: found.keys[gone],
        names.at: dates(found.lives.end[gone]).astype("datetime64[s]") + np.timedelta64(86_399, "s"),
        names.amount: np.zeros(gone.size),
    }
    found.tables[names.acts] = {name: np.r_[cells, added[name]] for name, cells in rows.items()} | {
        "page": np.r_[pages.astype(object), np.full(gone.size, "Cancellation Confirmation", dtype=object)]
    }
    return found


def history_of_states(rng: np.random.Generator, names: Names) -> Company:
    """A table of states, one row for each change; the last one says who left."""
    found = _begun(rng, names, lives(rng), "event", ("account_status", "status"))
    found.truth.event = "closed", "changed_at"
    life = found.lives
    gone = np.flatnonzero(life.left)
    states = np.r_[np.full(life.count, "active"), np.full(gone.size, "closed")].astype(object)
    found.tables["account_status"] = {
        names.link: np.r_[found.keys, found.keys[gone]],
        "status": states,
        "changed_at": dates(np.r_[life.start, life.end[gone]]),
    }
    found.truth.linked["account_status"] = names.link
    return found


def monthly_rows(rng: np.random.Generator, names: Names) -> Company:
    """One table with a row for each customer and month. Rows that stop show who left."""
    found = only_silence(rng, names)
    who, month = _months(found.lives)
    table, key = f"{names.customers}_by_month", names.link
    plans, visits = rng.choice(["basic", "plus"], found.lives.count), rng.poisson(3, who.size)
    rows = {key: found.keys[who], MONTH: month, "plan": plans[who].astype(object), "visits": visits}
    found.tables = {table: rows}
    found.truth.linked = {}
    found.truth.customers, found.truth.end = (table, key), (table, MONTH)
    found.truth.clock = (month.max() + 1).astype(date)  # the rows of a month are loaded together
    stays = np.isin(np.arange(found.lives.count), who[month == month.max()])
    found.truth.active = frozenset(str(key) for key in found.keys[stays])
    return found


def flagged_months(rng: np.random.Generator, names: Names) -> Company:
    """As before, and the last row of a customer who left says so."""
    found = monthly_rows(rng, names)
    rows, table = found.home, found.truth.customers[0]
    newest = rows[MONTH].max()
    of_rows = list(zip(rows[names.link].tolist(), rows[MONTH], strict=True))  # by their months
    last = dict(of_rows)
    left = [last[key] == month < newest for key, month in of_rows]
    rows["status"] = np.where(left, "left", "active").astype(object)
    found.truth.end_kind, found.truth.end, found.truth.event = "event", (table, "status"), ("left", MONTH)
    return found


STRUCTURES: dict[str, Structure] = {
    "the end in the customers": end_in_customers,
    "the end beside the request": end_beside_request,
    "a table of ends": table_of_ends,
    "subscriptions that end": ended_subscriptions,
    "subscriptions with returns": returning_subscribers,
    "only silence": only_silence,
    "only versions of customers": only_versions,
    "a cohort": cohort,
    "the end among events": end_among_events,
    "a history of states": history_of_states,
}
PANELS: dict[str, Structure] = {"a panel of months": monthly_rows, "a panel with a flag": flagged_months}
"""Structures of one table, which comes alone."""


def _begun(rng: np.random.Generator, names: Names, life: Lives, end_kind: EndKind, end: tuple[str, str]) -> Company:
    """Customers with a start, and their acts."""
    keys = names.identifiers(rng, life.count)
    home = {
        names.key: keys,
        names.start: dates(life.start),
        names.level: rng.choice(["A", "B", "C"], life.count).astype(object),
    }
    acts = {
        names.act_key: 10**6 + np.arange(life.who.size),
        names.link: keys[life.who],
        names.at: times(rng, life.day),
        names.amount: rng.gamma(3, 12, life.who.size).round(2),
    }
    active = frozenset(str(key) for key in keys[~life.left])
    truth = Truth((names.customers, names.key), end_kind, end, active, day(life.newest))
    truth.linked[names.acts] = names.link
    return Company(rng, names, life, keys, {names.customers: home, names.acts: acts}, [], truth)


def _months(life: Lives) -> tuple[Array, Array]:
    """A row for each customer and month that they had begun on the first of: its customer, and that first day."""
    first = dates(np.arange(life.newest + 1)).astype("datetime64[M]")
    months = np.unique(first)[1:]
    at = months.astype("datetime64[D]")[:, None]
    who = (dates(life.start) <= at) & (at <= dates(life.last))
    place, customer = np.nonzero(who)
    return customer, at[place, 0]


def versions_of(found: Company) -> tuple[Array, Array]:
    """The customer and the first day of each of their versions: one on the first day, more later."""
    life = found.lives
    length = life.last - life.start
    more = np.repeat(np.arange(life.count), found.rng.poisson(length / 150))
    later = life.start[more] + 1 + (found.rng.random(more.size) * length[more]).astype(int)
    later = np.minimum(later, life.last[more])
    return np.r_[np.arange(life.count), more], np.r_[life.start, later]


def _versions(found: Company, key: str, changed: str) -> Columns:
    who, since = versions_of(found)
    return {
        key: found.keys[who],
        changed: times(found.rng, since),
        "plan": found.rng.choice(["basic", "plus", "max"], who.size).astype(object),
        "seats": found.rng.integers(1, 30, who.size),
    }


def until_next(who: Array, since: Array) -> Array:
    """For each version, the day of the same customer's next one; `NEVER` for the last."""
    order = np.lexsort((since, who))
    until = np.full(who.size, NEVER)
    same = who[order][1:] == who[order][:-1]
    until[order[:-1][same]] = since[order[1:][same]]
    return until
