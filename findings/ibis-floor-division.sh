#!/usr/bin/env bash
# Whole numbers are divided with // in Ibis.
# Guess: the engine divides whole numbers exactly for every int64, and x // 1 is x.
# Instead: the SQL divides as floating point and takes the floor, so the result can be wrong from 2 ** 53 on. On DuckDB
# and SQLite, 9007199254740993 // 1 is 9007199254740992. The type of the result is int64, and there is no warning.
# Seen with ibis-framework 12.0.0 and duckdb 2.0.0. No issue was found; true division on SQLite also lost digits before
# github.com/ibis-project/ibis/pull/11759.
# Met: reading the SQL that Ibis writes for floor(), which also makes an int64 (`is_whole` in `data`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet "ibis-framework[duckdb,sqlite]==12.0.0" duckdb==2.0.0 sqlglot==30.17.0 \
    pandas==3.1.1 pyarrow==25.0.1
venv/bin/python - <<'EOF'
import sqlite3

import duckdb
import ibis

print("ibis", ibis.__version__, "duckdb", duckdb.__version__)
ID = 2**53 + 1
for connect, file in ((duckdb.connect, "a.duckdb"), (sqlite3.connect, "a.sqlite")):
    made = connect(file)
    made.execute(f"CREATE TABLE customers AS SELECT CAST({ID} AS BIGINT) AS id")
    made.close()
found = []
for connection in (ibis.duckdb.connect("a.duckdb"), ibis.sqlite.connect("a.sqlite")):
    identity = connection.table("customers").id // 1
    found.append(identity.to_pyarrow().to_pylist()[0])
    print(f"{connection.name}: {ID} // 1 = {found[-1]} ({identity.type()})")
    print("   ", " ".join(str(ibis.to_sql(identity)).split()))
raise SystemExit(0 if found == [ID - 1, ID - 1] else "the behaviour has changed")
EOF
