#!/usr/bin/env bash
# Ibis 12 is installed with a sqlglot and a DuckDB that its own requirements allow.
# Guess: it works, or the import fails.
# Instead: sqlglot 30.18 renamed an argument (Drop.this). It ignores unknown arguments, so Ibis sends "DROP VIEW"
# without a name. With DuckDB 2, list_tables() calls a method that is gone; after that, the connection refuses all other
# work with an error about an unfinished result. Creating and reading tables works as before.
# Seen with ibis-framework 12.0.0 (sqlglot>=23.4,!=26.32.0), sqlglot 30.18.0 and duckdb 2.0.0. The first is
# github.com/ibis-project/ibis/issues/12108.
# Met: locking the dependencies, and listing the tables of a DuckDB file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet "ibis-framework[duckdb]==12.0.0" duckdb==2.0.0 sqlglot==30.18.0 \
    pandas==3.1.1 pyarrow==25.0.1
venv/bin/python - <<'EOF'
from importlib.metadata import requires

import duckdb
import ibis
import sqlglot

print("ibis", ibis.__version__, "sqlglot", sqlglot.__version__, "duckdb", duckdb.__version__)
print("Ibis asks for", [one for one in requires("ibis-framework") if one.startswith(("sqlglot", "duckdb"))])
connection = ibis.duckdb.connect()
connection.raw_sql("CREATE TABLE plans AS SELECT 1 AS id")
connection.create_view("view_of_plans", connection.table("plans"))


def said(work) -> str:
    """The error of ``work``, in a line."""
    try:
        return f"no error: {work()}"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


found = [
    said(lambda: connection.drop_view("view_of_plans")),
    said(connection.list_tables),
    said(lambda: connection.table("plans").count().execute()),
]
for name, line in zip(["drop_view", "list_tables", "then a count"], found):
    print(f"{name}: {line[:150]}")
expected = ["ParserException", "AttributeError", "ResourceInUseException"]
raise SystemExit(0 if [line.split(":")[0] for line in found] == expected else "the behaviour has changed")
EOF
