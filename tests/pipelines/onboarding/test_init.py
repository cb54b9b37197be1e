"""Starting from an address that holds a password: no other person can read it."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import duckdb
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_mlops.config.settings import Source
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.sources.open import open_table
from churn_mlops.errors import ConfigError, ContractError
from churn_mlops.pipelines.onboarding import init
from tests.companies.small import Company


@pytest.mark.parametrize(
    ("address", "table", "name"),
    [
        ("postgres://u:secret@db", "people", "people"),
        ("postgres://u:secret@db/shop", None, "shop"),
        ("postgres://u:secret@db", None, "customers"),
        ("postgres://u:se/secret@db", None, "customers"),
    ],
)
def test_a_password_goes_into_the_settings_alone_which_only_their_owner_reads(
    untrained: Company, monkeypatch: pytest.MonkeyPatch, address: str, table: str | None, name: str
) -> None:
    file = str(untrained.folder / "customers.csv")
    monkeypatch.setattr(init, "open_table", lambda *_: open_table(file))
    monkeypatch.setattr(init, "open_every_table", lambda _: {"people": open_table(file)})
    settings = untrained.with_settings("source", url=None).settings
    config = untrained.folder / "config" / "config.yaml"
    request = init.InitRequest(address, table, customer="customer_id", label="churned", positive="yes")
    assert init.initialize(request, settings.contract.path, settings.source, config).advice is None
    assert config.stat().st_mode & 0o777 == 0o600
    assert address in config.read_text()
    assert DataContract.load(settings.contract.path).name == name
    assert "secret" not in Path(settings.contract.path).read_text()
    other = untrained.with_settings("source", url="another.csv").settings.source
    advice = init.initialize(request, settings.contract.path, other, config).advice
    assert advice is not None
    assert "secret" not in advice


def test_a_partition_is_reported_as_read_with_its_table(
    untrained: Company, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    people = ", ".join(f"({row}, '2024-01-{1 + row % 28:02}')" for row in range(40))
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE customers (customer_id integer PRIMARY KEY, signed_up date)")
        connection.execute(f"INSERT INTO customers VALUES {people}")
        connection.execute("CREATE TABLE visits (customer_id integer, seen date) PARTITION BY RANGE (seen)")
        connection.execute("CREATE TABLE visits_2024 PARTITION OF visits DEFAULT")
        connection.execute("INSERT INTO visits SELECT customer_id, date '2024-05-01' + customer_id FROM customers")
    monkeypatch.chdir(untrained.folder)
    settings = untrained.settings
    path = untrained.folder / "new.yaml"
    found = init.initialize(init.InitRequest(postgres), path, settings.source, None).proposal
    assert [one.message for one in found.findings if one.column == "visits_2024"] == [
        "is a part of visits, which is read with all its parts; left out"
    ]
    contract = HistoryContract.load(path)
    assert set(contract.tables) == {"customers", "visits"}


def test_old_timestamps_of_parquet_without_a_time_zone_are_asked_about(
    untrained: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = untrained.folder / "shop"
    shop.mkdir()
    days = [datetime(2024, 1, 1 + row % 28) for row in range(40)]
    for name, column in (("customers", "signed_up"), ("visits", "seen")):
        table = pa.table({"customer_id": list(range(40)), column: days})
        old = name == "visits"
        pq.write_table(table, shop / f"{name}.parquet", use_deprecated_int96_timestamps=old, store_schema=not old)
    monkeypatch.chdir(untrained.folder)
    request = init.InitRequest(str(shop))
    found = init.initialize(request, untrained.folder / "new.yaml", untrained.settings.source, None).proposal
    (asked,) = [one for one in found.findings if one.kind == "time_zone_unknown"]
    assert asked.column == "visits.seen"
    assert "they are read as local time" in asked.message


def test_days_of_inactivity_of_a_table_without_dates_are_refused_with_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "seasons.csv"
    path.write_text("player,year,games\n" + "".join(f"p{row // 3},{2020 + row % 3},{row}\n" for row in range(90)))
    request = init.InitRequest(str(path), customer="player", inactive_days=365)
    with pytest.raises(ConfigError, match="no column holds dates that differ between the rows of one 'player'"):
        init.initialize(request, tmp_path / "contract.yaml", Source(), tmp_path / "config.yaml")


def test_parts_of_one_table_are_refused_with_the_statement_that_joins_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"c{place:03}" for place in range(200)]
    parts = {
        "account": pd.DataFrame({"customer_id": names, "plan": ["a", "b"] * 100}),
        "usage": pd.DataFrame({"customer_id": names[::-1], "calls": [place % 9 for place in range(200)]}),
        "status": pd.DataFrame({"customer_id": names, "churned": ["yes", "no", "no", "no"] * 50}),
    }
    Path("Anna's parts").mkdir()
    for name, frame in parts.items():
        frame.to_csv(f"Anna's parts/{name}.csv", index=False)
    with pytest.raises(ContractError, match=r"account, status, usage: each has one row for each customer") as refused:
        init.initialize(init.InitRequest("Anna's parts"), Path("contract.yaml"), Source(), None)
    statement = re.search(r"COPY .*'customers.parquet'", str(refused.value))
    assert statement is not None
    duckdb.sql(statement[0])
    request = init.InitRequest("customers.parquet", customer="customer_id", label="churned")
    init.initialize(request, Path("contract.yaml"), Source(), None)
    contract = DataContract.load("contract.yaml")
    assert {"plan", "calls"} <= set(contract.features)


def test_parts_of_one_table_in_a_database_are_refused_with_a_view(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "company.duckdb")) as connection:
        for table, column in (("accounts", "plan"), ("usage", "calls")):
            rows = f"SELECT 'c' || range AS account_id, range % 7 AS {column} FROM range(99)"
            connection.execute(f"CREATE TABLE {table} AS {rows}")
    request = init.InitRequest(str(tmp_path / "company.duckdb"))
    with pytest.raises(ContractError, match="Make a view of them: SELECT"):
        init.initialize(request, tmp_path / "contract.yaml", Source(), tmp_path / "config.yaml")
