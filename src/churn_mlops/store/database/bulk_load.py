"""Many rows together, by the fastest way that each database has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, MetaData, Select, Table, insert, literal, select, text

from churn_mlops.errors import StoreError

Values = Sequence[Any] | Any
"""The values of one column, one for each row: a list, or an array of NumPy or of Arrow, chunked or not."""


def plain(values: Values) -> Sequence[Any]:
    """The values as plain Python ones, which drivers take fastest."""
    for name in ("tolist", "to_pylist"):  # NumPy's, and Arrow's; neither is imported here
        if (as_list := getattr(values, name, None)) is not None:
            return list(as_list())
    return list(values)


def checked_customers(values: Values) -> Sequence[str]:
    """The customer IDs, once it is sure that every database keeps them as they are.

    Raises:
        StoreError: one is no text, or holds what a database refuses.
    """
    customers = plain(values)
    try:
        together = "".join(customers)
        together.encode()
    except (TypeError, UnicodeEncodeError):
        raise StoreError(
            "a customer ID is no text, or holds half a character: give texts; nothing was written"
        ) from None
    if "\x00" in together:
        raise StoreError("a customer ID holds a character of code 0, which no text may hold; nothing was written")
    return customers


def load(connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add ``rows``, each with the values of all columns of ``table`` in their order.

    Args:
        connection: inside a transaction.
        table: with a prefix where it is temporary.
        rows: plain values; JSON as text.
    """
    raw: Any = connection.connection.driver_connection
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        raw.executemany(f"INSERT INTO {table.fullname} ({names}) VALUES ({marks})", rows)  # noqa: S608 - our own names
        return
    with raw.cursor() as cursor, cursor.copy(f"COPY {table.fullname} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def read_columns(connection: Connection, query: Select[Any], size: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of ``query`` in batches of ``size``, column by column, as the driver gives them.

    It takes half the time of SQLAlchemy's rows, which a million rows are worth.

    Args:
        connection: inside a transaction.
        query: whose values are numbers and dates of ours alone; SQLite gives 0 and 1 for booleans.
        size: most rows of a batch.
    """
    raw: Any = connection.connection.driver_connection
    statement = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
    is_sqlite = connection.dialect.name == "sqlite"
    with closing(raw.cursor() if is_sqlite else raw.cursor("read_columns")) as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(size):
            yield list(zip(*rows, strict=True))


def add_new(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add ``rows`` as :func:`load` does, but leave a row whose key is there already as it is."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join(["?" if connection.dialect.name == "sqlite" else "%s"] * len(table.columns))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - our own names
    connection.exec_driver_sql(statement, list(rows))


def rows_of(columns: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    """The rows of columns of the same length.

    Raises:
        StoreError: they are of different lengths.
    """
    if len({len(column) for column in columns}) > 1:
        raise StoreError("the columns of a batch are of different lengths; nothing was written")
    return zip(*columns, strict=True)


@contextmanager
def staged(connection: Connection, table: Table) -> Iterator[Table]:
    """A temporary table with the columns of ``table`` but for the run's; other connections do not see it.

    Args:
        connection: outside of a transaction.
        table: a table with a column ``run_id``.
    """
    # The key serves the joins with what is there; it names a row twice given before anything is locked.
    columns = [
        Column(column.name, column.type, primary_key=column.primary_key, autoincrement=False)
        for column in table.columns
        if column.name != "run_id"
    ]
    stage = Table(f"staged_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"], sqlite_with_rowid=False)
    try:
        with connection.begin():
            stage.create(connection, checkfirst=False)
        yield stage
        with connection.begin():
            stage.drop(connection, checkfirst=False)
    except BaseException:
        connection.invalidate()  # closed rather than given back: the temporary table goes with it
        raise


def insert_staged(
    connection: Connection, stage: Table, table: Table, run_id: int, only: ColumnElement[bool] | None = None
) -> None:
    """Add the rows of ``stage`` to ``table``, for the run ``run_id``; those that ``only`` is true of, where given."""
    # In the order of the key, so that the pages fill one after the other.
    rows = select(literal(run_id), *stage.columns).order_by(*stage.primary_key.columns)
    names = ["run_id", *(column.name for column in stage.columns)]
    rows = rows if only is None else rows.where(only)
    connection.execute(insert(table).from_select(names, rows))


def refresh_statistics(connection: Connection, table: Table) -> None:
    """Refresh the statistics of PostgreSQL's planner, which would join a million rows one by one otherwise."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {table.name}"))
