"""Every column of every table is accounted for: what no role and no feature takes is excluded, with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from churn_mlops.data.contract import ExcludedColumn, HistoryContract
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.times.end_candidates import EndCandidate
from churn_mlops.data.discovery.times.evaluate import EvaluatedTimes
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.excluded_columns import exclusion_of

NAMES_ROWS = "names the rows of its table"
"""The note of a key that nothing reads."""
LEFT_OUT = "its table is left out"
"""The note of a column whose table the contract does not have."""


def unread_columns(
    looks: Iterable[ProfiledTable], evaluated: EvaluatedTimes, contract: HistoryContract
) -> dict[str, ExcludedColumn]:
    """Each ``table.column`` that ``contract`` does not mention, with the reason why not."""
    found: dict[str, ExcludedColumn] = {}
    read = columns_read(contract)
    declared = {table.table or key for key, table in contract.tables.items()}
    for look in looks:
        for column in look.columns:
            name = f"{look.name}.{column.name}"
            if name in contract.set_aside or (look.source, column.name) in read:
                continue
            if look.source not in declared:
                found[name] = ExcludedColumn(reason="by_choice", note=LEFT_OUT)
            else:
                found[name] = _reason(look, column, evaluated, _ends(contract))
    return found


def columns_read(contract: HistoryContract) -> set[tuple[str, str]]:
    """The columns that ``contract`` gives a role, or a feature reads: table in the database, and column."""
    source = {key: table.table or key for key, table in contract.tables.items()}
    found: set[tuple[str, str]] = set()
    for key, table in contract.tables.items():
        times = (table.start, table.start_known_at, table.end, table.end_known_at, table.valid_from, table.event_time)
        named = [*times, table.known_at, table.trial_end, *table.where]
        named += [table.versions.key, table.versions.by] if table.versions is not None else []
        if table.kind == "customers" and contract.label is not None and contract.label.involuntary is not None:
            named.append(contract.label.involuntary.column)
        if table.through is None:
            named.append(table.customer or contract.customer)
        else:
            named.append(table.through.column)
            found.add((source[table.through.table], table.through.key))
        found |= {(source[key], column) for column in named if column is not None}
    for feature in contract.features.values():
        key, read = feature.reads
        where = feature.ratio.where if feature.ratio is not None else feature.where
        found |= {(source[key], column) for column in where}
        if read is not None:
            found.add((source[key], contract.column(key, read)))
    return found


def _reason(look: ProfiledTable, column: ColumnProfile, evaluated: EvaluatedTimes, ends: str | None) -> ExcludedColumn:
    if column.name in (look.key, look.nearly_key):
        return ExcludedColumn(reason="identifier", note=NAMES_ROWS)
    if column.name in look.times:
        return ExcludedColumn(reason="date", note=_note_of_time(look, column.name, evaluated))
    note = "no feature is proposed of it: write one to use it"
    if ends is not None and look.source == ends:
        note = "stands in the table of ends, which is what is predicted"
    return exclusion_of(column, None) or ExcludedColumn(reason="by_choice", note=note)


def _ends(contract: HistoryContract) -> str | None:
    """The table in the database that holds the ends of customers."""
    ends = contract.tables[contract.customers].ends
    return None if ends is None else contract.tables[ends].table or ends


def _note_of_time(look: ProfiledTable, column: str, evaluated: EvaluatedTimes) -> str:
    refused: Mapping[str, str] = {one.column: str(one.refused) for one in evaluated.refused.get(look.name, ())}
    if column in refused:
        return f"not taken for the time when a row was recorded: it {refused[column]}"
    ends: Iterator[EndCandidate] = (one for one in evaluated.ends.get(look.name, ()) if one.column == column)
    for one in ends:
        return f"not taken for the end: {one}"
    return "a time that nothing reads"
