#!/usr/bin/env bash
# A DataFrame has a column of Python Decimals (money). One of them is Decimal("NaN").
# Guess: the column stays DECIMAL with NULL for NaN, or it becomes DOUBLE, or the query fails.
# Instead: DuckDB reads the whole column as FLOAT (32 bits). 12345678.91 becomes 12345679.0, and so do all other rows
# lose digits. With None in place of NaN the column stays DECIMAL(10,2).
# Seen with duckdb 2.0.0 and pandas 3.1.1. No issue was found.
# Met: tables passed as DataFrames (drivers return the NaN of PostgreSQL's NUMERIC as Decimal("NaN")).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet duckdb==2.0.0 pandas==3.1.1
venv/bin/python - <<'EOF'
from decimal import Decimal

import duckdb
import pandas as pd

print("duckdb", duckdb.__version__, "pandas", pd.__version__)
found = []
for last in (Decimal("0.10"), None, Decimal("NaN")):
    charges = pd.DataFrame({"amount": [Decimal("12345678.91"), last]})
    kind, first = duckdb.sql("SELECT typeof(amount), amount::VARCHAR FROM charges").fetchall()[0]
    print(f"beside {last}: 12345678.91 is {first}, {kind}")
    found.append((kind, first))
exact = ("DECIMAL(10,2)", "12345678.91")
raise SystemExit(0 if found == [exact, exact, ("FLOAT", "12345679.0")] else "the behaviour has changed")
EOF
