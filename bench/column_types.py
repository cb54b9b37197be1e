"""Whether any command fails on a column of any type of DuckDB, PostgreSQL, SQLite or Parquet; ``make study``.

A small company has a column of every type in its customers and in their visits. `init`, `validate`, `train`, `score`
and `report` run on the customers alone and on their history, with the contract as it was proposed, and with one in
which every column is used. Prints how long each command took, and what went wrong.

    python -m bench.column_types [--engine postgres]
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from churn_mlops.cli import main
from churn_mlops.models.tracking import Tracking, reach
from tests.companies.every_type import TYPES, write_company
from tests.companies.type_journey import SETTINGS, journey
from tests.postgres import new_database, postgres_server


class _Printed(NamedTuple):
    code: int
    out: str
    err: str


def study(engine: str, record: Path) -> list[str]:
    """What went wrong on ``engine``; ``record`` is an empty MLflow database."""
    wrong = []
    with postgres_server() if engine == "postgres" else contextlib.nullcontext() as server:
        for form in ("flat", "history"):
            print(f"{engine}, {form}:")
            with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
                Path("mlflow").mkdir()
                shutil.copy(record, "mlflow/mlflow.db")
                address = write_company(engine, Path(folder), new_database(server) if server else None)
                try:
                    journey(_churn, engine, address, flat=form == "flat", thorough=True)
                except AssertionError as error:
                    wrong.append(f"{engine}, {form}: {error}")
    return wrong


def _churn(*arguments: Any) -> _Printed:
    """Runs the command in this process.

    Raises:
        AssertionError: it printed a traceback.
    """
    sys.argv, began = ["churn", *map(str, arguments)], time.process_time()
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    print(f"  {arguments[0]}: exit code {code}, {time.process_time() - began:.1f} s of CPU")
    assert "Traceback" not in err.getvalue(), err.getvalue()
    return _Printed(code, out.getvalue(), err.getvalue())


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.column_types", description=__doc__)
    parser.add_argument("--engine", choices=list(TYPES), help="one instead of all")
    engine = parser.parse_args().engine
    os.environ.update(COLUMNS="200", **SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        reach(Tracking(f"sqlite:///{folder}/mlflow.db", Path(folder), "churn", "churn"))
        wrong = [one for name in ([engine] if engine else TYPES) for one in study(name, Path(folder) / "mlflow.db")]
    print(*(wrong or ["Nothing went wrong."]), sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    _main()
