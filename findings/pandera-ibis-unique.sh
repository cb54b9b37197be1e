#!/usr/bin/env bash
# A pandera schema of an Ibis table declares a key column as unique.
# Guess: a repeated key is reported. The same schema for a pandas DataFrame reports it.
# Instead: Column(unique=True) passes without a message. The schema checks uniqueness only if it is declared for the
# whole table: DataFrameSchema(unique=["id"]).
# Seen with pandera 0.35.0, ibis-framework 12.0.0 and duckdb 2.0.0. No issue was found; the check of the table came with
# github.com/unionai-oss/pandera/pull/2097.
# Met: considering pandera for validation inside the engine (docs/decisions/0002-validation-in-one-scan.md).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet pandera==0.35.0 "ibis-framework[duckdb]==12.0.0" duckdb==2.0.0 sqlglot==30.17.0 \
    pandas==3.1.1 pyarrow==25.0.1
venv/bin/python -W ignore - 2>errors.log <<'EOF' || { cat errors.log >&2; exit 1; }
from importlib.metadata import version

import ibis
import pandas as pd
import pandera.ibis
import pandera.pandas
from pandera.errors import SchemaError

print("pandera", version("pandera"), "ibis", ibis.__version__)
frame = pd.DataFrame({"id": [1, 2, 1]})
table = ibis.memtable(frame)


def passes(schema, data) -> bool:
    """Whether ``schema`` finds nothing wrong."""
    try:
        schema.validate(data)
    except SchemaError:
        return False
    return True


of_frame = pandera.pandas.DataFrameSchema({"id": pandera.pandas.Column(int, unique=True)})
of_column = pandera.ibis.DataFrameSchema({"id": pandera.ibis.Column(int, unique=True)})
of_table = pandera.ibis.DataFrameSchema({"id": pandera.ibis.Column(int)}, unique=["id"])
found = [passes(of_frame, frame), passes(of_column, table), passes(of_table, table)]
for name, passed in zip(["pandas, column", "Ibis, column", "Ibis, whole table"], found):
    print(f"{name} unique, and 1 is there twice: {'passes' if passed else 'refused'}")
raise SystemExit(0 if found == [False, True, False] else "the behaviour has changed")
EOF
