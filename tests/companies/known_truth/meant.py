"""The contract that a person would write who knows the company."""

from __future__ import annotations

from typing import Any

from churn_mlops.data.contract import HistoryContract
from tests.companies.known_truth.company import Company

INACTIVE_DAYS = 90


def meant(company: Company) -> HistoryContract:
    """The contract of ``company`` by its truth, with two features."""
    truth, names = company.truth, company.names
    (home, key), (place, column) = truth.customers, truth.end
    declared: dict[str, Any] = {"table": home, "customer": key, "start": names.start}
    tables: dict[str, Any] = {"customers_": declared}
    if home != names.customers:
        declared["start"] = "updated_at"
    if truth.end_kind == "column" and place != home:
        declared |= {"table": place, "customer": names.link, "start": names.term_start}
    if truth.end_kind == "column":
        declared["end"] = column
        declared |= _known(company, f"{place}, its end", "end_known_at")
        declared |= {"formats": {column: "%d.%m.%Y"}} if "ends in German" in company.shapes else {}
    for source in truth.linked:
        if source != declared["table"]:
            tables[source] = _rows(company, source)
    if truth.end_kind == "rows":
        declared["ends"] = place
    if truth.event is not None:
        declared["ends"] = "ends_"
        name, at = truth.event
        events = {"table": place, "customer": names.link, "event_time": at, "where": {column: [name]}}
        tables["ends_"] = events | _known(company, place, "known_at")
    label = {"inactive": {"events": place, "days": INACTIVE_DAYS}}
    return HistoryContract.from_dict(
        {
            "name": "meant",
            "customer": names.link,
            "tables": tables,
            "label": label if truth.end_kind == "inactive" else {"event": "customers_.end"},
            "features": {
                "age": {"age_of": "customers_.start", "unit": "months"},
                **({"acts": {"count": names.acts, "days": 90}} if names.acts in tables else {}),
            },
        },
        where="the contract that is meant",
    )


def _rows(company: Company, source: str) -> dict[str, Any]:
    names = company.names
    columns = company.tables[source]
    of_decoys = ("opened_at", "usage_day", "added_on", "changed_at", "sent_at", "agreed_from")
    time = next(name for name in (*of_decoys, names.at, names.ended, names.term_start) if name in columns)
    made: dict[str, Any] = {"customer": company.truth.linked[source], "event_time": time}
    return made | _known(company, source, "known_at")


def _known(company: Company, what: str, key: str) -> dict[str, str]:
    known = company.truth.known.get(what)
    return {key: min(known)} if known else {}
