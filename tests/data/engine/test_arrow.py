"""Rows of DuckDB come as Ibis gives them, types included, without pandas in the process."""

from __future__ import annotations

import subprocess
import sys

import ibis

from churn_mlops.data.engine.arrow import as_arrow

ALL = """
    SELECT 1::INTEGER AS a, 2.5::DOUBLE AS b, 'x' AS c, DATE '2026-01-02' AS d, TIMESTAMP '2026-01-02 03:04:05' AS e,
        TIMESTAMPTZ '2026-01-02 03:04:05+00' AS f, 1.25::DECIMAL(9, 2) AS g, TRUE AS h, [1, 2] AS i, NULL::BIGINT AS j,
        'y'::ENUM ('x', 'y') AS k, 7::UTINYINT AS l, NULL AS m
"""
ALONE = """
import sys
import ibis
from churn_mlops.data.engine.arrow import as_arrow

connection = ibis.duckdb.connect()
connection.raw_sql("CREATE TABLE t AS SELECT 1 AS a")
assert as_arrow(connection.table("t")).to_pylist() == [{"a": 1}]
assert "pandas" not in sys.modules
"""


def test_values_and_types_are_those_of_ibis() -> None:
    connection = ibis.duckdb.connect()
    connection.raw_sql(f"CREATE VIEW everything AS {ALL}")
    rows = connection.table("everything")
    for some in (rows, rows.drop("m"), rows.filter(rows.a > 1), rows.aggregate(n=rows.count(), least=rows.g.min())):
        assert as_arrow(some).equals(some.to_pyarrow(), check_metadata=True)


def test_a_server_that_reads_a_source_has_no_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
