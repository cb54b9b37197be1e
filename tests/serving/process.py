"""A real ``churn serve`` on a small company: model, source, published list, keys and people, all there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from tests.companies.flat import demo_columns, write_demo
from tests.companies.models_folder import fill_folder
from tests.test_api import CUSTOMER

ROOT = Path(__file__).parents[2]
MAIN = "from churn_mlops.cli import main; main()"
PATIENT = {"CHURN__SERVING__SOURCE_SECONDS": "30", "CHURN__SERVING__REQUEST_SECONDS": "60"}
"""A machine that does much else is no unavailable source, and no server that is too slow."""


@dataclass(frozen=True)
class Served:
    """A company that can be served.

    Args:
        folder: the working directory of the server.
        store: the address of the store.
        key: of an admin.
        customers: names of some who are active.
    """

    folder: Path
    store: str
    key: str
    customers: tuple[str, ...]

    @contextmanager
    def process(self, log: Path, before: str = "", **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """The server and its address, until the block ends; all that it says goes into ``log``.

        Args:
            log: is overwritten.
            before: Python that is run first, such as what breaks something.
            settings: such as ``logging__level``.
        """
        environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CHURN__STORE__URL": self.store} | PATIENT
        environ |= {f"CHURN__{name.upper()}": value for name, value in settings.items()}
        with (
            log.open("w") as said,
            subprocess.Popen(
                [sys.executable, "-c", before + MAIN, "serve", "--port", "0"],
                env=environ, cwd=self.folder, stdout=subprocess.PIPE, stderr=said, text=True,
            ) as process,
        ):  # fmt: skip
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                found = re.match(r"Serving on (\S+) ", line)
                assert found, line + log.read_text()
                yield process, found[1]
                process.send_signal(signal.SIGINT)
                assert process.wait(15) == 0
                log.write_text(log.read_text() + line + process.stdout.read())
            finally:
                process.kill()


def company_to_serve(folder: Path, store: str) -> Served:
    """A model of the demo company's flat columns, its list of one day in the store, and an admin's key."""
    company = pd.DataFrame(demo_columns(1_500, seed=1))
    known = company[company["churned"] != ""]
    files = write_demo(folder, 200)
    contract = DataContract.load(files.contract)
    model = ChurnModel("logistic_regression", contract=contract, seed=1).fit(known[list(CUSTOMER)], known["churned"])
    fill_folder(folder / "models", model.bundle_, provenance={"rows": 200})
    config = {
        "source": {"url": str(files.customers)},
        "contract": {"path": str(files.contract)},
        "models": {"folder": str(folder / "models")},
        "store": {"url": store},
    }
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text(
        f"source: {{url: {files.customers}}}\ncontract: {{path: {files.contract}}}\n"
    )
    scored = run_day(Settings.model_validate(config)).scored
    with open_store(store) as opened:
        key, _ = make_key(opened, "fuzz", "admin", by="test")
    return Served(folder, store, key, tuple(scored.customers.column("customer_id").to_pylist()[:20]))
