"""Customers and visits with a column of every type of their engine: every command takes them, used or not.

Two of the ways; ``python -m bench.column_types`` tries each engine, flat and with its history.
"""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.cli.conftest import Churn
from tests.companies.every_type import write_company
from tests.companies.type_journey import SETTINGS, journey

SHORT = [("duckdb", "flat"), ("postgres", "history")]


# A command leaves its connections to the end of its process; here they end with the test.
@pytest.mark.filterwarnings("ignore:.*was deleted while still open:ResourceWarning")
@pytest.mark.parametrize(("engine", "form"), SHORT)
def test_no_command_fails_on_a_column_of_any_type(
    churn: Churn, record: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, engine: str, form: str
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    Path("mlflow").mkdir()
    Path("mlflow/mlflow.db").write_bytes(record.read_bytes())
    server = request.getfixturevalue("postgres") if engine == "postgres" else None
    address = write_company(engine, Path.cwd(), server)
    journey(churn, engine, address, flat=form == "flat", thorough=False)
    gc.collect()
