"""The renewal of one customer is read as of the date, from the same expression as their features."""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from churn_mlops.config import Settings
from churn_mlops.data.contract import RENEWAL, HistoryContract
from churn_mlops.errors import ContractError
from churn_mlops.pipelines.scoring.single_customer import CustomerReader
from tests.pipelines.scoring.test_kept_source import LONG_AGO, bundle_of

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CONTRACT: dict[str, Any] = {
    "name": "plans",
    "customer": "id",
    "renewal": "plans.period_end",
    "tables": {
        "people": {"start": "since", "end": "gone", "end_known_at": "gone_known"},
        "plans": {"valid_from": "since", "known_at": "loaded"},
        "visits": {"event_time": "seen"},
    },
    "features": {"visits": {"count": "visits"}, "days": {"age_of": "people.start", "unit": "days"}},
    "label": {"event": "people.end"},
}
ROWS = """
CREATE TABLE people (id text, since date, gone date, gone_known date, renews date);
INSERT INTO people VALUES ('a', '2024-01-01', NULL, NULL, '2024-07-01'), ('b', '2024-01-01', NULL, NULL, NULL),
    ('c', '2024-01-01', NULL, NULL, NULL), ('d', '2024-01-01', NULL, NULL, NULL), ('e', '2024-01-01', NULL, NULL, NULL);
CREATE TABLE plans (id text, since date, loaded date, period_end timestamp);
INSERT INTO plans VALUES
    ('a', '2024-01-01', '2024-01-01', '2024-02-01'),
    ('a', '2024-02-01', '2024-02-02', '2024-03-14 23:30'),
    ('a', '2024-02-20', '2024-03-09', '2024-12-12'), -- recorded after the as-of date: not known yet
    ('b', '2024-02-01', '2024-02-01', NULL),
    ('c', '2024-02-01', '2024-02-01', '2024-02-29'), -- over
    ('d', '2024-02-01', '2024-02-01', '9999-12-31'); -- stands for none
CREATE TABLE visits (id text, seen timestamp);
INSERT INTO visits VALUES ('a', '2024-03-01 10:00'), ('b', '2024-02-29'), ('c', '2024-03-01');
"""
AS_OF = date(2024, 3, 1)


def contract(**changed: Any) -> HistoryContract:
    return HistoryContract.from_dict(CONTRACT | changed)


def renewals(reader: CustomerReader, declared: HistoryContract) -> dict[str, date | None]:
    found = {}
    for name in "abcde":
        row = reader.read(name, bundle_of(declared), now=NOW)
        assert row is not None
        assert (row.as_of, list(row.values)) == (AS_OF, ["visits", "days"])  # it is no feature
        found[name] = row.renews_on
    return found


@pytest.fixture(params=["duckdb", "duckdb, opened in each call", "postgresql"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "postgresql":
        address = str(request.getfixturevalue("postgres"))
        with psycopg.connect(address) as connection:
            connection.execute(ROWS)
    else:
        address = str(tmp_path / "company.duckdb")
        with duckdb.connect(address) as connection:
            connection.execute(ROWS)
        written = time.time() + 3600 if "each call" in request.param else LONG_AGO  # a new file is not kept
        os.utime(address, (written, written))
    settings = Settings.model_validate({"source": {"url": address, "as_of": str(AS_OF)}})
    with closing(CustomerReader(settings)) as found:
        yield found


def test_the_renewal_is_that_of_the_latest_row_known_on_the_date(reader: CustomerReader) -> None:
    assert renewals(reader, contract()) == {
        "a": date(2024, 3, 14), "b": None, "c": None, "d": None, "e": None,
    }  # fmt: skip


def test_the_renewal_may_be_a_column_of_the_customers_or_none(reader: CustomerReader) -> None:
    assert renewals(reader, contract(renewal="people.renews"))["a"] == date(2024, 7, 1)
    assert set(renewals(reader, contract(renewal=None)).values()) == {None}


@pytest.mark.parametrize(
    ("renewal", "problem"),
    [
        ("plans", "`renewal`: `age_of` takes a column"),
        ("plan.period_end", "`renewal` reads table 'plan', which is not declared"),
        ("visits.seen", "`renewal`: `age_of` takes a date of customers or of attributes"),
        ("people.gone", "`renewal` reads the end of a customer"),
        ("people.end", "`renewal` reads the end of a customer"),
    ],
)
def test_a_renewal_that_cannot_be_read_is_refused_by_name(renewal: str, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        contract(renewal=renewal)


def test_a_customer_is_read_without_a_renewal_whose_column_is_gone(reader: CustomerReader) -> None:
    assert set(renewals(reader, contract(renewal="plans.period_ends")).values()) == {None}
    features = {"days": {"age_of": "people.start", "unit": "days"}, "spent": {"sum": "visits.amount"}}
    with pytest.raises(ContractError, match="no column 'amount', feature 'spent'"):
        reader.read("a", bundle_of(contract(renewal="plans.period_ends", features=features)), now=NOW)


def test_a_renewal_whose_column_goes_while_the_source_is_open_is_left_out(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute(ROWS)
    settings = Settings.model_validate({"source": {"url": postgres, "as_of": str(AS_OF)}})
    with closing(CustomerReader(settings)) as reader:
        assert renewals(reader, contract())["a"] == date(2024, 3, 14)
        with psycopg.connect(postgres) as connection:
            connection.execute("ALTER TABLE plans DROP COLUMN period_end")
        assert set(renewals(reader, contract()).values()) == {None}


def test_a_contract_without_a_renewal_is_written_as_before_and_no_model_sees_one() -> None:
    assert "renewal" not in contract(renewal=None).to_dict()
    assert HistoryContract.from_dict(contract().to_dict()).renewal == "plans.period_end"
    assert RENEWAL not in contract().flat().features
