"""Times and rows among the acts: when they were known, when they were copied, what is planned."""

from __future__ import annotations

import numpy as np

from tests.companies.known_truth.company import Columns, Company
from tests.companies.known_truth.lives import FIRST, NEVER, Array, dates, times
from tests.companies.known_truth.time_decoys import Shape


def _acts(company: Company) -> Columns | None:
    return company.tables.get(company.names.acts)


def known_late(company: Company) -> None:
    """An honest time of recording: up to three days behind, for all alike."""
    if (rows := _acts(company)) is not None:
        behind = company.rng.integers(0, 3 * 86_400, rows[company.names.at].size).astype("timedelta64[s]")
        extract = dates(np.array(company.lives.newest + 1)).astype("datetime64[s]") - np.timedelta64(1, "s")
        rows["recorded_at"] = np.minimum(rows[company.names.at] + behind, extract)
        company.truth.known[company.names.acts] = {"recorded_at"}


def changed_later(company: Company) -> None:
    """When a row was last changed: half of those of customers who left were closed when they left."""
    if (rows := _acts(company)) is not None:
        at, size = rows[company.names.at], rows[company.names.at].size
        who = _who(company)
        closed = company.lives.left[who] & (company.rng.random(size) < 0.7)
        end = FIRST.astype("datetime64[s]") + (86_400 * np.minimum(company.lives.end[who], NEVER)).astype("m8[s]")
        rows["updated_at"] = np.where(closed, np.maximum(end, at), at + np.timedelta64(60, "s"))


def copied_again(company: Company) -> None:
    """When a row was last copied: the table was loaded anew in the last month."""
    if (rows := _acts(company)) is not None:
        days = company.lives.newest - company.rng.integers(0, 2, rows[company.names.at].size)
        rows["_fivetran_synced"] = np.maximum(times(company.rng, days), rows[company.names.at])


def due(company: Company) -> None:
    """When an act is due, two weeks after it."""
    if (rows := _acts(company)) is not None:
        rows["due_date"] = rows[company.names.at].astype("datetime64[D]") + np.timedelta64(14, "D")


def service_period(company: Company) -> None:
    """The month that an act is for."""
    if (rows := _acts(company)) is not None:
        rows["period_start"] = rows[company.names.at].astype("datetime64[D]")
        rows["period_end"] = rows["period_start"] + np.timedelta64(30, "D")


def refunds(company: Company) -> None:
    """A few acts were refunded later."""
    if (rows := _acts(company)) is not None:
        later = rows[company.names.at] + np.timedelta64(5 * 86_400, "s")
        some = (company.rng.random(later.size) < 0.04) & (later < dates(np.array(company.lives.newest + 1)))
        rows["refunded_at"] = np.where(some, later, np.datetime64("NaT"))


def scheduled(company: Company) -> None:
    """Rows for what is planned: up to two months ahead, of customers who are there."""
    if (rows := _acts(company)) is None:
        return
    names, life = company.names, company.lives
    there = np.flatnonzero(~life.left)
    size = there.size * 2
    ahead = life.newest + company.rng.integers(1, 60, size)
    added = {
        names.act_key: rows[names.act_key].max() + 1 + np.arange(size),
        names.link: company.keys[np.repeat(there, 2)],
        names.at: times(company.rng, ahead),
        names.amount: company.rng.gamma(3, 12, size).round(2),
    }
    status = np.r_[np.full(rows[names.at].size, "done"), np.full(size, "scheduled")].astype(object)
    company.tables[names.acts] = {
        name: np.r_[cells, added[name] if name in added else _none(cells, size)] for name, cells in rows.items()
    } | {"status": status}


def _none(cells: Array, size: int) -> Array:
    return np.full(size, np.datetime64("NaT")) if cells.dtype.kind == "M" else np.full(size, None)


def _who(company: Company) -> Array:
    place = {str(key): number for number, key in enumerate(company.keys)}
    return np.array([place[str(key)] for key in company.tables[company.names.acts][company.names.link]])


def ended_acts(company: Company) -> None:
    """When an act was over: minutes later."""
    if (rows := _acts(company)) is not None:
        lasted = company.rng.integers(60, 7_200, rows[company.names.at].size).astype("timedelta64[s]")
        rows["ended_at"] = rows[company.names.at] + lasted


def closing_rows(company: Company) -> None:
    """A last bill or payment up to 20 days after the end, of one in three customers who left."""
    if (rows := _acts(company)) is None or company.truth.end_kind == "event":
        return
    names, life = company.names, company.lives
    gone = np.flatnonzero(life.left & (company.rng.random(life.count) < 0.35))
    days = life.end[gone] + company.rng.integers(1, 20, gone.size)
    gone, days = gone[days <= life.newest], days[days <= life.newest]
    added = {
        names.act_key: rows[names.act_key].max() + 1 + np.arange(gone.size),
        names.link: company.keys[gone],
        names.at: times(company.rng, days),
        names.amount: company.rng.gamma(3, 12, gone.size).round(2),
    }
    company.tables[names.acts] = {
        name: np.r_[cells, added[name] if name in added else _none(cells, gone.size)] for name, cells in rows.items()
    }


def articles(company: Company) -> None:
    """What an act is about: a thing of a table of its own, some of which are no longer sold."""
    if (rows := _acts(company)) is not None:
        size = 60
        rows["product_id"] = 9_000 + company.rng.integers(0, size, rows[company.names.at].size)
        launched = company.rng.integers(-400, 100, size)
        gone = company.rng.random(size) < 0.4
        company.tables["products"] = {
            "product_id": 9_000 + np.arange(size),
            "launched_on": dates(launched),
            "discontinued_on": dates(np.where(gone, launched + 400, NEVER)),
            "label": company.rng.choice(["red", "blue"], size).astype(object),
        }


ROW_DECOYS: dict[str, Shape] = {
    "rows known late": known_late,
    "last changes of rows": changed_later,
    "last loads of rows": copied_again,
    "due dates": due,
    "periods of rows": service_period,
    "refunds": refunds,
    "rows ahead": scheduled,
    "acts that are over": ended_acts,
    "rows after the end": closing_rows,
    "articles": articles,
}
