"""From an address to what is there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from churn_mlops.data.sources.database import connect_database
from churn_mlops.data.sources.database_place import DatabasePlace, SparkPlace
from churn_mlops.data.sources.file_place import FilePlace, FolderPlace
from churn_mlops.data.sources.files import check_file, is_folder
from churn_mlops.data.sources.formats.file_formats import ZIP, format_of
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.spark import SparkAddress, is_spark
from churn_mlops.data.sources.zip_place import ZipPlace
from churn_mlops.database_urls import shown
from churn_mlops.errors import SourceError

_FILE_SCHEMES = frozenset({"duckdb", "sqlite"})


def resolve(address: str) -> Place:
    """The place to which ``address`` leads. A .zip is unpacked; else neither rows nor columns are read.

    Args:
        address: path of a file of one of ``FILE_FORMATS``, or of a folder or a .zip of such files that are one table
            each; an Ibis address such as ``postgres://user@host/database``; or of Spark.

    Raises:
        SourceError: there is no such file, its format is unknown, or an address of Spark is malformed.
    """
    if is_spark(address):
        return SparkPlace(SparkAddress.of(address))
    scheme, separator, rest = address.partition("://")
    if separator and scheme not in _FILE_SCHEMES:
        return DatabasePlace(partial(connect_database, address), shown(address), address)
    path = _path(rest) if separator else _own_path(address)
    if is_folder(path):
        return FolderPlace(path)
    check_file(path)
    if path.suffix.lower() == ZIP and not separator:
        return ZipPlace(path)
    return FilePlace(path, format_of(path, f".{scheme}" if separator else None))


def _own_path(address: str) -> Path:
    """The path that ``address`` is, in which ``~`` is the folder of the user.

    Raises:
        SourceError: there is no such user.
    """
    try:
        return Path(address).expanduser()
    except RuntimeError:
        user = address.partition("/")[0]
        raise SourceError(f"{address} cannot be opened: no folder is known for {user}, write the whole path") from None


def _path(rest: str) -> Path:
    """The path in the address of a database file, of which ``rest`` is what follows ``://``."""
    return Path(f"/{rest.lstrip('/')}" if rest.startswith("/") else rest)
