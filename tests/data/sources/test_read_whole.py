"""A source that fails while it is read is reported as such; the message of an engine about a value is not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import psycopg
import pytest

from churn_mlops.data.sources.database import read_whole
from churn_mlops.errors import SourceError


def test_a_server_that_ends_the_connection_is_reported_without_the_password(postgres: str) -> None:
    address = "postgresql://churn:s3cret-word@db.internal/churn"
    words = r"db\.internal/churn could not be read to its end \(.*then run again$"
    with psycopg.connect(postgres) as source:
        with psycopg.connect(postgres, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [source.info.backend_pid])
        with pytest.raises(SourceError, match=words) as raised, read_whole(address):
            source.execute("SELECT 1")
    assert "s3cret-word" not in str(raised.value)


def test_a_file_that_is_cut_off_is_reported_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "customers.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE TABLE t AS SELECT range AS n, random() AS x FROM range(300000)")
    with duckdb.connect(str(path), read_only=True) as source:
        with path.open("r+b") as file:
            file.truncate(8192)
        with pytest.raises(SourceError, match=f"^{path} could not be read"), read_whole(str(path)):
            source.execute("SELECT sum(x) FROM t").fetchall()


@pytest.mark.parametrize(
    ("query", "kind"),
    [("SELECT CAST('Mrs Smith' AS INTEGER)", duckdb.ConversionException), ("SELECT no", duckdb.BinderException)],
)
def test_an_error_of_a_value_or_a_query_goes_on_as_it_is(query: str, kind: type[Exception]) -> None:
    with pytest.raises(kind), read_whole("customers.duckdb"):
        duckdb.sql(query).fetchall()


def test_what_is_no_engines_goes_on_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), read_whole(None):
        raise ZeroDivisionError
