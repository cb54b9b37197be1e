"""Hints for options not given yet, which the look at a table suggests: the customer, the label, a history."""

from __future__ import annotations

import shlex

from churn_mlops.data.contract import DataContract
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.label_values import may_be_label, option_of_label
from churn_mlops.data.profiling.name_signals import (
    is_word_for_customer,
    names_identifier,
    names_leaving,
    speaks_of_customer,
)
from churn_mlops.data.profiling.table_profile import ColumnProfile, Profile
from churn_mlops.data.proposal.excluded_columns import SAFE_LEVELS

SEVERAL_ROWS = 1.2
"""Rows of a customer, on average, from which a table is one of events: many customers of a shop buy only once."""
_NAMED = 5


def on_rows(repeated: int, profile: Profile, contract: DataContract) -> list[Finding]:
    """The findings in a table that names no customer: rows that repeat, and a column that may hold the customer ID."""
    found = []
    if repeated:
        what = (
            f"{repeated:,} rows repeat an earlier row in every column: they are kept, as different customers who look "
            "alike; if they are copies of one, remove them, for one copy may be in the training data and another in "
            "the test set"
        )
        found.append(Finding(None, "repeated_rows", what))
    named = [
        column.name
        for column in profile.columns
        if column.name in contract.set_aside
        and contract.set_aside[column.name].reason == "identifier"
        and column.distinct == column.rows
    ]
    if named:
        best = min(named, key=lambda name: (not _speaks_of_customer(name), not names_identifier(name)))
        option = _option("customer", best)
        what = f"no customer is named, and {best!r} is different in every row: if it is the customer ID, say {option}"
        found.append(Finding(None, "customer_unnamed", what))
    return found


def on_copies(copies: int, contract: DataContract) -> list[Finding]:
    """The finding of rows that are copies under another customer ID."""
    if not copies:
        return []
    but = f" but {contract.customer!r}" if contract.customer is not None else ""
    what = (
        f"{copies:,} rows equal an earlier row in every feature and the label{but}: far more than customers who look "
        "alike, who would differ in the label. Training keeps copies on one side of every split. If they are one "
        "customer, keep one row"
    )
    return [Finding(None, "copies", what)]


def on_no_label(profile: Profile) -> list[Finding]:
    """Which columns may be the label, where none is named."""
    able = [column for column in profile.columns if may_be_label(column)]
    if not able:
        return []
    best = sorted(able, key=lambda column: not names_leaving(column.name))
    named = " or ".join(repr(column.name) for column in best[:_NAMED])
    what = f"no label is named, and {named} may say who left: name it with `{option_of_label(best[0])}`"
    return [Finding(None, "label_unnamed", what)]


def on_history(profile: Profile, contract: DataContract) -> list[Finding]:
    """The hint for a table with several dated rows a customer, as in a table of months."""
    dates = [name for name, why in contract.set_aside.items() if why.reason == "date"]
    once = any(column.distinct == column.rows for column in profile.columns)
    called = [contract.customer] if contract.customer else [] if once else _called_customers(profile)
    several = [name for name in called if _has_several(profile[name])]
    if not several or not dates:
        return []
    what = (
        f"each {several[0]!r} has several rows, and {dates[0]!r} dates them: if a row is a customer at a time, this is "
        "a history. Keep one row for each customer, such as the newest; or leave out the column that says who left, "
        "put a table of customers with the date of each end beside this one, and start from that folder"
    )
    return [Finding(None, "history", what)]


def _has_several(column: ColumnProfile) -> bool:
    return column.present >= SEVERAL_ROWS * column.distinct and column.distinct > SAFE_LEVELS


def _called_customers(profile: Profile) -> list[str]:
    return [
        column.name
        for column in profile.columns
        if is_word_for_customer(column.name) or (speaks_of_customer(column.name) and names_identifier(column.name))
    ]


def _option(name: str, value: str) -> str:
    """An option of the command as a shell takes it."""
    return f"`--{name} {shlex.quote(value)}`"


def _speaks_of_customer(name: str) -> bool:
    return any(word in name.lower() for word in ("customer", "client", "user", "subscriber", "member", "account"))
