#!/usr/bin/env bash
# A Parquet file holds a time in nanoseconds, one nanosecond before midnight. A query casts it to TIMESTAMP or DATE.
# Guess: the cast cuts the extra digits, as DuckDB cuts them in a text. The day stays 30 November.
# Instead: the cast rounds to the nearest microsecond, so the day is 1 December. month() rounds in the same way, but a
# comparison of the uncast column does not: the same row is before 1 December and has month 12.
# Seen with duckdb 2.0.0. Casts to a lower precision round on purpose since 2024 (github.com/duckdb/duckdb/pull/12011).
# Met: Parquet files written by pandas; a customer who left on 30 November still counted as active on 1 December.
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
