"""Files of typed columns beside Parquet (Arrow IPC, Feather, ORC), one of the file formats of ``file_formats.py``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from pathlib import Path

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as parquet

from churn_mlops.data.sources.files import identifier
from churn_mlops.data.sources.formats.converted import ConvertedTable, check_names
from churn_mlops.errors import SourceError

_OLD_FEATHER = b"FEA1"
_ARROW = b"ARROW1"
Batches = Iterable[pa.RecordBatch]


def convert_arrow(path: Path, folder: Path) -> dict[str, ConvertedTable]:
    """Write the table of the Arrow or Feather file at ``path`` into ``folder``, be it a file or a stream.

    Raises:
        SourceError: it is no whole file of Arrow.
    """
    with path.open("rb") as file:
        first = file.read(len(_ARROW))
    if first.startswith(_OLD_FEATHER):
        raise SourceError(f"{path} is a Feather file of version 1: write it again with version 2, or as Parquet")
    with _translated(path, "an Arrow file"), pa.memory_map(str(path)) as source:
        if first == _ARROW:
            reader = pa.ipc.open_file(source)
            return written(path, map(reader.get_batch, range(reader.num_record_batches)), reader.schema, folder)
        stream = pa.ipc.open_stream(source)
        return written(path, stream, stream.schema, folder)


def convert_orc(path: Path, folder: Path) -> dict[str, ConvertedTable]:
    """Write the table of the ORC file at ``path`` into ``folder``.

    Raises:
        SourceError: it is no whole ORC file.
    """
    with _translated(path, "an ORC file"):
        file = orc.ORCFile(path)
        return written(path, map(file.read_stripe, range(file.nstripes)), file.schema, folder)


def written(path: Path, batches: Batches, schema: pa.Schema, folder: Path) -> dict[str, ConvertedTable]:
    """The table of the ``batches`` of the file at ``path``, in a Parquet file in ``folder``.

    Raises:
        SourceError: two columns have one name, capitals apart.
    """
    names = [name if name.strip() else f"column_{place}" for place, name in enumerate(schema.names, start=1)]
    check_names(names, str(path))
    target, named = folder / "table.parquet", pa.schema(map(pa.Field.with_name, schema, names))
    with parquet.ParquetWriter(target, named) as writer:
        for batch in batches:
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=named))
    return {"table": ConvertedTable(target, {name: identifier(name) for name in names}, has_totals=False)}


@contextmanager
def _translated(path: Path, kind: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno == ENOSPC:
            raise  # the file is whole, and there is no room for its copy
        why = str(error).splitlines()[0]
        raise SourceError(f"{path} is not {kind} that is whole ({why}): write it again, or as Parquet") from None
