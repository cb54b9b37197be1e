"""The leakage firewall of a training run: what it looks at, and what ``--strict`` leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.contract import AS_OF, DataContract, HistoryContract, SetAside
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.leakage import Firewall, LeakFinding, inspect
from churn_mlops.data.leakage.snapshot_archive import FrozenSnapshots
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.errors import DataError
from churn_mlops.pipelines.training.snapshots import Periods
from churn_mlops.pipelines.training.test_set import customer_codes


@dataclass(frozen=True)
class LeakCheck:
    """What the firewall found, and what is learnt from after it.

    Args:
        firewall: the findings.
        set_aside: features that ``--strict`` took out.
        contract: the flat contract without them.
        history: the history contract without them, None where there is none.
        frozen: the snapshot of this run, to be held against the same date at the next, None where there is none.
    """

    firewall: Firewall
    set_aside: tuple[str, ...]
    contract: DataContract
    history: HistoryContract | None = None
    frozen: bytes | None = None

    @property
    def in_use(self) -> tuple[LeakFinding, ...]:
        """Findings of features that the model is shown all the same."""
        return tuple(finding for finding in self.firewall.findings if finding.feature not in self.set_aside)

    @property
    def sure(self) -> tuple[str, ...]:
        """Features that the model is shown, and that surely knew what was not known at the time."""
        return leaking(self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the record."""
        return self.firewall.to_dict() | {"set_aside": list(self.set_aside)}


def leaking(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The features of `LeakCheck.sure`, of what its ``to_dict`` gave; none of an empty record."""
    found = (finding["feature"] for finding in record.get("findings", ()) if finding["sure"])
    return tuple(name for name in dict.fromkeys(found) if name not in record["set_aside"])


def check_table(table: ir.Table, rows: pa.Table, contract: DataContract, *, strict: bool, seed: int) -> LeakCheck:
    """Look at a flat table.

    Args:
        table: all of it.
        rows: those with a known label, as ``read_snapshot`` gives them.
        contract: what they mean.
        strict: whether to take the sure ones out.
        seed: of the made-up columns.

    Raises:
        DataError: every feature would have to be taken out.
    """
    unlabelled = read_snapshot(table, contract, label="unknown")
    found = inspect(rows, rows[LABEL].to_numpy(), contract, unlabelled=unlabelled, seed=seed)
    return _checked(found, contract, None, strict=strict)


def check_periods(
    periods: Periods,
    tables: Mapping[str, ir.Table],
    contract: HistoryContract,
    today: date,
    frozen: FrozenSnapshots,
    *,
    strict: bool,
    seed: int,
) -> LeakCheck:
    """Look at the periods of a history, at the customers of ``today``, and at what was frozen by earlier runs.

    Raises:
        DataError: every feature would have to be taken out.
    """
    flat = contract.flat()
    now = read_history(tables, contract, [today]).drop_columns([AS_OF])
    found = inspect(
        periods.rows,
        periods.rows[LABEL].to_numpy(),
        flat,
        as_of=periods.as_of,
        groups=customer_codes(periods.rows, flat),
        unlabelled=read_snapshot(ibis.memtable(now), flat),
        seed=seed,
    )
    rewritten = frozen.rewritten(tables, contract, today)
    found = replace(found, findings=(*found.findings, *rewritten))
    return replace(_checked(found, flat, contract, strict=strict), frozen=frozen.of(now, contract, today))


def _checked(found: Firewall, flat: DataContract, history: HistoryContract | None, *, strict: bool) -> LeakCheck:
    out = [name for name in found.sure if name in flat.features] if strict else []
    if len(out) == len(flat.features):
        raise DataError(
            f"each of the {len(out)} features seems to know what was not known at the time: nothing is left to learn "
            "from; look at them in the contract, or train without --strict"
        )
    return LeakCheck(found, tuple(out), _without(flat, found.sure, out), history and _shorter(history, out))


def _without(flat: DataContract, why: Mapping[str, str], out: Sequence[str]) -> DataContract:
    if not out:
        return flat
    aside = {flat.column_of(name): SetAside(reason="suspected_leak", note=why[name]) for name in out}
    features = {name: feature for name, feature in flat.features.items() if name not in out}
    return flat.model_copy(update={"features": features, "set_aside": {**flat.set_aside, **aside}})


def _shorter(history: HistoryContract, out: Sequence[str]) -> HistoryContract:
    features = {name: feature for name, feature in history.features.items() if name not in out}
    return history.model_copy(update={"features": features})
