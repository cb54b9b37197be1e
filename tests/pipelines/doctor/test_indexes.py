"""``churn doctor`` names the indexes that a database lacks, and the statements it gives make them."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import psycopg
import pytest

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.snapshot import missing_indexes
from churn_mlops.data.snapshot.one_customer import prepare_snapshot
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.indexes import indexes_found

ROWS = 12_000
TABLES = f"""
CREATE TABLE people (id {{key}}, since date);
INSERT INTO people SELECT i, DATE '2024-01-01' FROM generate_series(1, {ROWS}) AS s(i);
CREATE TABLE accounts (id integer, owner {{key}}, since date);
INSERT INTO accounts SELECT i, i, DATE '2024-01-01' FROM generate_series(1, {ROWS}) AS s(i);
CREATE TABLE visits (account integer, seen date);
INSERT INTO visits SELECT i, DATE '2024-02-01' FROM generate_series(1, {ROWS}) AS s(i);
"""
CONTRACT = """
version: 1
name: visits
customer: id
tables:
  people: {start: since}
  accounts: {valid_from: since, customer: owner}
  visits: {event_time: seen, through: {table: accounts, column: account, key: id}}
features:
  visits: {count: visits}
"""


def settings_of(folder: Path, address: str, contract: str = CONTRACT) -> Settings:
    (folder / "contract.yaml").write_text(contract, encoding="utf-8")
    return Settings.model_validate({"source": {"url": address}, "contract": {"path": folder / "contract.yaml"}})


def statement_of(finding: Finding) -> str:
    found = re.search(r"run (CREATE INDEX .*); then ANALYZE", finding.advice)
    assert found is not None, finding
    return found[1]


@pytest.mark.parametrize("key", ["text", "integer", "uuid", "char(9)"])
def test_the_statements_of_postgres_make_the_indexes_that_the_look_up_uses(
    key: str, postgres: str, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path, postgres)
    with psycopg.connect(postgres) as connection:
        made = TABLES.format(key=key)
        if key == "uuid":
            made = made.replace("SELECT i,", "SELECT md5(i::text)::uuid,", 1).replace("i, i", "i, md5(i::text)::uuid")
        connection.execute(made)  # type: ignore[arg-type]
        connection.execute("ANALYZE")
    found = list(indexes_found(settings))
    assert [finding.check for finding in found] == ["index of people", "index of accounts", "index of visits"]
    assert "people has no index on id, so all its 12,000 rows are read" in found[0].found
    with psycopg.connect(postgres) as connection:
        for finding in found:
            statement = statement_of(finding)
            assert statement.isascii()
            assert statement.isprintable()
            connection.execute(statement)  # type: ignore[arg-type]
    assert list(indexes_found(settings)) == []
    assert "Seq Scan" not in _plan(settings, postgres)


def _plan(settings: Settings, address: str) -> str:
    """How PostgreSQL looks up any customer, where it avoids to read whole tables."""
    contract = load_contract(settings.contract.path)
    assert isinstance(contract, HistoryContract)
    tables = open_tables(address, contract)
    statement = prepare_snapshot(tables, contract).statement
    tables["people"].get_backend().disconnect()
    values = {"day": "DATE '2024-03-01'", "customer": "'7'" if "TEXT" in statement.sql else "7"}
    given = ", ".join(values.get(name, "TIMESTAMP '2024-03-01'") for name in statement.names)
    with psycopg.connect(address) as connection:
        connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE one AS {statement.sql}")  # type: ignore[arg-type]
        return str(connection.execute(f"EXPLAIN EXECUTE one ({given})").fetchall())  # type: ignore[arg-type]


def test_small_tables_need_no_index_and_a_view_cannot_have_one(postgres: str, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, postgres)
    with psycopg.connect(postgres) as connection:
        connection.execute(TABLES.format(key="text"))  # type: ignore[arg-type]
        connection.execute("ALTER TABLE people RENAME TO held; DELETE FROM accounts WHERE id > 100")
        connection.execute("CREATE VIEW people AS SELECT * FROM held; CREATE INDEX ON visits (account)")
        connection.execute("ANALYZE")
    (finding,) = indexes_found(settings)
    assert finding.check == "index of people"
    assert "it is a view" in finding.advice


def test_of_a_flat_table_the_column_of_customers_needs_one(postgres: str, tmp_path: Path) -> None:
    contract = "version: 1\nname: flat\ncustomer: id\nfeatures:\n  days: {type: number}\n"
    settings = settings_of(tmp_path, postgres, contract)
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE people AS SELECT i AS id, i AS days FROM generate_series(1, 12000) AS s(i)")
        connection.execute("ANALYZE")
    (finding,) = indexes_found(settings)
    assert statement_of(finding) == 'CREATE INDEX ON "people" ("id")'
    with psycopg.connect(postgres) as connection:
        connection.execute("ALTER TABLE people ADD PRIMARY KEY (id)")
    assert list(indexes_found(settings)) == []


def test_a_large_table_of_a_duckdb_file_needs_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "company.duckdb"
    settings = settings_of(tmp_path, str(file))
    with duckdb.connect(str(file)) as connection:
        connection.execute(TABLES.format(key="text"))
    assert list(indexes_found(settings)) == []
    monkeypatch.setitem(missing_indexes.MANY_ROWS, "duckdb", 10_000)
    found = list(indexes_found(settings))
    assert [finding.check for finding in found] == ["index of people", "index of accounts"]  # visits are linked
    with duckdb.connect(str(file)) as connection:
        for finding in found:
            connection.execute(statement_of(finding))
    assert list(indexes_found(settings)) == []


def test_files_need_none_and_what_cannot_be_read_is_no_finding_of_this_check(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, str(tmp_path / "nothing.duckdb"))
    assert list(indexes_found(settings)) == []
    (tmp_path / "people.csv").write_text("id,since\n1,2024-01-01\n", encoding="utf-8")
    assert list(indexes_found(settings_of(tmp_path, str(tmp_path / "people.csv")))) == []
