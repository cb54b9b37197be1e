"""Memory and time from a large file to the list: `python -m bench.large_files` (part of ``make study``).

Three made-up exports with the same customers behind them: a CSV file of 1 M subscriptions, a workbook (XLSX) of
200,000, and a folder of JSON lines of 2 GB. `init` runs on each, and the commands that are named, every one in a
process of its own. Prints the bytes of the files, the seconds, and the most memory of each command, and writes
``bench/large_files.json``. It ends with 1 where `init` takes more than 1 GB.

    python -m bench.large_files [--kinds csv xlsx jsonl] [--share 1.0] [--commands train score]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from bench.daily import MEASURE

RESULTS = Path("bench/large_files.json")
MOST_MB = 1024
# Customers leave most of all when they are new, and in the fourth country. All follows from the row's place.
SUBSCRIPTIONS = """
    CREATE TABLE subscriptions AS
    WITH drawn AS (
        SELECT place, hash(place, 1) % 1460 AS age, (hash(place, 2) % 3)::INTEGER + 1 AS plan,
            (hash(place, 4) % 4)::INTEGER + 1 AS country, (hash(place, 3) % 999983 + 1) / 999984 AS share
        FROM range($rows) AS made(place)
    ), lived AS (
        SELECT *, $last - age::INTEGER AS began, (ln(share) ** 2 * 1200 / country)::INTEGER + 14 AS days FROM drawn
    )
    SELECT printf('S%08d', place) AS subscription_id, printf('C%08d', place) AS customer_id,
        ['basic', 'plus', 'team'][plan] AS plan, ['DE', 'FR', 'IE', 'PL'][country] AS country,
        [9.9, 19.9, 49.9][plan] AS monthly_price, began AS started_on,
        CASE WHEN began + days <= $last THEN began + days END AS ended_on
    FROM lived ORDER BY place
"""
# The events of customers lie between their start and their end.
EVENTS = """
    CREATE TABLE events AS
    SELECT printf('E%010d', made.place) AS event_id, customer_id,
        (started_on + (hash(made.place, 5) % (coalesce(ended_on, $last) - started_on + 1))::INTEGER)::TIMESTAMP
        + to_seconds((hash(made.place, 6) % 86400)::INTEGER) AS occurred_at,
        ['page', 'search', 'export', 'import', 'invite'][(hash(made.place, 7) % 5)::INTEGER + 1] AS action,
        (hash(made.place, 8) % 9000) / 10 AS seconds, hash(made.place, 9) % 400 AS items,
        'Mozilla/5.0 (X11; Linux x86_64) Version/' || (hash(made.place, 10) % 40) AS client
    FROM range($events) AS made(place)
    JOIN subscriptions ON customer_id = printf('C%08d', hash(made.place, 11) % $rows)
"""
LAST = date(2026, 6, 30)


def write_csv(connection: duckdb.DuckDBPyConnection, folder: Path, share: float) -> Path:
    """A table of subscriptions, 1 M rows."""
    connection.execute(SUBSCRIPTIONS, {"rows": int(1e6 * share), "last": LAST})
    connection.execute(f"COPY subscriptions TO '{folder}/subscriptions.csv'")
    return folder / "subscriptions.csv"


def write_xlsx(connection: duckdb.DuckDBPyConnection, folder: Path, share: float) -> Path:
    """A workbook of subscriptions, 200,000 rows; dates are dates there."""
    made = folder / "subscriptions.xlsx"
    connection.execute(SUBSCRIPTIONS, {"rows": int(2e5 * share), "last": LAST})
    rows = connection.table("subscriptions")
    with xlsxwriter.Workbook(made, {"constant_memory": True, "default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("Subscriptions")
        for place, row in enumerate([rows.columns, *rows.fetchall()]):
            sheet.write_row(place, 0, row)
    return made


def write_json_lines(connection: duckdb.DuckDBPyConnection, folder: Path, share: float) -> Path:
    """Customers with a start and an end, and 2 GB of their events, an object on a line."""
    made = folder / "export"
    made.mkdir()
    rows = {"rows": int(1e5 * share), "last": LAST}
    connection.execute(SUBSCRIPTIONS, rows)
    connection.execute(EVENTS, rows | {"events": int(1.06e7 * share)})
    connection.execute("ALTER TABLE subscriptions DROP subscription_id")
    connection.execute(f"COPY subscriptions TO '{made}/customers.jsonl' (FORMAT json)")
    connection.execute(f"COPY events TO '{made}/events.jsonl' (FORMAT json)")
    return made


KINDS: dict[str, Callable[[duckdb.DuckDBPyConnection, Path, float], Path]] = {
    "csv": write_csv,
    "xlsx": write_xlsx,
    "jsonl": write_json_lines,
}


def study(kind: str, share: float, commands: Sequence[str], folder: Path) -> dict[str, Any]:
    """The figures of a kind of file, in an empty ``folder``."""
    with duckdb.connect(folder / "made.duckdb") as connection:
        export = KINDS[kind](connection, folder, share)
    files = [export] if export.is_file() else sorted(export.iterdir())
    found: dict[str, Any] = {"bytes": sum(one.stat().st_size for one in files)}
    found["init"] = _churn(folder, "init", "--from", str(export))
    return found | {command: _churn(folder, command) for command in commands}


def _churn(folder: Path, *arguments: str) -> Any:
    """Seconds and most memory of a command that runs in ``folder``."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, ["src", "."]))}
    command = [sys.executable, "-c", "from churn_mlops.cli import main; main()", *arguments]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], check=True, cwd=folder, env=environ, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout)


def main() -> int:
    """Study each kind, print, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--commands", nargs="*", default=[], choices=["train", "score"], help="after init, in turn")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    found = {}
    for kind in asked.kinds:
        with tempfile.TemporaryDirectory() as folder:
            found[kind] = study(kind, asked.share, asked.commands, Path(folder))
        print(f"{kind}: {json.dumps(found[kind])}", flush=True)
    asked.out.write_text(json.dumps({"share": asked.share, "kinds": found}, indent=1) + "\n")
    return int(any(one["init"]["peak_mb"] > MOST_MB for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
