#!/usr/bin/env bash
# Queries cast texts with "PM", or with a year of two digits, to TIMESTAMP and DATE.
# Guess: the cast fails, and TRY_CAST gives NULL. strptime is there for such texts.
# Instead: ten in the evening becomes ten in the morning, a quarter past midnight becomes a quarter past noon, and
# 05/06/24 becomes a day of the year 5 (0005-06-24). read_csv finds a third date in the same text: 24 June 2005.
# Seen with duckdb 2.0.0. An issue reports trailing text in a cast to DATE (github.com/duckdb/duckdb/issues/23938).
# Met: reading times in many formats; TRY_CAST gave no NULL for what it could not read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet duckdb==2.0.0
venv/bin/python - <<'EOF'
import duckdb

print("duckdb", duckdb.__version__)
expected = {
    ("2024-01-05 10:00 PM", "TIMESTAMP"): "2024-01-05 10:00:00",
    ("2024-01-05 12:15 AM", "TIMESTAMP"): "2024-01-05 12:15:00",
    ("05/06/24", "DATE"): "0005-06-24",
}
found = {}
for text, kind in expected:
    found[text, kind] = duckdb.sql(f"SELECT CAST('{text}' AS {kind})::VARCHAR").fetchall()[0][0]
    print(f"{text} as {kind}: {found[text, kind]}")
with open("typed.csv", "w") as file:
    file.write("id,day\n1,05/06/24\n2,06/07/24\n")
detected = duckdb.sql("SELECT day FROM read_csv('typed.csv') ORDER BY id").fetchall()[0][0]
print(f"05/06/24 by read_csv: {detected}")
raise SystemExit(0 if found == expected and str(detected) == "2005-06-24" else "the behaviour has changed")
EOF
