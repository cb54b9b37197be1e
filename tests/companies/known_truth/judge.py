"""The judge of a proposal: what it takes for the end, the customer, the clock and the times of recording.

Each is right, asked about, or silently wrong. To ask is to have a finding of a kind that asks about just this, whose
words name the column that is right. A finding of any other kind, or about another column, is no question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import ibis.expr.types as ir

from churn_mlops.data.contract import END_KNOWN_AT, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.findings import Finding
from churn_mlops.data.snapshot.active_customers import active_customers
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.data.snapshot.known_rows import KEY, PointInTimeTables
from tests.companies.known_truth.company import Company
from tests.companies.known_truth.structures import MONTH

Verdict = Literal["right", "asked", "silently wrong"]
TODAY = date(2026, 11, 1)
"""The day on which all companies are read: long after their extracts."""
QUESTIONS: dict[str, frozenset[str]] = {
    "end": frozenset({"label_missing", "end_other", "end_event"}),
    "customer": frozenset({"customers"}),
    "clock": frozenset({"newest_day", "unix_times"}),
    "times": frozenset({"unix_times"}),
    "known": frozenset({"known_before_event", "known_refused"}),
    "links": frozenset({"keys_nearly_meet"}),
    "start": frozenset({"start_other"}),
}
"""For each aspect, the kinds of findings that ask about it."""
_DAYS = 2  # the clock may be off by so many
_MEETING = 0.9  # share of a table's keys that must be those of customers
_OTHERS = 0.02  # share of the customers that the list may hold wrongly, or lack


@dataclass(frozen=True)
class Judged:
    """One aspect: what the contract has, what is right, and the verdict."""

    aspect: str
    verdict: Verdict
    has: str
    right: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.aspect}: {self.verdict}: has {self.has}; right is {self.right}"


def judge(
    company: Company, contract: HistoryContract, findings: Sequence[Finding], tables: Mapping[str, ir.Table]
) -> list[Judged]:
    """The verdict on each aspect of a proposed contract for ``company``, whose ``tables`` it reads.

    Args:
        company: knows what is right.
        contract: as it was proposed.
        findings: what was said and asked beside it.
        tables: the database of the company.
    """
    opened = {key: tables[declared.table or key] for key, declared in contract.tables.items()}
    newest = last_day(opened, contract, TODAY)
    asks = _Asked(findings)
    listed = _listed(contract, opened, newest)
    found = [
        _end(company, contract, asks, listed),
        _customer(company, contract, asks),
        _clock(company, newest, asks),
        _start(company, contract, asks),
        *_known(company, contract, asks),
        *_links(company, contract, opened, asks),
    ]
    if all(one.verdict == "right" for one in found[:3]):  # else these are answered first
        found += _leaks(company, contract)
    if company.truth.end_kind != "inactive" and all(one.verdict == "right" for one in found[:3]):
        found.append(_list(company, listed))
    return found


@dataclass(frozen=True)
class _Asked:
    findings: Sequence[Finding]

    def about(self, aspect: str, *names: str) -> bool:
        """Whether a finding of a kind that asks about ``aspect`` names each of ``names`` in full."""
        of_kind = [one for one in self.findings if one.kind in QUESTIONS[aspect] and _asks(one)]
        return any(all(name in f"{one.column}: {one.message}" for name in names) for one in of_kind)


def _asks(finding: Finding) -> bool:
    return "?" in finding.message or finding.kind == "unix_times"  # which says what to do if they are times


def _verdict(right: bool, asked: bool) -> Verdict:
    return "right" if right else "asked" if asked else "silently wrong"


def _listed(contract: HistoryContract, opened: Mapping[str, ir.Table], newest: date) -> frozenset[str]:
    """The customers on the newest day's list."""
    rows = active_customers(PointInTimeTables(opened, contract), AsOf(newest + timedelta(days=1)))
    return frozenset(str(key) for key in rows.to_pyarrow()[KEY].to_pylist())


def _end(company: Company, contract: HistoryContract, asks: _Asked, listed: frozenset[str]) -> Judged:
    truth = company.truth
    kind, table, column = _end_of(contract)
    right = (kind, table, column) == (truth.end_kind, *truth.end)
    if truth.event is not None and right:
        ends = contract.tables[str(contract.tables[contract.customers].ends)]
        right = ends.where == {truth.end[1]: (truth.event[0],)}
    if truth.end_kind == "inactive":  # an end that lists the right customers will do as well
        right = right or (kind == "column" and _differ(company, listed) <= _OTHERS)
    asked = asks.about("end", f"{truth.end[0]}.{truth.end[1]}") or (kind == "none" and asks.about("end"))
    return Judged("end", _verdict(right, asked), f"{kind} {table}.{column}", f"{truth.end_kind} {'.'.join(truth.end)}")


def _end_of(contract: HistoryContract) -> tuple[str, str, str]:
    """How the contract decides who left: kind, table in the database, column."""
    label, home = contract.label, contract.tables[contract.customers]
    if label is None:
        return "none", "", ""
    if label.inactive is not None:
        name = label.inactive.events
        return "inactive", contract.tables[name].table or name, contract.tables[name].time
    if home.ends is None:
        return "column", home.table or contract.customers, str(home.end)
    rows = contract.tables[home.ends]
    named = next(iter(rows.where), None)
    return "rows" if named is None else "event", rows.table or home.ends, named or rows.time


def _customer(company: Company, contract: HistoryContract, asks: _Asked) -> Judged:
    """Customers are rows of the table that holds them all, or are named by another one's rows, all the same."""
    truth, home = company.truth, contract.tables[contract.customers]
    has = home.table or contract.customers, home.customer or contract.customer
    able = {truth.customers, *truth.same_customers}
    if truth.end_kind == "column" and truth.end[0] in truth.linked:  # subscriptions stand for their customers
        able.add((truth.end[0], truth.linked[truth.end[0]]))
    asked = asks.about("customer", ".".join(truth.customers)) or asks.about("customer", truth.customers[0])
    return Judged("customer", _verdict(has in able, asked), ".".join(has), ".".join(truth.customers))


def _clock(company: Company, newest: date, asks: _Asked) -> Judged:
    right = company.truth.clock - timedelta(days=1)
    off = abs((newest - right).days)
    return Judged("clock", _verdict(off <= _DAYS, asks.about("clock")), str(newest), str(right))


def _start(company: Company, contract: HistoryContract, asks: _Asked) -> Judged:
    home, names = contract.tables[contract.customers], company.names
    source = home.table or contract.customers
    firsts = {names.customers: names.start, names.terms: names.term_start, names.acts: names.at}
    right = {**firsts, "customer_dim": "valid_from"}.get(source, "updated_at")
    right = MONTH if MONTH in company.tables[source] else right
    if source not in {company.truth.customers[0], names.terms, *dict(company.truth.same_customers)}:
        right = names.start
    asked = asks.about("customer", company.truth.customers[0]) or asks.about("start", f"{source}.{right}")
    return Judged("start", _verdict(home.start == right, asked), f"{source}.{home.start}", f"{source}.{right}")


def _known(company: Company, contract: HistoryContract, asks: _Asked) -> list[Judged]:
    found = []
    for key, declared in contract.tables.items():
        source = declared.table or key
        of_rows = {declared.known_at, declared.start_known_at} - {None}
        of_end = {declared.end_known_at} - {None, END_KNOWN_AT}
        found.append(_known_of(source, f"{source}", of_rows, company, asks))
        if declared.end is not None:
            found.append(_known_of(source, f"{source}, its end", of_end, company, asks))
    return found


def _known_of(source: str, what: str, said: set[str | None], company: Company, asks: _Asked) -> Judged:
    taken, honest = {str(name) for name in said}, company.truth.known.get(what, set())
    wrong = taken - honest or (honest if not taken else set())
    asked = all(asks.about("known", f"{source}.{name}") for name in wrong)
    return Judged(f"known of {what}", _verdict(not wrong, asked), str(sorted(taken)), str(sorted(honest)))


def _links(company: Company, contract: HistoryContract, opened: Mapping[str, ir.Table], asks: _Asked) -> list[Judged]:
    """The rows of a table are those of its customers, and not of none."""
    history = PointInTimeTables(opened, contract)
    keys = _keys(history, contract.customers)
    found = []
    for source, column in company.truth.linked.items():
        names = [key for key, one in contract.tables.items() if (one.table or key) == source]
        shares = [len(_keys(history, name) & keys) / max(len(_keys(history, name)), 1) for name in names]
        met = f"{max(shares):.0%} of its keys meet" if shares else "left out"
        asked = asks.about("links", source, column) or asks.about("times", f"{source}.{company.names.at}")
        right = bool(shares) and max(shares) > _MEETING
        found.append(Judged(f"link of {source}", _verdict(right, asked), met, f"they meet by {column}"))
    return found


def _keys(history: PointInTimeTables, name: str) -> frozenset[str]:
    return frozenset(map(str, history.all_rows(name).select(KEY).distinct().to_pyarrow()[KEY].to_pylist()))


def _leaks(company: Company, contract: HistoryContract) -> list[Judged]:
    """Columns that the leaving wrote are read by no feature."""
    if not company.truth.leaks:
        return []
    read = set()
    for feature in contract.features.values():
        table, column = feature.reads
        read.add(f"{contract.tables[table].table or table}.{column}")
    missed = company.truth.leaks & read
    return [Judged("leaks", _verdict(not missed, False), f"features of {sorted(missed)}", "none")]


def _list(company: Company, listed: frozenset[str]) -> Judged:
    share = _differ(company, listed)
    about = f"{len(listed)} customers, {share:.1%} of them amiss"
    return Judged("list", _verdict(share <= _OTHERS, False), about, f"{len(company.truth.active)} customers")


def _differ(company: Company, listed: frozenset[str]) -> float:
    return len(listed ^ company.truth.active) / max(len(company.truth.active), 1)
