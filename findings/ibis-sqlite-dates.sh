#!/usr/bin/env bash
# SQLite columns are declared DATE and TIMESTAMP. SQLite stores any value in any column. Ibis reads them.
# Guess: one rule for a column: one order of day and month, one unit for numbers, an error for a value that does not
# fit.
# Instead: Ibis guesses each cell on its own. In one column 03/04/2024 is 4 March and 13/04/2024 is 13 April. One number
# of seconds is 2024 in a DATE column and 1970 in a TIMESTAMP column, which takes it for microseconds. The year that a
# query computes is NULL for cells that Ibis returns as 2024, because there SQLite itself reads the cell.
# Seen with ibis-framework 12.0.0. The many formats came with github.com/ibis-project/ibis/pull/4507.
# Met: opening SQLite files of companies through Ibis.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet "ibis-framework[sqlite]==12.0.0" sqlglot==30.17.0 pandas==3.1.1 pyarrow==25.0.1
venv/bin/python - <<'EOF'
import sqlite3

import ibis

print("ibis", ibis.__version__, "sqlite", sqlite3.sqlite_version)
cells = ["2024-03-04", "03/04/2024", "13/04/2024", 1709510400]  # the last: 2024-03-04 in seconds
with sqlite3.connect("company.db") as file:
    file.execute("CREATE TABLE ends (ended_on DATE, ended_at TIMESTAMP)")
    file.executemany("INSERT INTO ends VALUES (?, ?)", [(cell, cell) for cell in cells])
ends = ibis.sqlite.connect("company.db").table("ends")
print("types:", dict(ends.schema()))
rows = ends.mutate(year=ends.ended_on.year()).to_pyarrow().to_pylist()
found = [(str(row["ended_on"]), str(row["ended_at"])[:10], row["year"]) for row in rows]
for cell, (day, time, year) in zip(cells, found):
    print(f"{cell!r}: as DATE {day}, as TIMESTAMP {time}, its year in a query {year}")
expected = [
    ("2024-03-04", "2024-03-04", 2024),
    ("2024-03-04", "2024-03-04", None),
    ("2024-04-13", "2024-04-13", None),
    ("2024-03-04", "1970-01-01", None),
]
raise SystemExit(0 if found == expected else "the behaviour has changed")
EOF
