"""Times that are texts, read once where tables are loaded."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.timestamps import read_name
from churn_mlops.data.snapshot.snapshot import read_history, snapshot
from churn_mlops.data.sources.history_tables import open_tables, open_tables_at, set_time_zone
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.read_times import with_times_read
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.data.validation.validate_history import check_history

DAY = date(2024, 5, 1)
AMERICAN = "%m/%d/%Y"
DECLARED: dict[str, Any] = {
    "name": "shop",
    "customer": "id",
    "time_zone": "Europe/Berlin",
    "tables": {
        "customers": {"table": "people", "start": "since", "end": "canceled", "formats": {"canceled": AMERICAN}},
        "visits": {"event_time": "at"},
        "planned": {"table": "visits", "event_time": "next", "formats": {"next": "unix_seconds"}},
    },
    "features": {
        "visits": {"count": "visits"},
        "last_visit": {"since_last": "visits"},
        "last_plan": {"since_last": "planned"},
        "age": {"unit": "days", "age_of": "customers.born"},
    },
    "label": {"event": "customers.end", "horizon_days": 30, "lead_days": 0, "reporting_delay_days": 0},
}
CONTRACT = HistoryContract.from_dict(DECLARED)
WRITTEN = ["2024-04-01", "2024-04-30T22:00:00Z", "2024-05-01 23:59:59", "2024-05-01T21:59:59+00:00", "soon", "", "1e9"]
AMERICAN_DAYS = ["05/13/2024", "12/31/9999", "13/05/2024", "2024-05-13", ""]
UNIX = ["1714514399", "1714600800", "-1", "later", ""]


def _write(folder: Path, people: list[tuple[str, str, str]], visits: list[tuple[int, str, str]]) -> str:
    folder.mkdir()
    of_people = [f"{place},{','.join(cells)}" for place, cells in enumerate(people)]
    (folder / "people.csv").write_text("\n".join(["id,since,canceled,born", *of_people]) + "\n")
    of_visits = [f"{who},{at},{planned}" for who, at, planned in visits]
    (folder / "visits.csv").write_text("\n".join(["id,at,next", *of_visits]) + "\n")
    return str(folder)


@settings(max_examples=5, deadline=None)
@given(
    people=st.lists(
        st.tuples(st.sampled_from(WRITTEN), st.sampled_from(AMERICAN_DAYS), st.sampled_from(WRITTEN)),
        min_size=1,
        max_size=4,
    ),
    visits=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(WRITTEN), st.sampled_from(UNIX)), min_size=1, max_size=8
    ),
)
def test_the_rows_are_those_of_times_that_each_statement_reads(
    people: list[tuple[str, str, str]], visits: list[tuple[int, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    address = _write(tmp_path_factory.mktemp("shop") / "files", people, visits)
    read, unread = (open_tables_at(_place(address, loaded=loaded), CONTRACT) for loaded in (True, False))
    assert read_name("next", "unix_seconds") in read["planned"].columns
    assert read_name("next", "unix_seconds") not in unread["planned"].columns
    assert read_history(read, CONTRACT, [DAY], label=True) == read_history(unread, CONTRACT, [DAY], label=True)


def test_what_is_wrong_with_times_is_found_in_their_texts(tmp_path: Path) -> None:
    people = [("2024-01-01", day, "") for day in AMERICAN_DAYS] + [("soon", "", "")]
    address = _write(tmp_path / "files", people, [(0, "2024-01-02", "1"), (1, "later", "later")])
    read, unread = (open_tables_at(_place(address, loaded=loaded), CONTRACT) for loaded in (True, False))
    found = check_history(read, CONTRACT)
    assert found == check_history(unread, CONTRACT)
    assert len(found) > 2


def test_the_statement_holds_no_pattern_of_times(tmp_path: Path) -> None:
    tables = open_tables(_write(tmp_path / "files", [("2024-01-01", "", "")], [(0, "2024-01-02", "1")]), CONTRACT)
    assert "[13579][26]" not in ibis.to_sql(snapshot(tables, CONTRACT, [DAY], label=True))


def test_a_database_that_is_read_in_place_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.sql(
            "CREATE TABLE people AS SELECT '1' AS id, '2024-01-01' AS since, '05/13/2024' AS canceled, '' AS born"
        )
        connection.sql("CREATE TABLE visits AS SELECT '1' AS id, '2024-01-02' AS at, '1' AS next")
    before = path.read_bytes()
    tables = open_tables(str(path), CONTRACT)
    assert list(tables["customers"].columns) == ["id", "since", "canceled", "born"]
    assert len(read_history(tables, CONTRACT, [DAY])) == 1
    assert path.read_bytes() == before


def test_tables_that_do_not_fit_into_memory_twice_are_read_in_each_statement(tmp_path: Path) -> None:
    visits = [(place, "2024-01-02", "1714514399") for place in range(300_000)]
    place = resolve(_write(tmp_path / "files", [("2024-01-01", "", "")], visits))
    tables = {name: place.open(name) for name in place.tables()}
    place.connection.raw_sql("SET temp_directory = ''")
    ((used,),) = place.connection.raw_sql("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()
    place.connection.raw_sql(f"SET memory_limit = '{int(used) + 2**21}B'")
    read = with_times_read(tables, CONTRACT, place.connection)
    assert read_name("at", None) not in read["visits"].columns
    place.connection.raw_sql("RESET memory_limit")
    keyed = {key: read[declared.table or key] for key, declared in CONTRACT.tables.items()}
    assert len(read_history(keyed, CONTRACT, [DAY])) == 1
    assert read["visits"].count().to_pyarrow().as_py() == 300_000


def _place(address: str, *, loaded: bool) -> Place:
    place = resolve(address)
    place.loaded = loaded
    set_time_zone(place.connection, CONTRACT.time_zone)
    return place
