"""Contacts that were made elsewhere, imported from a CSV file: all rows or none, and a file again changes nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from churn_mlops.errors import ChurnError, CustomerErasedError
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.contacts import (
    CLOCK_SKEW,
    DISMISSALS,
    IMPORTED,
    RESULTS,
    ContactRules,
    ControlGroupError,
    DoNotContactError,
    NewContact,
    put_contact,
)
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store

REQUIRED: Final = ("customer_id", "offer", "result", "at")
OPTIONAL: Final = ("key", "dismissal", "note", "override_reason")
MOST_ROWS = 100_000
_SHOWN = 10
_LONGEST: Final = {"customer_id": 200, "offer": 200, "key": 190, "note": 2000, "override_reason": 1000}


class ImportRefusedError(ChurnError):
    """A file of contacts was refused: nothing was recorded.

    Args:
        problems: a sentence for each row that is wrong, or one for the whole file.
    """

    def __init__(self, problems: list[str]) -> None:
        more = len(problems) - _SHOWN
        shown = [*problems[:_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
        super().__init__(f"no contact was recorded: {'; '.join(shown)}")
        self.problems = problems


@dataclass(frozen=True)
class ImportedContacts:
    """The result of an import.

    Args:
        recorded: contacts that are new.
        repeated: contacts that were recorded before.
        erased: rows of erased customers, which were left out.
    """

    recorded: int = 0
    repeated: int = 0
    erased: int = 0


def read_contacts(text: str, *, caller: str, now: datetime) -> list[NewContact]:
    """The contacts of a CSV file.

    The columns are `REQUIRED` and, where wanted, `OPTIONAL`; ``at`` is a time with its zone. A row without ``key``
    gets one from its content, so that it is recorded once, however often the file is imported.

    Args:
        text: the file.
        caller: who imports it.
        now: the time; later contacts are refused.

    Raises:
        ImportRefusedError: naming the lines and columns that are wrong.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    try:
        _check_columns(reader.fieldnames)
        rows = list(enumerate(reader, start=2))
    except csv.Error as error:
        raise ImportRefusedError([f"line {reader.line_num} is no CSV: {error}"]) from None
    if len(rows) > MOST_ROWS:
        raise ImportRefusedError([f"the file has {len(rows):,} rows: import at most {MOST_ROWS:,} at a time"])
    problems = [f"row {place}: {problem}" for place, row in rows for problem in _problems(row, now)]
    if problems:
        raise ImportRefusedError(problems)
    return [_contact(row, caller) for _, row in rows]


def import_contacts(
    store: Store, new: list[NewContact], rules: ContactRules, *, clock: Clock = utc_now
) -> ImportedContacts:
    """Record contacts, all or none.

    Args:
        store: the store.
        new: the contacts, as :func:`read_contacts` gives them.
        rules: what each of them must keep; rows of erased customers are left out.
        clock: gives the time at which they are recorded.

    Raises:
        ImportRefusedError: a contact breaks a rule without an ``override_reason``, or a key stands for another one.
        ConfigError: customers were erased under another key than that of ``rules``.
        StoreError: the store fails.
    """
    recorded = repeated = erased = 0
    problems: list[str] = []
    with store.writing("import contacts") as connection:
        for place, one in enumerate(new, start=2):
            try:
                found, is_new = put_contact(connection, one, rules, clock())
            except CustomerErasedError:
                erased += 1
            except (ControlGroupError, DoNotContactError) as error:
                problems.append(f"row {place}: {error}: give an override_reason, since it was made")
            else:
                recorded, repeated = recorded + is_new, repeated + (not is_new)
                if found.request_sha256 != one.request_sha256:
                    problems.append(f"row {place}: the key stands for another contact")
        if problems:
            raise ImportRefusedError(problems)
    return ImportedContacts(recorded, repeated, erased)


def _check_columns(given: object) -> None:
    names = list(given) if isinstance(given, list) else []
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    problems = [f"the column {name} is missing" for name in missing]
    problems += [f"the column {name!r} is unknown: the others are {', '.join(OPTIONAL)}" for name in unknown]
    problems += ["a column stands there twice"] if len(set(names)) < len(names) else []
    if problems:
        raise ImportRefusedError(problems)


def _problems(row: Mapping[str | None, str | None], now: datetime) -> Iterator[str]:
    """The faults of one row, in words that quote no customer."""
    if None in row or None in row.values():
        yield "has another number of cells than the header"
        return
    cells = {str(name): str(value).strip() for name, value in row.items()}
    yield from (f"{name} is empty" for name in REQUIRED if not cells[name])
    for name, longest in _LONGEST.items():
        text = cells.get(name, "")
        if len(text) > longest or not (text.isprintable() or not text):
            yield f"{name} is longer than {longest} characters, or not one line"
    yield from _time_problems(cells["at"], now)
    result, dismissal = cells["result"], cells.get("dismissal", "")
    if result and result not in RESULTS:
        yield f"result is none of {', '.join(RESULTS)}"
    if (result == NOT_OFFERED) != (dismissal in DISMISSALS) or (dismissal and dismissal not in DISMISSALS):
        yield f"dismissal is given with {NOT_OFFERED}, and only then: one of {', '.join(DISMISSALS)}"
    if dismissal == DISMISSALS[-1] and not cells.get("note"):
        yield "note must explain a dismissal that is other"


def _time_problems(text: str, now: datetime) -> Iterator[str]:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 2000 <= at.year < 2200:
        if text:
            yield "at is no time with its zone, such as 2026-11-23T14:05:00+01:00"
    elif at > now + CLOCK_SKEW:
        yield "at lies in the future"


def _contact(row: Mapping[str | None, str | None], caller: str) -> NewContact:
    cells = {str(name): str(value).strip() for name, value in row.items()}
    content = json.dumps([cells.get(name, "") for name in (*REQUIRED, *OPTIONAL)])
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return NewContact(
        key=f"{IMPORTED}{cells.get('key') or sha256}",
        request_sha256=sha256,
        customer=cells["customer_id"],
        at=datetime.fromisoformat(cells["at"]),
        offer=cells["offer"],
        result=cells["result"],
        caller=caller,
        override_reason=cells.get("override_reason") or None,
        channel="import",
        dismissal=cells.get("dismissal") or None,
        note=cells.get("note") or None,
    )
