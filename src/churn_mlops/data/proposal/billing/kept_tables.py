"""The rows of a billing system's tables that count: no test data, no deleted rows, no older versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

from churn_mlops.data.contract import FALSE_TEXTS, TRUE_TEXTS, HistoryTable, Versions, Where
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.findings import Finding
from churn_mlops.data.presets import KnownTable
from churn_mlops.data.snapshot.known_rows import kept_rows
from churn_mlops.suggestions import words

_MOST_VALUES = 60  # of a status or a flag
_FLAGS = {"true": TRUE_TEXTS, "false": FALSE_TEXTS}


@dataclass(frozen=True)
class KeptTable:
    """A table that a preset speaks of, with the rows that count.

    Attributes:
        known: the table and its preset.
        where: the rows that count, as the contract says it.
        versions: the columns of its versions, if it holds several of a row.
        rows: those that count.
        counted: by the column of a condition, how many rows do not count.
        unused: columns whose condition is not asked, each with the reason.
    """

    known: KnownTable
    where: Where
    versions: Versions | None
    rows: ir.Table
    counted: Mapping[str, int]
    unused: Mapping[str, str]

    def declared(self) -> dict[str, object]:
        """The part of the contract that keeps these rows."""
        made: dict[str, object] = {"where": dict(self.where)} if self.where else {}
        return made | ({"versions": self.versions.model_dump()} if self.versions is not None else {})

    def findings(self, name: str) -> Iterator[Finding]:
        """The rows that do not count, and the conditions that cannot be asked; ``name`` is that of the contract."""
        dropped = self.known.preset.dropped
        why_of = {column: why for name, why in dropped.items() for column in self.known.every([name])}
        for column, rows in self.counted.items():
            why = why_of.get(column, "other rows")
            kept = ", ".join(self.where[column])
            what = f"{rows:,} rows are left out ({why}): only {kept} counts"
            yield Finding(f"{name}.{column}", "rows_not_counted", what, rows=rows)
        for column, why in self.unused.items():
            what = f"shows rows that do not count ({why_of.get(column, 'other rows')}), but {why}"
            yield Finding(f"{name}.{column}", "rows_not_counted", what)
        if self.versions is not None:
            what = (
                f"holds several rows of one {self.versions.key}, one for each change: only the one with the latest "
                f"{self.versions.by} counts"
            )
            yield Finding(name, "rows_not_counted", what)


def kept_table(known: KnownTable, table: ir.Table) -> KeptTable:
    """The rows of ``table`` that count by its preset."""
    where: dict[str, tuple[str, ...]] = {}
    unused: dict[str, str] = {}
    for name, wanted in known.preset.keep.items():
        column = known.column((name,))
        if column is None:
            continue
        held = values_of(table, column)
        kept = as_written(wanted, held)
        if held and not any(text in kept for text in held):
            unused[column] = f"no row has one of {', '.join(wanted)}: all rows count. Is that right?"
        elif None in held and wanted == ("false",):
            unused[column] = "it is blank in some rows, which may mean no: all rows count. Make it false there"
        else:
            unknown = _unknown(kept, known.preset.leave.get(name, ()), held)
            where[column] = (*kept, *unknown)
            if unknown:
                unused[column] = f"it holds {', '.join(unknown)}, which the preset does not know: these count. Do they?"
    versions = _versions(known, table, where)
    declared = HistoryTable(event_time=next(iter(table.columns)), where=where, versions=versions)
    counted = _counted(table, declared)
    return KeptTable(known, where, versions, kept_rows(table, declared), counted, unused)


def values_of(table: ir.Table, column: str) -> list[str | None]:
    """The different values of a status or a flag, None among them if some are blank."""
    values = table.select(value=as_text(table[column])).distinct().limit(_MOST_VALUES).to_pyarrow()["value"]
    return list(values.to_pylist())


def as_written(wanted: tuple[str, ...], held: list[str | None]) -> tuple[str, ...]:
    """``wanted`` as the table writes them; what it does not hold yet as the preset does."""
    found: list[str] = []
    for value in wanted:
        found += [text for text in held if text is not None and _means(text, value)] or [value]
    return tuple(dict.fromkeys(found))


def _unknown(kept: tuple[str, ...], leave: tuple[str, ...], held: list[str | None]) -> list[str]:
    """The values that a preset speaks of neither as kept nor as left out; none if it names no values to leave out."""
    others = [text for text in held if text is not None and text not in kept] if leave else []
    return sorted(text for text in others if not any(_means(text, value) for value in leave))


def _means(text: str, value: str) -> bool:
    return text.lower() in _FLAGS[value] if value in _FLAGS else "".join(words(text)) == "".join(words(value))


def _versions(known: KnownTable, table: ir.Table, where: Where) -> Versions | None:
    """The columns of versions; None where a condition leaves the older ones out, and where rows have one version."""
    preset = known.preset.versions
    key, by = (None, None) if preset is None else (known.column(preset.key), known.column(preset.by))
    if preset is None or key is None or by is None or known.column(preset.marks) in where:
        return None
    held = table.aggregate(rows=table[key].count(), keys=table[key].nunique()).to_pyarrow().to_pylist()[0]
    return Versions(key=key, by=by) if held["rows"] > held["keys"] else None


def _counted(table: ir.Table, declared: HistoryTable) -> dict[str, int]:
    rows = kept_rows(table, declared.model_copy(update={"where": {}}))
    found = {}
    for column, kept in declared.where.items():
        text = as_text(rows[column])
        count = int(rows.filter(~text.isin(kept).fill_null(False)).count().to_pyarrow().as_py())
        if count:
            found[column] = count
    return found
