#!/usr/bin/env bash
# A DataFrame has a column of Python Decimals (money), and one of them is Decimal("NaN").
# Guess: the column stays DECIMAL with NULL for NaN, or becomes DOUBLE, or fails.
# Instead: DuckDB takes the whole column as FLOAT, 32 bits: 12345678.91 becomes 12345679.0 in every other row too.
# With None in place of NaN it stays DECIMAL(10,2).
# Seen with duckdb 2.0.0, pandas 3.1.1; no issue of the project was found that names it.
# Met: tables handed over as DataFrames (PostgreSQL's NUMERIC has NaN, which drivers give as Decimal("NaN")).
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
