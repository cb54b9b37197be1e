"""Keys that nearly meet, in words: which pair, how they differ, and what a person can do."""

from __future__ import annotations

from collections.abc import Iterable

from churn_mlops.data.discovery.foreign_keys import Link, may_link
from churn_mlops.data.discovery.near_keys import NearKey, merged, near_key
from churn_mlops.data.discovery.profiled_table import ProfiledTable, may_be_key
from churn_mlops.data.discovery.table_anomalies import of_rows
from churn_mlops.data.discovery.table_roles import TableRoles
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import names_identifier
from churn_mlops.suggestions import words

_MEANT = 0.5  # share of the rows that nearly name a key, from which the column was surely meant to


def on_near_keys(links: Iterable[Link]) -> list[Finding]:
    """The links that hold by a normal form only: whether the two columns mean the same is asked."""
    found = []
    for link in links:
        if link.near is None or link.normal_form is None:
            continue
        what = (
            f"is compared with {link.to}.{link.key} in the normal form {link.normal_form}: {link.near}; in this form "
            f"{of_rows(link.rows - link.orphans, link.rows)} name a key, and no two keys of a table become one. "
            "Do both mean the same? If not, take the table out of the contract"
        )
        found.append(Finding(f"{link.table}.{link.column}", "keys_nearly_meet", what))
    return found


def on_left_out(table_roles: TableRoles) -> list[Finding]:
    """Tables that the contract cannot use, and why."""
    found = []
    for role in table_roles.of("undated", "apart"):
        if role.kind == "undated":
            what = (
                "has no time: nothing says since when its values hold, and today's are not those of the past; it is "
                "left out. Does the database keep a history of it?"
            )
        else:
            why = _refused(role.look, table_roles) or _nearly_linked(role.look, table_roles)
            what = f"no column leads from it to the customers{why}; left out"
        found.append(Finding(role.name, "left_out", what))
    return found


def on_merged_keys(table_roles: TableRoles) -> list[Finding]:
    """Different keys that a declared normal form makes one, so that rows would count for both."""
    looks = {role.look.name: role.look for role in table_roles.roles.values()}
    found = []
    for link in table_roles.links:
        form = link.normal_form
        for one, two in merged(looks[link.to], link.key, form) if form is not None else []:
            what = (
                f"the normal form {form} makes one key of {one!r} and {two!r} of {link.to}.{link.key}: take "
                "`normal_form` out of `through`, or correct the keys in the source"
            )
            rows = looks[link.to].rows
            found.append(Finding(f"{link.table}.{link.column}", "keys_merged", what, rows=rows, of=rows))
    return found


def _refused(look: ProfiledTable, table_roles: TableRoles) -> str:
    """The link that would exist if its key did not repeat too often to name a row."""
    leading = [role.look for role in table_roles.roles.values() if role.kind not in ("apart", "undated")]
    named = [one.name for one in look.columns if names_identifier(one.name) and len(words(one.name)) > 1]
    for other in leading:
        for column in other.columns:
            again = column.present - column.distinct
            meant = column.name in named and may_be_key(column) and column.distinct > _MEANT * column.rows
            if meant and again:
                return (
                    f": {column.name} is also in {other.name}, but {of_rows(again, column.rows)} repeat one there, so "
                    "it names no row"
                )
    return ""


def _nearly_linked(look: ProfiledTable, table_roles: TableRoles) -> str:
    """The keys that a table without a link nearly names, and why no normal form was taken; empty if there are none."""
    leading = [role.look for role in table_roles.roles.values() if role.kind not in ("apart", "undated")]
    for other in leading:
        key = other.key or other.nearly_key
        for column in look.columns:
            if key is None or other.name == look.name or not may_link(look, column, other):
                continue
            near = near_key(look, column.name, other, key)
            if near is not None and near.rows >= _MEANT * column.present:
                return f", though {column.name} nearly names {other.name}.{key}: {near}{_but(near)}"
    return ""


def _but(near: NearKey) -> str:
    if not near.merged:
        return ""
    pairs = " and ".join(f"{one!r} and {two!r}" for one, two in near.merged)
    return (
        f". The normal form {near.normal_form} would make one key of {pairs}, so it is not taken: which of them are "
        "the same? Correct the keys in the source, or make a view that does"
    )
