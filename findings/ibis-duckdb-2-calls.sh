#!/usr/bin/env bash
# A table of DuckDB is read through Ibis; then its name is listed, and the same rows are asked for by a statement.
# Guess: where one of the three works, all do: they are the everyday calls of one backend, and pip finds no conflict.
# Instead: the rows arrive, but list_tables and sql end in an AttributeError, since they call fetch_arrow_table, a method that
# DuckDB 2 no longer has. The versions that may stand together in one environment are not those that work together.
# Seen with ibis-framework 12.0.0 and duckdb 2.0.0.
# Met: listing the tables of a source; `churn init` asks the information schema instead.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet 'ibis-framework[duckdb]==12.0.0' duckdb==2.0.0 'sqlglot<30.18'
venv/bin/python -m pip check
venv/bin/python -W ignore - <<'EOF'
import duckdb
import ibis

print("ibis", ibis.__version__, "duckdb", duckdb.__version__)
connection = ibis.duckdb.connect()
connection.raw_sql("CREATE TABLE customers AS SELECT 1 AS id")
print("rows by table():", connection.table("customers").to_pyarrow().num_rows)


def asked(call):
    try:
        call()
    except AttributeError as error:
        return str(error).partition(". ")[0]
    return "works"


found = {
    "list_tables()": asked(connection.list_tables),
    "sql()": asked(lambda: connection.sql("SELECT * FROM customers")),
}
for call, said in found.items():
    print(f"{call}: {said}")
missing = [said for said in found.values() if "fetch_arrow_table" in said]
raise SystemExit(0 if len(missing) == 2 else "the behaviour has changed")
EOF
