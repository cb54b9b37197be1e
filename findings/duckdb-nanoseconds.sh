#!/usr/bin/env bash
# A nanosecond time in Parquet, one nanosecond before midnight, is cast to TIMESTAMP or DATE.
# Guess: the digits that do not fit are cut, as DuckDB itself cuts them of a text. The day stays 30 November.
# Instead: the cast rounds to the nearest microsecond: 1 December. month() rounds likewise, while a comparison of
# the uncast column does not: the same row is before 1 December, and its month is 12.
# Seen with duckdb 2.0.0. DuckDB made casts to lower precision round on purpose (github.com/duckdb/duckdb/pull/12011).
# Met: a customer who ended on 30 November counted as active on 1 December (Parquet files written by pandas).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet duckdb==2.0.0 pyarrow==25.0.1
venv/bin/python - <<'EOF'
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

print("duckdb", duckdb.__version__)
last = 1_733_011_199_999_999_999  # 2024-11-30 23:59:59.999999999
pq.write_table(pa.table({"ended": pa.array([last], pa.timestamp("ns"))}), "ends.parquet")
query = """
    SELECT typeof(ended), CAST(ended AS TIMESTAMP)::VARCHAR, CAST(ended AS DATE)::VARCHAR, month(ended),
           ended < TIMESTAMP '2024-12-01', CAST('2024-11-30 23:59:59.999999999' AS TIMESTAMP)::VARCHAR
    FROM 'ends.parquet'
"""
found = duckdb.sql(query).fetchall()[0]
for name, value in zip(["type", "as TIMESTAMP", "as DATE", "month", "before December", "the same as text"], found):
    print(f"{name}: {value}")
expected = ("TIMESTAMP_NS", "2024-12-01 00:00:00", "2024-12-01", 12, True, "2024-11-30 23:59:59.999999")
raise SystemExit(0 if found == expected else "the behaviour has changed")
EOF
