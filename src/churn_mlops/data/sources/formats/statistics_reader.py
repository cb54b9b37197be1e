"""Files of statistics packages (SPSS, Stata, SAS), one of the file formats of ``file_formats.py``, by pyreadstat.

The cells are texts, as in delimited files. A code is the text of its label where every code that occurs has one; codes
that the file declares as missing are missing; days and times are written as such.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np

from churn_mlops.data.contract import level_text
from churn_mlops.data.sources.files import identifier, quoted
from churn_mlops.data.sources.formats.cell_texts import write_texts
from churn_mlops.data.sources.formats.converted import ConvertedTable, Remark, check_names
from churn_mlops.errors import SourceError

READERS = {
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".por": "read_por",
    ".dta": "read_dta",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}
"""The function of pyreadstat for each ending."""
_SHOWN_LABELS = 3
_BLOCK_ROWS = 50_000
_Block = tuple[Mapping[str, Sequence[Any]], Any]


def convert_statistics(path: Path, folder: Path) -> dict[str, ConvertedTable]:
    """Write the table of the file at ``path`` into ``folder``.

    Raises:
        SourceError: it is no whole file of its kind, or pyreadstat is not installed.
    """
    library = needed("pyreadstat", path)
    target = folder / "table.parquet"
    try:
        blocks = _blocks(getattr(library, READERS[path.suffix.lower()]), path)
        names, described = next(blocks)
        if not names or not any(map(len, names.values())):
            raise SourceError(f"{path} holds no rows: export it again with the customers")
        check_names(list(names), str(path))
        kinds = described.readstat_variable_types
        write_texts(_rows(chain([(names, described)], blocks), kinds), len(names), target)
    except (library.ReadstatError, library.PyreadstatError, UnicodeDecodeError, OverflowError) as error:
        raise SourceError(
            f"{path} cannot be read to its end ({str(error).splitlines()[0]}): export it again, or export it as CSV in "
            "UTF-8"
        ) from None
    return {"table": _labelled(target, list(names), described.variable_value_labels)}


def needed(library: str, path: Path) -> ModuleType:
    """The ``library`` of the extra ``files``, which reads the file at ``path``.

    Raises:
        SourceError: it is not installed.
    """
    try:
        return import_module(library)
    except ImportError:
        raise SourceError(
            f"{path}: a file that ends in {path.suffix} needs the package {library}: install it with "
            "`pip install 'churn-mlops[files]'`, or export the file as CSV in UTF-8"
        ) from None


def _blocks(read: Callable[..., _Block], path: Path) -> Iterator[_Block]:
    """Some rows at a time: a whole file of cells in Python takes many times its size."""
    rows = offset = 0
    while rows == offset:
        found, described = read(str(path), row_offset=offset, row_limit=_BLOCK_ROWS, output_format="dict")
        yield found, described
        rows += len(next(iter(found.values()), ()))
        offset += _BLOCK_ROWS


def _rows(blocks: Iterable[_Block], kinds: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    for columns, _ in blocks:
        yield from zip(*(_cells(cells, kinds[name]) for name, cells in columns.items()), strict=True)


def _cells(cells: Sequence[Any], kind: str) -> Iterable[Any]:
    if kind == "string":
        return [cell.rstrip() if isinstance(cell, str) else cell for cell in cells]
    if kind == "float":  # of four bytes: 0.1 would become 0.10000000149011612
        return [float(str(np.float32(cell))) if isinstance(cell, float) else cell for cell in cells]
    return cells


def _labelled(path: Path, names: Sequence[str], labels: Mapping[str, Mapping[Any, str]]) -> ConvertedTable:
    """The table whose codes are the texts of their labels, where each that occurs has one."""
    columns, remarks = {}, []
    for place, name in enumerate(names):
        column = identifier(str(place))
        texts = {level_text(code): label.strip() for code, label in labels.get(name, {}).items() if label.strip()}
        found = _values(path, column) if texts else set()
        if texts and found <= set(texts):
            known = ", ".join(f"{quoted(code)}: {quoted(label)}" for code, label in texts.items())
            column = f"MAP {{{known}}}[{column}]"
        elif shared := sorted(found & set(texts)):
            shown = ", ".join(f"{code} is {texts[code]!r}" for code in shared[:_SHOWN_LABELS])
            what = (
                f"has labels for some of its values only, and is read as numbers: {shown}. If one of them means "
                f"missing, declare it in the contract, as in `missing_values: ['{shared[0]}']`"
            )
            remarks.append(Remark("labels", what, name))
        columns[name] = column
    return ConvertedTable(path, columns, tuple(remarks), has_totals=False)


def _values(path: Path, column: str) -> set[str]:
    with duckdb.connect() as connection:
        rows = f"SELECT DISTINCT {column} FROM read_parquet({quoted(str(path))})"  # noqa: S608 both are quoted
        return {row[0] for row in connection.execute(rows).fetchall() if row[0] is not None}
