"""The files of jobs beside the store that hold customers: frozen snapshots, and the scores of runs on Spark."""

from __future__ import annotations

import io
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import Settings
from churn_mlops.errors import DataError
from churn_mlops.pipelines.inputs.score_files import CUSTOMER, local_score_files
from churn_mlops.pipelines.inputs.snapshot_archive import snapshot_archive
from churn_mlops.store.suppression.tombstones import Tombstones


@dataclass(frozen=True)
class Outside:
    """The result of an erasure beside the store.

    Args:
        frozen_snapshots: how many frozen snapshots held a customer.
        score_files: how many files of scores did.
        failed: what could not be looked through, and what to do, a sentence each.
    """

    snapshot_archive: int
    score_files: int
    failed: tuple[str, ...] = ()


def remove_outside(settings: Settings, customers: Iterable[str], erased: Tombstones) -> Outside:
    """Take customers out of the files of this machine; what fails keeps nothing else from being done.

    Args:
        settings: where the files are.
        customers: their names. The hashes in a frozen snapshot are of another key: its rows are found by names alone.
        erased: finds customers whose IDs no one knows in the files of scores, which hold IDs.
    """
    failed: list[str] = []
    names, frozen, files = set(customers), 0, 0
    folder = local_score_files(settings.scoring.output)
    for path in sorted(folder.rglob("*.parquet")) if folder is not None else ():
        try:
            found = _removed_from(path, names, erased)
        except (OSError, pa.ArrowException) as error:
            failed.append(f"{path} cannot be rewritten ({error}): delete its folder, and score its date again")
            continue
        names |= found
        files += bool(found)
    try:
        frozen = snapshot_archive(settings).forget(sorted(names)) if names else 0
    except DataError as error:
        failed.append(str(error))
    return Outside(frozen, files, tuple(failed))


def _removed_from(path: Path, customers: AbstractSet[str], erased: Tombstones) -> set[str]:
    """The customers whose rows were removed from one file of scores."""
    names = set(parquet.ParquetFile(path).read([CUSTOMER]).column(CUSTOMER).to_pylist())
    found = (names & customers) | erased.among(names)
    if not found:
        return set()
    rows = parquet.ParquetFile(path).read()
    sink = io.BytesIO()
    others = pc.invert(pc.is_in(rows.column(CUSTOMER), value_set=pa.array(sorted(found), pa.string())))
    parquet.write_table(rows.filter(others), sink)
    # First the checksum that Spark keeps beside it, which would be of the old file.
    path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
    write_atomic(path, sink.getvalue())
    return found
