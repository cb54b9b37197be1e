"""Data: the contract, the sources, the look at a new table, validation, and the demo company."""

from __future__ import annotations

from typing import TYPE_CHECKING

from churn_mlops.data.contract import DataContract

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    import pandas as pd

__all__ = ["DataContract", "load_csv", "validate_data"]


def load_csv(filepath: str | PathLike[str]) -> pd.DataFrame:
    """Read the CSV file at ``filepath``; texts stay as they are, and only an empty cell is missing.

    Raises:
        FileNotFoundError: there is no such file; names it.
        SourceError: the file is a folder, empty, not UTF-8, not a table, or may not be read.
    """
    # Imported here: serving imports this package for the contract, and its environment has no pandas.
    from churn_mlops.data.sources.dataframes import load_csv as load

    return load(filepath)


def validate_data(df: pd.DataFrame, required_columns: Iterable[str]) -> bool:
    """True if ``df`` has rows and every one of ``required_columns``.

    Raises:
        ValueError: ``df`` is empty, or columns are missing; names them.
    """
    from churn_mlops.data.sources.dataframes import validate_data as validate

    return validate(df, required_columns)
