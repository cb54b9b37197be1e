"""Findings in a flat table that has another shape: rows without a date, a column for each period or customer."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from datetime import date, timedelta

from churn_mlops.data.contract import DataContract
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.label_values import may_be_label
from churn_mlops.data.profiling.name_signals import (
    is_word_for_customer,
    names_date,
    names_identifier,
    speaks_of_customer,
)
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile, Profile
from churn_mlops.data.proposal.excluded_columns import SAFE_LEVELS
from churn_mlops.data.proposal.option_hints import SEVERAL_ROWS
from churn_mlops.data.sources.files import identifier
from churn_mlops.suggestions import words

_MOST_ROWS = 50  # of a customer on average, under a name that is not that of a customer
_FEWEST_PERIODS, _FEWEST_NUMBERS = 4, 20
_SPREADSHEET = (20_000, 60_000)  # 1954 to 2064, in days since the end of 1899
_YEARS = (1800, 2100)
_MONTHS = frozenset("jan feb mar apr may jun jul aug sep sept oct nov dec".split())
_PERIODS = frozenset("m mo month months monat mois mes w wk week weeks woche y yr year years jahr wave visit".split())
_PART = {"year": ("year", "yr", "jahr"), "month": ("month", "monat", "mo"), "day": ("day", "tag", "dom")}
_EXCLUDED_NAMES = 5
_NO_NAME = re.compile(r"[-+.,:/ 0-9]*[0-9][-+.,:/ 0-9]*")
_ISO_MONTH = re.compile(r"(19|20)\d\d-\d\d")


def on_shape(profile: Profile, contract: DataContract) -> list[Finding]:
    """The signs that a row is no customer, that the table lies on its side, or that it does not say who left."""
    unlabelled = contract.label is None
    found = (
        [*_on_no_names(profile), *_on_no_label(profile), *_on_periods(profile), *_on_numbered(profile)]
        if unlabelled
        else []
    )
    days = [column for column in profile.columns if _may_be_serial_days(column) and column.name != contract.customer]
    return found + _on_undated(profile, contract, days) + [_serial_days(column) for column in days]


def _on_no_names(profile: Profile) -> list[Finding]:
    names = [column.name for column in profile.columns]
    if len(names) < 2 or not all(map(_NO_NAME.fullmatch, names)):
        return []
    shown = ", ".join(map(repr, names[:3]))
    what = f"the first line seems to be a row, not the names of the columns ({shown}): write a line of names above it"
    return [Finding(None, "no_names", what)]


def _on_no_label(profile: Profile) -> list[Finding]:
    if any(map(may_be_label, profile.columns)):
        return []
    what = (
        "no column seems to say who left. If one does, name it with `--label`. If none does, start from the dated rows "
        "of what customers did, such as orders, logins or payments: customers whose rows stop have left"
    )
    return [Finding(None, "no_label_column", what)]


def _on_undated(profile: Profile, contract: DataContract, days: Sequence[ColumnProfile]) -> list[Finding]:
    """The finding of customers with several rows and no date."""
    dated = any(why.reason == "date" for why in contract.set_aside.values())
    who = _repeated_customer(profile, contract)
    if who is None or dated or contract.as_of is not None:
        return []
    each = who.present / max(who.distinct, 1)
    fact = f"each {who.name!r} has several rows, {each:.1f} on average, and no column dates them"
    if contract.customer is None:
        fact = (
            f"if {who.name!r} is the customer, each has several rows, {each:.1f} on average, and no column dates them"
        )
    what = (
        f"{fact}. If a row is a customer at a time, this is a history: {_how_to_date(profile, days)}. Otherwise keep "
        "one row for each customer, such as the newest"
    )
    return [Finding(None, "undated_rows", what)]


def _repeated_customer(profile: Profile, contract: DataContract) -> ColumnProfile | None:
    if contract.customer is not None:
        named = [profile[contract.customer]]
    else:
        once = any(column.distinct == column.rows and names_identifier(column.name) for column in profile.columns)
        able = [] if once else [column for column in profile.columns if names_identifier(column.name)]
        named = [column for column in able if speaks_of_customer(column.name)]
        named = named or [column for column in profile.columns if not once and is_word_for_customer(column.name)]
        named = named or [column for column in able if column.present <= _MOST_ROWS * column.distinct]
    several = [one for one in named if one.present >= SEVERAL_ROWS * one.distinct and one.distinct > SAFE_LEVELS]
    return max(several, key=lambda column: column.distinct, default=None)


def _how_to_date(profile: Profile, days: Sequence[ColumnProfile]) -> str:
    """The way to a date from the columns that there are."""
    if days:
        return f"write {days[0].name!r} as dates"
    parts = {part: _part_of_date(profile, part) for part in _PART}
    year, month, day = parts["year"], parts["month"], parts["day"]
    if year is None:
        return "add a column with the date of each row; periods that are numbered, such as month 3, need their dates"
    if month is None:
        return f"write {year!r} as a date, such as 2024-12-31"
    if day is None:
        return f"make one date of {year!r} and {month!r}, such as `last_day(make_date({year}, {month}, 1))` in DuckDB"
    return f"make one date of {year!r}, {month!r} and {day!r}, such as `make_date({year}, {month}, {day})` in DuckDB"


def _part_of_date(profile: Profile, part: str) -> str | None:
    most = {"year": _YEARS, "month": (1, 12), "day": (1, 31)}[part]
    for column in profile.columns:
        low, high = column.smallest, column.largest
        if low is None or not is_number(column) or not column.whole or not set(words(column.name)) & set(_PART[part]):
            continue
        if most[0] <= low and (high or 0) <= most[1]:
            return column.name
    return None


def _may_be_serial_days(column: ColumnProfile) -> bool:
    low, high = column.smallest, column.largest
    if low is None or high is None or not is_number(column) or not column.whole or column.distinct < 2:
        return False
    return names_date(column.name) and _SPREADSHEET[0] <= low and high <= _SPREADSHEET[1]


def _serial_days(column: ColumnProfile) -> Finding:
    first, last = (date(1899, 12, 30) + timedelta(days=int(of or 0)) for of in (column.smallest, column.largest))
    what = (
        f"holds whole numbers from {column.smallest:.0f} to {column.largest:.0f}, which may be the days of a "
        f"spreadsheet, {first} to {last}: if they are, give the cells the format of a date, and save the file again"
    )
    return Finding(column.name, "serial_days", what)


def _on_periods(profile: Profile) -> list[Finding]:
    """The finding of columns that hold one number for each period."""
    stems: dict[tuple[str, ...], list[str]] = {}
    for column in profile.columns:
        if is_number(column) and (stem := _stem(column.name)) is not None:
            stems.setdefault(stem, []).append(column.name)
    most = max(stems.values(), key=len, default=[])
    if len(most) < _FEWEST_PERIODS or not _is_even(most):
        return []
    others = [column.name for column in profile.columns if column.name not in most]
    what = (
        f"{len(most)} columns are called like periods ({most[0]!r} to {most[-1]!r}): if each holds what a customer did "
        "then, make a row of each that is not 0, dated by the last day of its period; customers whose rows stop have "
        "left"
    )
    if 0 < len(others) <= _EXCLUDED_NAMES and all(map(_ISO_MONTH.fullmatch, most)):
        but = ", ".join(identifier(name) for name in others)
        rows = f"UNPIVOT (FROM 'FILE') ON COLUMNS(* EXCLUDE ({but})) INTO NAME period VALUE value"
        day = "last_day(CAST(period || '-01' AS DATE)) AS period"
        dated = f"SELECT * REPLACE ({day}) FROM ({rows}) WHERE value <> 0"  # noqa: S608 for a person to run
        what += f". In DuckDB: COPY ({dated}) TO 'rows.parquet'; then `churn init --from rows.parquet`"
    return [Finding(None, "period_columns", what)]


def _stem(name: str) -> tuple[str, ...] | None:
    """``name`` without its number or month, where it is called like a period; None where it is not."""
    found = words(name)
    stem = tuple("#" if word.isdigit() else "@" if word in _MONTHS else word for word in found)
    numbers = [word for word in found if word.isdigit()]
    years = [word for word in numbers if word[:2] in ("19", "20") and len(word) in (4, 6, 8)]
    named = bool(_PERIODS & set(found)) and len(numbers) == 1
    is_period = "@" in stem or named or (bool(years) and len(stem) == len(numbers))
    return stem if is_period else None


def _is_even(names: Sequence[str]) -> bool:
    """Whether the numbers of ``names`` are evenly apart; dates and names of months always count as even."""
    numbers = [int(word) for name in names for word in words(name) if word.isdigit()]
    if len(numbers) != len(names) or min(numbers) >= _YEARS[0]:
        return True
    ordered = sorted(numbers)
    return len({after - before for before, after in itertools.pairwise(ordered)}) == 1


def _on_numbered(profile: Profile) -> list[Finding]:
    """The finding of a table that lies on its side: more columns than rows, all but the first called by numbers."""
    numbered = [column.name for column in profile.columns if column.name.isdigit()]
    if len(numbered) < max(_FEWEST_NUMBERS, profile.rows + 1, len(profile.columns) - 1):
        return []
    what = (
        f"{len(numbered)} columns are called by numbers, such as {numbered[0]!r}, and there are {profile.rows} rows: "
        "if each column is a customer, the table lies on its side: transpose it, so that each customer is a row"
    )
    return [Finding(None, "lies_on_its_side", what)]
