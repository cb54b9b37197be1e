"""The daily run from end to end, as commands: a demo company is scored, published and, of a past date, matured.

    python -m bench.daily [--customers N ...] [--months 8] [--store sqlite|postgres|both] [--spark] [--folder FOLDER]

The model is trained on a smaller company of the same kind. Prints a line of JSON for each size and store: seconds, and
peak memory, of `churn score` and of `churn mature`, each a process of its own. With `--spark` the tables are Parquet
files that Spark reads on this machine, and peak memory is that of Python alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from bench.company import settings_for, stores
from churn_mlops.data.demo_company import write_company
from churn_mlops.pipelines.training.train import train

TRAINED_ON = 10_000
BEFORE_THE_END = 60
"""Days, so that what became of the customers is known."""


# In a small process of its own: a child's peak memory counts that of the process which it is forked from.
MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
seconds = round(time.perf_counter() - start, 1)
print(json.dumps({"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024}))
"""


def measured(config: Path, *arguments: str) -> Any:
    """Seconds and peak memory of a command of `churn`."""
    command = [str(Path(sys.executable).with_name("churn")), "--config", str(config), *arguments]
    done = subprocess.run([sys.executable, "-c", MEASURE, *command], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def spark_source(database: Path, folder: Path) -> dict[str, str]:
    """The same tables as Parquet files, read by Spark on two cores."""
    folder.mkdir(exist_ok=True)
    with duckdb.connect(str(database), read_only=True) as connection:
        for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
            connection.execute(f"COPY {name} TO '{folder / name}.parquet'")
    return {"url": f"spark://local[2]{folder.resolve()}?spark.driver.memory=6g"}


def days_of(
    customers: int, months: int, folder: Path, model: Path, kinds: list[str], *, spark: bool
) -> Iterator[dict[str, Any]]:
    """The figures of a company of so many customers, for each kind of store."""
    start = time.perf_counter()
    files = write_company(folder, customers, months, 2)
    made = round(time.perf_counter() - start, 1)
    source = spark_source(files.database, folder / "tables") if spark else {"url": str(files.database)}
    day = max(pq.read_table(files.truth, columns=["as_of"]).column("as_of").to_pylist()) - timedelta(BEFORE_THE_END)
    for kind in kinds:
        with stores(kind) as store:
            settings = {
                "source": source,
                "scoring": {"output": str(folder / "scores")} if spark else {},
                "contract": {"path": str(files.contract)},
                "models": {"folder": str(model / "models")},
                "mlflow": {"uri": f"sqlite:///{model / 'mlflow.db'}", "artifacts": str(model / "artifacts")},
                "store": {"url": store},
            }
            config = folder / f"{kind}.yaml"
            config.write_text(json.dumps(settings), encoding="utf-8")
            found = {name: measured(config, *given) for name, given in _commands(day).items()}
        yield {"customers": customers, "store": kind, "company_seconds": made, "as_of": day.isoformat()} | found


def _commands(day: date) -> dict[str, tuple[str, ...]]:
    return {"score": ("score", "--as-of", day.isoformat()), "mature": ("mature",)}


def main() -> None:
    """Train once, then measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--months", type=int, default=8)
    parser.add_argument("--store", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="daily-"))
    model = folder / "model"
    if not (model / "models").exists():
        files = write_company(model, TRAINED_ON, 12, 1)
        train(
            settings_for(model, files, f"sqlite:///{model}/churn.db", "additive_boosting", date.today()),
            force="measured for speed",
        )
    kinds = ["sqlite", "postgres"] if given.store == "both" else [given.store]
    for customers in given.customers:
        for line in days_of(customers, given.months, folder / str(customers), model, kinds, spark=given.spark):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
