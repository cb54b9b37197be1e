"""The leakage checks of a training run: what they look at, and which features ``--strict`` drops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.contract import AS_OF, DataContract, ExcludedColumn, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.leakage import LeakageReport, LeakFinding, inspect, known_rows
from churn_mlops.data.leakage.snapshot_archive import SnapshotArchive
from churn_mlops.data.snapshot.event_rhythm import Rhythm, rhythm_of
from churn_mlops.data.snapshot.known_rows import KEY, TIME, PointInTimeTables
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.errors import DataError
from churn_mlops.pipelines.training.snapshots import LabelledSnapshots
from churn_mlops.pipelines.training.test_set import customer_codes


@dataclass(frozen=True)
class LeakCheck:
    """The findings of the leakage checks, and the contracts to train on after them.

    Args:
        report: the findings.
        dropped: features that ``--strict`` dropped.
        contract: the flat contract without them.
        history: the history contract without them, None where there is none.
        frozen: the snapshot of this run, for the next run to compare with the same date; None where there is none.
    """

    report: LeakageReport
    dropped: tuple[str, ...]
    contract: DataContract
    history: HistoryContract | None = None
    frozen: bytes | None = None

    @property
    def in_use(self) -> tuple[LeakFinding, ...]:
        """Findings of features that the model still sees."""
        return tuple(finding for finding in self.report.findings if finding.feature not in self.dropped)

    @property
    def sure(self) -> tuple[str, ...]:
        """Features that the model sees although they surely leak."""
        return leaking_features(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the record."""
        return self.report.to_dict() | {"set_aside": list(self.dropped)}


def leaking_features(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The features of `LeakCheck.sure`, from a record that its ``to_dict`` made; none of an empty record."""
    found = (finding["feature"] for finding in record.get("findings", ()) if finding["sure"])
    return tuple(name for name in dict.fromkeys(found) if name not in record["set_aside"])


def check_table(rows: pa.Table, unlabelled: pa.Table, contract: DataContract, *, strict: bool, seed: int) -> LeakCheck:
    """Check a flat table.

    Args:
        rows: with a known label, as ``read_snapshot`` gives them.
        unlabelled: rows without one.
        contract: what they mean.
        strict: whether to drop the features that surely leak.
        seed: of the canary columns.

    Raises:
        DataError: every feature would be dropped.
    """
    found = inspect(rows, rows[LABEL].to_numpy(), contract, unlabelled=unlabelled, seed=seed)
    return _checked(found, contract, None, strict=strict)


def check_history(
    snapshots: LabelledSnapshots,
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    today: date,
    archive: SnapshotArchive,
    *,
    strict: bool,
    seed: int,
) -> LeakCheck:
    """Check the snapshots of a history, the customers of ``today``, and what earlier runs froze.

    Args:
        snapshots: rows with a known label.
        tables: of the history, by their keys in the contract.
        contract: what they mean.
        today: the date whose customers have no label yet.
        archive: frozen snapshots of earlier runs.
        strict: whether to drop the features that surely leak.
        seed: of the canary columns.

    Raises:
        DataError: every feature would be dropped.
    """
    flat = contract.flat()
    now = read_history(tables, contract, [today]).drop_columns([AS_OF])
    found = inspect(
        snapshots.rows,
        snapshots.rows[LABEL].to_numpy(),
        flat,
        as_of=snapshots.as_of,
        groups=customer_codes(snapshots.rows, flat),
        unlabelled=read_snapshot(ibis.memtable(now), flat),
        known=known_rows(contract, _rhythm(tables, contract, today)),
        seed=seed,
    )
    rewritten = archive.rewritten(tables, contract, today)
    found = replace(found, findings=(*found.findings, *rewritten))
    return replace(_checked(found, flat, contract, strict=strict), frozen=archive.of(now, contract, today))


def _rhythm(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> Rhythm | None:
    """The rhythm of the events whose absence is the label; None where something else is."""
    inactive = None if contract.label is None else contract.label.inactive
    if inactive is None:
        return None
    rows = PointInTimeTables(tables, contract).rows_known_at(inactive.events, AsOf(today))
    return rhythm_of(rows.filter(rows[KEY].notnull()).select(who=KEY, at=TIME))


def _checked(found: LeakageReport, flat: DataContract, history: HistoryContract | None, *, strict: bool) -> LeakCheck:
    dropped = [name for name in found.sure if name in flat.features] if strict else []
    if len(dropped) == len(flat.features):
        raise DataError(
            f"each of the {len(dropped)} features seems to know what was not known at the time: nothing is left to "
            "learn from; look at them in the contract, or train without --strict"
        )
    return LeakCheck(found, tuple(dropped), _without(flat, found.sure, dropped), history and _shorter(history, dropped))


def _without(flat: DataContract, why: Mapping[str, str], dropped: Sequence[str]) -> DataContract:
    if not dropped:
        return flat
    excluded = {flat.column_of(name): ExcludedColumn(reason="suspected_leak", note=why[name]) for name in dropped}
    features = {name: feature for name, feature in flat.features.items() if name not in dropped}
    return flat.model_copy(update={"features": features, "set_aside": {**flat.set_aside, **excluded}})


def _shorter(history: HistoryContract, dropped: Sequence[str]) -> HistoryContract:
    features = {name: feature for name, feature in history.features.items() if name not in dropped}
    return history.model_copy(update={"features": features})
