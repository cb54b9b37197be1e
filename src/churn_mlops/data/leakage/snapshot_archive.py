"""Snapshots frozen by earlier training runs, kept beside the models: they show which values were rewritten since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.atomic_files import write_atomic
from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract
from churn_mlops.data.leakage import LeakFinding, changed, freeze, frozen_date, without
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.errors import DataError

_ENDING = ".frozen"
_KEPT = 24


@dataclass(frozen=True)
class SnapshotArchive:
    """A folder of frozen snapshots, one for each as-of date on which a model was trained.

    Args:
        folder: where they are; it need not be there.
        key: of their hashes.
    """

    folder: Path
    key: str

    def of(self, rows: pa.Table, contract: HistoryContract, as_of: date) -> bytes:
        """The snapshot of ``as_of``, frozen."""
        return freeze(rows, contract.customer, as_of, self.key, _declared(contract))

    def keep(self, frozen: bytes) -> None:
        """Write a frozen snapshot, unless its date has one: the first is the one that knew least.

        The oldest are deleted where there are more than 24.

        Raises:
            DataError: it cannot be written.
        """
        path = self.folder / f"{frozen_date(frozen)}{_ENDING}"
        try:
            if not path.exists():
                write_atomic(path, frozen)
            for old in self._paths()[:-_KEPT]:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise DataError(f"cannot write {path}: {error.strerror or error}; it is kept to detect leakage") from None

    def forget(self, customers: Sequence[str]) -> int:
        """Take ``customers`` out of every frozen snapshot.

        Returns:
            how many snapshots held any of them.

        Raises:
            DataError: a file in the folder is no frozen snapshot, or cannot be written.
        """
        found = 0
        for path in self._paths():
            try:
                shorter = without(path.read_bytes(), customers, self.key)
                if shorter is not None:
                    write_atomic(path, shorter)
                    found += 1
            except (OSError, ValueError) as error:
                raise DataError(
                    f"customers cannot be taken out of {path} ({error}): delete it; it only serves to detect leakage"
                ) from None
        return found

    def rewritten(self, tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> list[LeakFinding]:
        """The values that changed in the newest frozen date, and in the newest with final labels by ``today``.

        A feature that changed at both has the surer finding.

        Raises:
            DataError: a file in the folder is no frozen snapshot.
        """
        final = today - timedelta(days=contract.label.final_after if contract.label else 0)
        days = {date.fromisoformat(path.stem): path for path in self._paths()}
        past = [day for day in days if day < today]
        chosen = sorted({max(some) for some in (past, [day for day in past if day <= final]) if some})
        if not chosen:
            return []
        found: dict[str, LeakFinding] = {}
        rows = read_history(tables, contract, chosen, label=True)
        for day in chosen:
            now = rows.filter(pc.equal(rows[AS_OF], pa.scalar(day)))
            for finding in self._changed(days[day], now, contract, final=day <= final):
                known = found.get(finding.feature)
                found[finding.feature] = known if known is not None and known.sure else finding
        return list(found.values())

    def _changed(self, path: Path, now: pa.Table, contract: HistoryContract, *, final: bool) -> tuple[LeakFinding, ...]:
        y = _labels(now) if final else np.full(len(now), np.nan)
        sources = {name: feature.reads[0] for name, feature in contract.features.items()}
        try:
            return changed(path.read_bytes(), now, contract.customer, y, self.key, _declared(contract), sources)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read ({error}): delete it, and train again") from None

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob(f"*{_ENDING}") if _is_day(path.stem))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _labels(rows: pa.Table) -> npt.NDArray[np.float64]:
    values = {"yes": 1.0, "no": 0.0}
    return np.array([values.get(value, np.nan) for value in rows[LEFT].to_pylist()])


def _declared(contract: HistoryContract) -> dict[str, str]:
    """Each feature with its declaration and its table's, and the time zone: whatever its values hang on."""
    return {
        name: "\n".join(
            [
                feature.model_dump_json(exclude_defaults=True),
                contract.tables[feature.reads[0]].model_dump_json(exclude_defaults=True),
                contract.time_zone,
            ]
        )
        for name, feature in contract.features.items()
    }
