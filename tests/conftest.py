"""Fixtures that tests of several rooms share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import psycopg
import pytest

from churn_mlops.models import MODEL_TYPES, ChurnModel
from tests.companies.customers import CONTRACT, customers, left
from tests.made_once import made_once, object_made_once

if TYPE_CHECKING:
    from tests.companies.small import Company

ROWS = 3000
# A process of tests holds millions of small objects for good: looking for garbage among them as often as usual takes a
# tenth of its time.
gc.set_threshold(100_000, 50, 100)
LONGEST = (
    "serving/resilience/test_outages.py",
    "pipelines/scoring/test_spark.py",
    "test_docs.py",
    "test_erasure.py",
    "pipelines/test_history.py",
    "pipelines/training/test_train.py",
    "pipelines/training/test_public_histories.py",
    "test_notebook.py",
    "infra/test_watch.py",  # not beside the outages, which need an idle machine
)
"""Files that take longest. They come first, so that at the end no process waits for another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    longest = [Path(__file__).parent / name for name in LONGEST]
    places = {path: place for place, path in enumerate(longest)}
    items.sort(key=lambda item: places.get(item.path, len(longest)))


# The fixtures of the company import what they need when they are used: MLflow takes seconds, and most tests do without.


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of the public data sets."""
    folder = Path(os.environ.get("CHURN_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not (folder / "telco" / "telco.csv").exists():
        pytest.skip(f"the public data is not in {folder}; set CHURN_DATA")
    return folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a real PostgreSQL; one server for each process of tests."""
    from tests.postgres import postgres_server

    with postgres_server() as address:
        # Tests want it fast, above all at its end; what a crash of the machine leaves is not tested here.
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        yield address


@pytest.fixture
def postgres(postgres_server: str) -> str:
    """Address of an empty PostgreSQL database."""
    from tests.postgres import new_database

    return new_database(postgres_server)


@pytest.fixture
def postgres_store(postgres_server: str) -> str:
    """Address of a PostgreSQL store without rows."""
    from tests.postgres import new_store

    return new_store(postgres_server)


@pytest.fixture(scope="session")
def raw() -> pd.DataFrame:
    """Raw customers that models of the tests are fitted on."""
    return customers(ROWS)


@pytest.fixture(scope="session", params=[name for name in MODEL_TYPES if name != "auto"])
def model(request: pytest.FixtureRequest, raw: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> ChurnModel:
    """A fitted model of each type."""
    return object_made_once(
        tmp_path_factory,
        f"model-{request.param}",
        lambda _: ChurnModel(request.param, contract=CONTRACT, seed=1).fit(raw, left(raw)),
    )


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty MLflow database, to be copied: making one takes seconds."""
    from churn_mlops.models.tracking import Tracking, reach

    def make(folder: Path) -> None:
        reach(Tracking(f"sqlite:///{folder / 'mlflow.db'}", folder, "churn", "churn"))

    return made_once(tmp_path_factory, "record", make) / "mlflow.db"


@pytest.fixture(scope="session")
def small_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small company with a history, as database and contract: to be copied."""
    from tests.companies.history import write_small_company

    return made_once(tmp_path_factory, "history", write_small_company)


@pytest.fixture
def untrained(tmp_path: Path, record: Path) -> Company:
    """A small company that has no model yet."""
    from tests.companies.small import new_company

    return new_company(tmp_path / "company", record)


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory, record: Path) -> Company:
    """A small company with a live model, shared: not to be changed."""
    from tests.companies.small import trained_company

    return object_made_once(tmp_path_factory, "company", lambda folder: trained_company(folder, record))


@pytest.fixture
def own_company(company: Company, tmp_path: Path) -> Company:
    """A small company with a live model, to be changed."""
    from tests.companies.small import copy_of

    return copy_of(company, tmp_path / "company")
