"""Spark as a source: the grammar of its address, its session, and the tables that it sees.

PySpark is imported where it is used: it is an extra, and most companies do without.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import ibis
import ibis.expr.types as ir

from churn_mlops.errors import SourceError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEME = "spark://"
GRAMMAR = (
    "write it like spark://local[4]/folder/of/tables, spark://host:7077?folder=s3a://bucket/tables or "
    "spark://yarn?database=crm (docs/scale.md)"
)
BATCH_ROWS = 50_000
"""Rows of one Arrow batch, the most that the driver takes at a time."""
_LOCAL = re.compile(r"local(-cluster)?(\[|$)")
_OF_A_WORKER = re.compile(r"[\w.]*(Error|Exception): ")
_DEFAULTS = {
    "spark.log.level": "FATAL",  # errors are raised, and shown in one line
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
}
_ON_THIS_MACHINE = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


@dataclass(frozen=True)
class SparkAddress:
    """An address ``spark://MASTER[/FOLDER][?folder=URL&database=NAME&spark.KEY=VALUE]``, taken apart.

    Args:
        master: of the cluster, as Spark writes it; None takes that of the environment (spark-submit's, for example).
        folder: that holds the tables as Parquet, a path or an address such as ``s3a://bucket/tables``.
        database: of Spark's catalogue that holds them, ``catalogue.database`` or ``database``; None takes the current.
        options: of Spark, by their keys.
    """

    master: str | None
    folder: str | None = None
    database: str | None = None
    options: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, address: str) -> SparkAddress:
        """Read ``address``.

        Raises:
            SourceError: it is not of that form; no option is shown, since one may hold a key.
        """
        place, _, query = address.removeprefix(SCHEME).partition("?")
        master, slash, path = place.partition("/")
        options = dict(parse_qsl(query, keep_blank_values=True))
        folder, database = options.pop("folder", None), options.pop("database", None)
        if sum(map(bool, (path, folder, database))) > 1:
            raise SourceError(
                f"{SCHEME}{place}: the tables are in one place: a path, `folder` or `database`; {GRAMMAR}"
            )
        other = [name for name in options if not name.startswith("spark.")]
        if not address.startswith(SCHEME) or "@" in place or other:
            what = f" {other[0]!r} is no option;" if other else ""
            raise SourceError(f"this address of Spark cannot be read:{what} {GRAMMAR}")
        return cls(_master(master), f"{slash}{unquote(path)}" if path else folder, database, options)

    @property
    def shown(self) -> str:
        """The name for errors: without options."""
        where = f" in {self.folder}" if self.folder else f" in {self.database}" if self.database else ""
        return f"Spark at {self.master or 'the master of the environment'}{where}"

    @property
    def is_local(self) -> bool:
        """Whether Spark runs on this machine, without a cluster."""
        return self.master is not None and _LOCAL.match(self.master) is not None

    def located(self, path: str) -> str:
        """``path`` as Spark takes it: a plain path is of this machine where Spark runs here."""
        if "://" in path or not self.is_local:
            return path
        return f"file://{Path(path).expanduser().absolute()}"


def is_spark(address: str | None) -> bool:
    """Whether ``address`` leads to Spark."""
    return address is not None and address.startswith(SCHEME)


@contextmanager
def spark_running(address: str | None) -> Iterator[None]:
    """Spark, started where it does not run yet, and then stopped at the end: a cluster is not held until tomorrow.

    Does nothing for an ``address`` that does not lead to Spark.

    Raises:
        SourceError: PySpark or Java is missing, the cluster cannot be reached, or Spark fails inside the block.
    """
    if address is None or not is_spark(address):
        yield
        return
    place = SparkAddress.of(address)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        with explained(place):
            from pyspark import SparkContext

            was_running = SparkContext._active_spark_context is not None
            session = _session(place)
        try:
            with explained(place):
                yield
        finally:
            if not was_running:
                session.stop()


def connect_spark(place: SparkAddress) -> ibis.BaseBackend:
    """A connection with a session of its own: its views and its time zone are its own.

    Raises:
        SourceError: PySpark or Java is missing, the cluster cannot be reached, or there is no such database.
    """
    with explained(place):
        session = _session(place).newSession()
        for key, value in {**_DEFAULTS, **place.options}.items():
            if key.startswith("spark.sql.") and session.conf.isModifiable(key):
                session.conf.set(key, value)
        if place.database is not None:
            names = ".".join(f"`{name}`" for name in place.database.split("."))
            session.sql(f"USE {names}")
        return ibis.pyspark.connect(session)


def files_of(connection: ibis.BaseBackend, place: SparkAddress) -> dict[str, str]:
    """The tables of the address's folder: of each name, the Parquet file or the folder of such files.

    Raises:
        SourceError: there is no such folder, or a name is there twice.
    """
    found: dict[str, str] = {}
    with explained(place):
        for path in listed(session_of(connection), place.located(str(place.folder))):
            name = path.rsplit("/", 1)[-1].removesuffix(".parquet")
            if name.startswith((".", "_")):
                continue
            if name in found:
                raise SourceError(f"{place.shown} there are {found[name]} and {path}: which is the table {name!r}?")
            found[name] = path
    return found


def view_parquet(connection: ibis.BaseBackend, place: SparkAddress, name: str, path: str) -> None:
    """Make the Parquet at ``path`` a view ``name`` of the connection's session; no rows are read.

    Raises:
        SourceError: it is no Parquet.
    """
    with explained(place):
        session_of(connection).read.parquet(path).createOrReplaceTempView(name)


def without_zones(connection: ibis.BaseBackend, name: str) -> ir.Table:
    """The table ``name``. Ibis takes Spark's timestamps with a zone for those without, so Spark converts them."""
    fields = session_of(connection).table(name).schema.fields
    columns = [
        f"CAST(`{field.name}` AS TIMESTAMP_NTZ) AS `{field.name}`"
        if field.dataType.typeName() == "timestamp"
        else f"`{field.name}`"
        for field in fields
    ]
    return connection.sql(f"SELECT {', '.join(columns)} FROM `{name}`", dialect="pyspark")  # noqa: S608 names of Spark's own catalogue


def session_of(connection: ibis.BaseBackend) -> SparkSession:
    """The Spark session behind a connection of Ibis."""
    session: SparkSession = connection._session
    return session


def frame_of(rows: ir.Table) -> DataFrame:
    """The expression ``rows``, which reads tables of Spark, as a DataFrame; nothing is computed yet."""
    connection = rows.get_backend()
    return session_of(connection).sql(connection.compile(rows))


def listed(session: SparkSession, folder: str) -> list[str]:
    """Addresses of what lies in ``folder``, sorted, on any file system that Hadoop knows."""
    path, system = _hadoop(session, folder)
    return sorted(str(status.getPath().toString()) for status in system.listStatus(path))


def deleted(session: SparkSession, folder: str) -> None:
    """Delete ``folder`` with all that is in it."""
    path, system = _hadoop(session, folder)
    system.delete(path, True)


@contextmanager
def explained(place: SparkAddress) -> Iterator[None]:
    """An error of Spark as one of ours."""
    _pyspark(place)
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise SourceError(f"{place.shown} failed: {_said(error, place)}") from None


def _master(text: str) -> str | None:
    if not text:
        return None
    return text if _LOCAL.match(text) or text == "yarn" else SCHEME + text


def _pyspark(place: SparkAddress) -> None:
    if find_spec("pyspark") is None:
        raise SourceError(f"{place.shown} needs PySpark: pip install 'churn-mlops[spark]'") from None
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java" if home is None else str(Path(home) / "bin" / "java")) is None:
        what = "and there is none" if home is None else f"and JAVA_HOME ({home}) holds none"
        raise SourceError(f"{place.shown} needs Java 17 or later, {what}: install a JRE of it, or set JAVA_HOME")


def _session(place: SparkAddress) -> SparkSession:
    from pyspark.sql import SparkSession

    builder: Any = SparkSession.builder.appName("churn-mlops")
    if place.master is not None:
        builder = builder.master(place.master)
    builder = builder.config(map={**_DEFAULTS, **(_ON_THIS_MACHINE if place.is_local else {}), **place.options})
    session: SparkSession = builder.getOrCreate()
    if place.is_local and "PYSPARK_PYTHON" not in os.environ:
        session.sparkContext.pythonExec = sys.executable  # else whatever `python3` is on the path
    return session


def _hadoop(session: SparkSession, address: str) -> tuple[Any, Any]:
    """The path in Hadoop's own terms, and the file system that it is on."""
    jvm: Any = session.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(address)
    return path, path.getFileSystem(session._jsparkSession.sessionState().newHadoopConf())


def _said(error: Exception, place: SparkAddress) -> str:
    """The first line of an error, or of its Java cause; values of options are cut out, since one may hold a key."""
    cause = getattr(error, "java_exception", None)
    lines = str(error if cause is None else cause.toString()).strip().splitlines()
    # An error of a worker comes with the whole way that it went; its own line says what is wrong.
    lines = [line for line in lines if _OF_A_WORKER.match(line)] or lines
    text = re.sub(r"\s+", " ", lines[0] if lines else type(error).__name__)
    for value in place.options.values():
        if len(value) >= 4:
            text = text.replace(value, "***")
    return text
