"""Contacts that were made elsewhere, imported from a CSV file that is checked first; a file again changes nothing."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from churn_mlops.errors import ChurnError, CustomerErasedError
from churn_mlops.store.campaigns.assignments import batches_of
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
    RuledCustomers,
)
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS
from churn_mlops.store.scoring.runs import customers_in_no_run

REQUIRED: Final = ("customer_id", "offer", "result", "at")
OPTIONAL: Final = ("key", "dismissal", "note", "override_reason")
MOST_ROWS = 100_000
PORTION = 1_000
"""Contacts that one transaction records: other writers wait for no more."""
FIRST_ROW = 2
"""Row of the first contact of a file, below the header."""
UNKNOWN: Final = "the customer is in no published run: correct the ID, or allow unknown customers"
_SHOWN = 10
_LONGEST: Final = {"customer_id": 200, "offer": 200, "key": 190, "note": 2000, "override_reason": 1000}


class ImportRefusedError(ChurnError):
    """A file of contacts was refused: nothing was recorded, unless a rule came to be broken while it was.

    Args:
        problems: a sentence for each row that is wrong, or one for the whole file.
        recorded: rows before them that were recorded, or had been before.
    """

    def __init__(self, problems: list[str], recorded: int = 0) -> None:
        more = len(problems) - _SHOWN
        shown = [*problems[:_SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
        done = f"only the first {recorded:,} contacts were recorded" if recorded else "no contact was recorded"
        super().__init__(f"{done}: {'; '.join(shown)}")
        self.problems = problems


@dataclass(frozen=True)
class ImportedContacts:
    """The result of an import.

    Args:
        recorded: contacts that are new.
        repeated: contacts that were recorded before.
        erased: rows of erased customers, which were left out.
        unknown: of the new contacts, those with customers who are in no published run.
    """

    recorded: int = 0
    repeated: int = 0
    erased: int = 0
    unknown: int = 0


@dataclass
class _Checked:
    """A portion of rows, checked.

    Args:
        rows: to be recorded.
        counts: how many rows were which.
        problems: a sentence for each row that is refused.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


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
        rows = list(enumerate(reader, start=FIRST_ROW))
    except csv.Error as error:
        raise ImportRefusedError([f"line {reader.line_num} is no CSV: {error}"]) from None
    if len(rows) > MOST_ROWS:
        raise ImportRefusedError([f"the file has {len(rows):,} rows: import at most {MOST_ROWS:,} at a time"])
    problems = [f"row {place}: {problem}" for place, row in rows for problem in _problems(row, now)]
    if problems:
        raise ImportRefusedError(problems)
    return [_contact(row, caller) for _, row in rows]


def import_contacts(
    store: Store, new: list[NewContact], rules: ContactRules, *, allow_unknown: bool = False, clock: Clock = utc_now
) -> ImportedContacts:
    """Record contacts: all are checked before the first is recorded, and then each portion in one transaction.

    Other writers take their turn between two portions. If the store fails in between, the portions before are
    recorded; the same file again records the others.

    Args:
        store: the store.
        new: the contacts, as :func:`read_contacts` gives them.
        rules: what each of them must keep; rows of erased customers are left out.
        allow_unknown: whether customers may be in no published run; such a row is refused otherwise. While no run is
            published, none is.
        clock: gives the time at which they are recorded.

    Raises:
        ImportRefusedError: a contact breaks a rule without an ``override_reason``, a key stands for another one, or a
            customer is unknown.
        ConfigError: customers were erased under another key than that of ``rules``.
        StoreError: the store fails.
    """
    unknown: set[str] = set()
    problems: list[str] = []
    seen: dict[str, str] = {}
    for first, portion in _portions(new):
        with store.reading("check contacts") as connection:
            strange = customers_in_no_run(connection, [one.customer for one in portion])
            refused = set() if allow_unknown else strange
            problems += _check(connection, first, portion, rules, seen, refused).problems
            unknown |= strange
    if problems:
        raise ImportRefusedError(problems)
    counts: Counter[str] = Counter()
    for first, portion in _portions(new):
        with store.writing("import contacts") as connection:
            checked = _check(connection, first, portion, rules, {}, set())
            if checked.problems:  # it came about since the check
                raise ImportRefusedError(checked.problems, recorded=first - FIRST_ROW)
            now = clock()
            if checked.rows:
                connection.execute(insert(CONTACTS), [row | {"recorded_at": now} for row in checked.rows])
        counts += checked.counts
        counts["unknown"] += sum(row["customer"] in unknown for row in checked.rows)
    return ImportedContacts(**counts)


def _portions(new: list[NewContact]) -> Iterator[tuple[int, list[NewContact]]]:
    """The contacts in portions, each with the row of its first one in the file."""
    for first in range(0, len(new), PORTION):
        yield first + FIRST_ROW, new[first : first + PORTION]


def _check(
    connection: Connection,
    first: int,
    portion: list[NewContact],
    rules: ContactRules,
    seen: dict[str, str],
    refused: Set[str],
) -> _Checked:
    """Check a portion.

    Args:
        connection: inside a transaction.
        first: row of its first contact.
        portion: the contacts.
        rules: what each of them must keep.
        seen: the hash of the request under each key of earlier portions; those of this one are added.
        refused: customers whose rows are refused, because they are unknown.
    """
    found = _Checked()
    seen |= _recorded_under(connection, [one.key for one in portion])
    ruled = RuledCustomers.among(connection, rules, {one.customer for one in portion})
    for place, one in enumerate(portion, start=first):
        if one.key in seen:
            found.counts["repeated"] += 1
            if seen[one.key] != one.request_sha256:
                found.problems.append(f"row {place}: the key stands for another contact")
            continue
        try:
            campaign_id = ruled.campaign_of(one)
        except CustomerErasedError:
            found.counts["erased"] += 1
            continue
        except (ControlGroupError, DoNotContactError) as error:
            found.problems.append(f"row {place}: {error}: give an override_reason, since it was made")
            continue
        if one.customer in refused:
            found.problems.append(f"row {place}: {UNKNOWN}")
            continue
        seen[one.key] = one.request_sha256
        found.counts["recorded"] += 1
        found.rows.append(asdict(one) | {"campaign_id": campaign_id})
    return found


def _recorded_under(connection: Connection, keys: list[str]) -> dict[str, str]:
    """The hash of the request of each of ``keys`` that stands for a contact already."""
    columns = (CONTACTS.c.key, CONTACTS.c.request_sha256)
    found: dict[str, str] = {}
    for some in batches_of(keys):
        rows = connection.execute(select(*columns).where(CONTACTS.c.key.in_(some or [])))
        found |= {key: sha256 for key, sha256 in rows}
    return found


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
