"""Whether the tables of a history keep their contract: which customer and which time each row has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.discovery.churn_conflicts import on_leaving
from churn_mlops.data.discovery.declared_roles import declared_roles
from churn_mlops.data.discovery.key_anomalies import on_merged_keys
from churn_mlops.data.discovery.table_anomalies import of_rows, on_tables
from churn_mlops.data.discovery.table_roles import TableRoles
from churn_mlops.data.findings import Finding, Problem
from churn_mlops.data.snapshot.churn_dates import end_of, with_churn_dates
from churn_mlops.data.snapshot.known_rows import KEY, TIME, PointInTimeTables, kept_rows

_MOST = 0.5
"""Share of the rows beyond which a fault of single rows is a fault of the whole table."""
_FEW = 0.01
"""The same share, of the ends that are not read: each makes a customer who stayed of one that left."""
_STOPPING = frozenset(
    {"date_unread", "time_missing", "end_before_start", "orphans", "link_blank", "customer_repeated", "keys_merged"}
)
_ADVICE = {
    "date_unread": "if they are alike, say under `formats` how they are written",
    "time_missing": "name the column that holds the time",
    "end_before_start": "are the two columns exchanged?",
    "orphans": "do both columns name customers in the same way?",
    "link_blank": "name the column that says whose the rows are",
    "keys_merged": "rows of one key must not count for two customers",
    "customer_repeated": "name the table that has one row for each customer, or the column of the end of each row",
}


def check_history(tables: Mapping[str, ir.Table], contract: HistoryContract) -> list[Problem]:
    """The problems in ``tables``; one stops the run where most rows of a table have it, or where there is no customer.

    Args:
        tables: each table of the contract by its key, as ``open_tables`` gives them.
        contract: what they mean.
    """
    home = contract.customers
    tables = {name: kept_rows(table, contract.tables[name]) for name, table in tables.items()}
    empty = [name for name, table in tables.items() if not _count(table)]
    problems = [_empty(name, stops=name == home) for name in empty]
    if home in empty:
        return problems
    customers = PointInTimeTables(tables, contract).all_rows(home)
    if not _count(customers.filter(customers[TIME].notnull())):
        column = contract.tables[home].customer or contract.customer
        message = (
            f"no row has both a customer ({column}) and a start ({contract.tables[home].time}): check both columns"
        )
        problems.append(Problem("stop", home, "no_customers", 0, (), message))
    some = _without(contract, empty)
    held = {name: tables[name] for name in some.tables}
    table_roles = declared_roles(held, some)
    findings = [
        *on_tables(table_roles),
        *on_merged_keys(table_roles),
        *_without_time(held, some),
        *_without_customer(table_roles),
        *_repeated(tables, contract),
    ]
    unread = _ends_column(table_roles, some)
    findings = [*_with_early_ends(findings, some), *on_leaving(table_roles)]
    return [*problems, *(_problem(one, _FEW if one.column == unread else _MOST) for one in findings)]


def _ends_column(table_roles: TableRoles, contract: HistoryContract) -> str | None:
    """The column that says who left, as findings name it; None where no end is declared, or its table is empty."""
    home = contract.tables[contract.customers]
    key = home.ends or contract.customers
    column = home.end if home.ends is None else contract.tables[key].time if key in contract.tables else None
    return None if column is None else f"{table_roles.roles[key].look.name}.{column}"


def _without(contract: HistoryContract, empty: list[str]) -> HistoryContract:
    """The contract of the other tables; rows that name their customer through an empty one are left out too."""
    gone = set(empty)
    for _ in contract.tables:
        gone |= {name for name, one in contract.tables.items() if one.through is not None and one.through.table in gone}
    tables = {name: declared for name, declared in contract.tables.items() if name not in gone}
    return contract.model_copy(update={"tables": tables})


def _count(table: ir.Table) -> int:
    return int(table.count().to_pyarrow().as_py())


def _empty(name: str, *, stops: bool) -> Problem:
    if stops:
        return Problem("stop", name, "empty_table", 0, (), "there are no customers: check the source")
    return Problem("warning", name, "empty_table", 0, (), "there are no rows: has its source failed?")


def _problem(finding: Finding, most: float = _MOST) -> Problem:
    share = most if finding.kind == "date_unread" else _MOST
    stops = 0 < share * finding.of < finding.rows and finding.kind in _STOPPING
    advice = f"{finding.message}; {_ADVICE[finding.kind]}" if stops else finding.message
    return Problem("stop" if stops else "warning", finding.column or "", finding.kind, finding.rows, (), advice)


def _without_time(tables: Mapping[str, ir.Table], contract: HistoryContract) -> Iterator[Finding]:
    ends = {(one.table or name, one.end) for name, one in contract.tables.items()}
    for name, table in tables.items():
        declared = contract.tables[name]
        column = declared.time
        if (declared.table or name, column) in ends:
            continue  # rows that go on, in a table of the ends of the same rows
        blank = int(table[column].isnull().sum().to_pyarrow().as_py() or 0)
        if blank:
            rows = _count(table)
            what = f"{of_rows(blank, rows)} have no {column}: they count at no date"
            yield Finding(f"{name}.{column}", "time_missing", what, rows=blank, of=rows)


def _without_customer(table_roles: TableRoles) -> Iterator[Finding]:
    role = table_roles.customers
    column = role.look.profile[str(role.customer)]
    blank = column.missing
    if blank and not role.grouped:
        what = f"{of_rows(blank, column.rows)} of customers name none: they are left out"
        yield Finding(f"{table_roles.home}.{column.name}", "link_blank", what, rows=blank, of=column.rows)


def _repeated(tables: Mapping[str, ir.Table], contract: HistoryContract) -> Iterator[Finding]:
    """Customers of several rows that have not ended, in a table that is theirs alone."""
    home = contract.customers
    declared = contract.tables[home]
    source = declared.table or home
    if declared.end is None or any((one.table or key) == source for key, one in contract.tables.items() if key != home):
        return
    rows = with_churn_dates(PointInTimeTables(tables, contract))
    still = rows.filter(end_of(rows, declared).isnull())
    each = still.group_by(KEY).agg(k=still.count())
    again = each.filter(each.k > 1)
    many = int(again.count().to_pyarrow().as_py())
    if many:
        customers = _count(each)
        what = (
            f"{many:,} of {customers:,} customers ({many / customers:.1%}) stand in several rows that have not ended: "
            "each counts as one customer from their first start on"
        )
        column = declared.customer or contract.customer
        yield Finding(f"{home}.{column}", "customer_repeated", what, rows=many, of=customers)


def _with_early_ends(findings: list[Finding], contract: HistoryContract) -> Iterator[Finding]:
    """A churn date before the start, in a table of churn dates, is none: a graver fault than a row out of place."""
    ends = contract.tables[contract.customers].ends
    for finding in findings:
        of_end = finding.kind == "before_start" and str(finding.column).startswith(f"{ends}.")
        kind = "end_before_start" if ends is not None and of_end else finding.kind
        yield Finding(finding.column, kind, finding.message, rows=finding.rows, of=finding.of)
