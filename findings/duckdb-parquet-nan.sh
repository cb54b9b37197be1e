#!/usr/bin/env bash
# A Parquet file holds numbers, one of which is NaN. A query asks which rows are NaN, and sums the others.
# Guess: isnan() finds the row, and the sum of the others is 3.5.
# Instead: isnan() is false in every row, NULLIF(a, 'NaN') keeps NaN, and a sum without NaN is NaN. The statistics of the
# file leave NaN out, as the format asks for, and the engine concludes from them that no row is NaN. The same rows in a
# table of the engine give the right answers.
# Seen with duckdb 2.0.0. No public issue was found.
# Met: a column of measurements with gaps, written by pandas; validation called NaN an infinite number.
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
pq.write_table(pa.table({"a": [1.5, float("nan"), 2.0]}), "numbers.parquet")
duckdb.sql("CREATE TABLE numbers AS FROM 'numbers.parquet'")
query = """
    SELECT COUNT(*) FILTER (isnan(a)), COUNT(NULLIF(a, 'NaN'::DOUBLE)),
           SUM(CASE WHEN isnan(a) THEN NULL ELSE a END)::VARCHAR
    FROM {}
"""
file, table = (duckdb.sql(query.format(source)).fetchall()[0] for source in ("'numbers.parquet'", "numbers"))
for name, of_file, of_table in zip(["rows of NaN", "rows without", "their sum"], file, table):
    print(f"{name}: {of_file} in the file, {of_table} in a table")
expected = ((0, 3, "nan"), (1, 2, "3.5"))
raise SystemExit(0 if (file, table) == expected else "the behaviour has changed")
EOF
