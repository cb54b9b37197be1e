"""The search for erased customers on Spark's executors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from churn_mlops.keyed_hash import hasher

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class OnlyErased:
    """Keeps of a column of customer IDs those of erased customers.

    Args:
        column: the column.
        key: of the hashes.
        hashes: as :func:`churn_mlops.keyed_hash.customer_hash` gives them.
    """

    column: str
    key: str = field(repr=False)
    hashes: frozenset[str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The names, a batch for a batch."""
        hashed = hasher(self.key)
        for batch in batches:
            names = [name for name in batch.column(self.column).to_pylist() if name is not None]
            found = [name for name in names if hashed(name) in self.hashes]
            yield pa.RecordBatch.from_arrays([pa.array(found, pa.string())], names=[self.column])
