"""Real server processes for tests."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from alembic.script import ScriptDirectory

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.store.database.migrate import MIGRATIONS
from churn_mlops.store.database.schema import HEAD
from tests.companies.flat import demo_columns, write_demo
from tests.companies.models_folder import fill_folder
from tests.test_api import CUSTOMER

ROOT = Path(__file__).parents[2]
CHURN = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]
ADMIN_KEY = "churn_" + "5a" * 32


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with a model that is live."""
    folder = tmp_path_factory.mktemp("replicas")
    fill(folder)
    return folder


def fill(folder: Path) -> None:
    """Put a model that is live, and the file of an admin key, into ``folder``."""
    company = pd.DataFrame(demo_columns(1_500, seed=1))
    known = company[company["churned"] != ""]
    contract = DataContract.load(write_demo(folder, 10).contract)
    model = ChurnModel("logistic_regression", contract=contract, seed=1).fit(known[list(CUSTOMER)], known["churned"])
    fill_folder(folder / "models", model.bundle_)
    (folder / "admin.key").write_text(f"{ADMIN_KEY}\n")


def program_before(place: Path) -> Path:
    """The program as it was before the newest migration, which it does not know."""
    newest, before = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())[:2]
    shutil.copytree(ROOT / "src", place, ignore=shutil.ignore_patterns("__pycache__"))
    database = place / "churn_mlops/store/database"
    (database / "migrations/versions" / Path(str(newest.module.__file__)).name).unlink()
    schema = database / "schema.py"
    code = schema.read_text(encoding="utf-8")
    assert code.count(f'HEAD = "{HEAD}"') == 1
    schema.write_text(code.replace(f'HEAD = "{HEAD}"', f'HEAD = "{before.revision}"'), encoding="utf-8")
    return place


@contextmanager
def replica(folder: Path, log: Path, program: Path = ROOT / "src", **settings: str) -> Iterator[int]:
    """The port of a server on all addresses, until the block ends.

    Args:
        folder: its working directory.
        log: for what it says.
        program: the folder of the package.
        settings: such as ``store__url``.
    """
    environ = os.environ | {"PYTHONPATH": str(program)}
    environ |= {f"CHURN__{name.upper()}": value for name, value in settings.items()}
    command = [*CHURN, "serve", "--host", "0.0.0.0", "--port", "0"]
    with (
        log.open("w") as said,
        subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+) ", process.stdout.readline())
            assert found, log.read_text()
            yield int(found[1])
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0
        finally:
            process.kill()


def ask(
    port: int,
    key: str | None,
    method: str = "POST",
    path: str = "/predict",
    body: Any = CUSTOMER,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """The status and the content of an answer; a key goes along where one is given."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    sent = dict(headers or {}) | ({} if key is None else {"Authorization": f"Bearer {key}"})
    connection.request(method, path, json.dumps(body) if method == "POST" else None, sent)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, json.loads(content)
