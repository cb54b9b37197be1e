"""The look at one table: its key, and its times, which are read once however many questions are asked about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
import sqlalchemy

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.profiled_table import ProfiledTable, look_at
from churn_mlops.data.discovery.table_roles import TableRoles, find_table_roles
from churn_mlops.data.sources.open import open_every_table
from tests.data.proposal.databases import DAY, Frames, shop, tables, write_folder

EVENTS = pd.DataFrame({
    "event_id": range(1, 41),
    "happened_at": [f"{1 + place % 28:02}/{1 + place % 12:02}/2024 10:00" for place in range(40)],
    "logged_at": [1_700_000_000 + 86_400 * place for place in range(40)],
})  # fmt: skip
EVENTS["customer_id"] = EVENTS["event_id"] % 7


def seen(frames: Frames) -> ProfiledTable:
    return look_at(tables(frames))[0]


def test_times_written_as_texts_or_numbers_are_read_once() -> None:
    look = seen({"events": EVENTS})
    assert set(look.times) == {"happened_at", "logged_at"}
    statement = ibis.to_sql(look.table.select(first=look.time("happened_at"), second=look.time("logged_at")))
    assert "REGEXP" not in str(statement).upper()
    read = look.table.select(at=look.time("happened_at")).to_pyarrow()["at"].to_pylist()
    assert [str(one) for one in read[:2]] == ["2024-01-01 10:00:00", "2024-02-02 10:00:00"]


def test_a_column_of_the_company_is_never_taken_for_times_that_were_read() -> None:
    odd = EVENTS.assign(**{"__read_happened_at__": "x", "read": "y"})
    look = seen({"events": odd})
    assert str(look.table.select(at=look.time("happened_at")).to_pyarrow()["at"][0]) == "2024-01-01 10:00:00"


def test_a_table_without_written_times_is_not_copied() -> None:
    typed = EVENTS.assign(happened_at=pd.Timestamp("2024-01-01")).drop(columns="logged_at")
    opened = tables({"events": typed})
    assert look_at(opened)[0].table is opened["events"]


def test_nothing_is_written_into_a_database_of_a_company(postgres: str) -> None:
    engine = sqlalchemy.create_engine(postgres.replace("postgresql://", "postgresql+psycopg://"))
    EVENTS.to_sql("events", engine, index=False)
    engine.dispose()
    opened = open_every_table(postgres)
    look = look_at(opened)[0]
    assert look.table is opened["events"]
    assert look.table.select(at=look.time("happened_at")).to_pyarrow().num_rows == len(EVENTS)
    look.table.get_backend().disconnect()


def test_a_csv_file_gives_the_same_times(tmp_path: Path) -> None:
    look = look_at(open_every_table(str(write_folder({"events": EVENTS}, tmp_path / "shop"))))[0]
    held = look.table.select(at=look.time("logged_at")).to_pyarrow()["at"].to_pylist()
    assert held == [pd.Timestamp(one, unit="s").to_pydatetime() for one in EVENTS["logged_at"]]


def test_a_connection_may_be_closed_before_what_was_read_is_forgotten(tmp_path: Path) -> None:
    program = (
        "import sys; from churn_mlops.data.sources.open import open_every_table as opened;"
        "from churn_mlops.data.discovery.profiled_table import look_at;"
        "looks = look_at(opened(sys.argv[1])); assert looks[0].times; looks[0].table.get_backend().disconnect()"
    )
    folder = str(write_folder({"events": EVENTS}, tmp_path / "shop"))
    ended = subprocess.run([sys.executable, "-c", program, folder], capture_output=True, text=True, check=True)
    assert "Traceback" not in ended.stderr


def _found(frames: Frames) -> TableRoles:
    looks = look_at(tables(frames))
    return find_table_roles(looks, find_links(looks))


def _named(key: str, write: str) -> Frames:
    """A shop without an identifier's name: the customers under ``key``, as numbers written so; and its staff."""
    frames = shop()
    place = {name: write.format(400 + row) for row, name in enumerate(frames["customers"]["customer_id"])}
    for name in ("customers", "orders"):
        keys = frames[name].pop("customer_id").map(place)
        frames[name][key] = keys.astype("int64") if write == "{}" else keys
    staff = np.array([f"A{row:03}" for row in range(40)])
    frames["customers"]["agent_id"] = staff[np.arange(len(frames["customers"])) % 40]
    hired = np.datetime64("2021-01-01") + np.arange(40) * DAY
    frames = {"agents": pd.DataFrame({"agent_id": staff, "hired_on": hired})} | frames
    return {name: frames[name] for name in ("agents", "customers", "orders")}


@pytest.mark.parametrize("write", ["{:>010}", "{}"])
def test_customers_whom_the_rows_of_events_name_need_no_key_that_is_called_so(write: str) -> None:
    found = _found(_named("codice", write))
    assert (found.home, found.customer) == ("customers", "codice")
    assert (found.roles["orders"].kind, found.roles["orders"].customer) == ("events", "codice")
    assert found.roles["agents"].kind == "apart"


def test_a_number_that_no_other_table_repeats_names_no_row() -> None:
    frames = shop()
    frames["customers"] = frames["customers"].rename(columns={"customer_id": "name"})
    frames["customers"]["points"] = np.arange(len(frames["customers"]))
    (look,) = [look for look in look_at(tables(frames)) if look.name == "customers"]
    assert look.pointed_at == frozenset()
    assert look.key == "name"


def test_the_members_are_no_row_of_memberships() -> None:
    frames = shop()
    customers = frames["customers"].rename(columns={"customer_id": "id"})
    held = pd.DataFrame({"company_id": customers["id"], "starts_on": customers.iloc[:, 1]})
    again = pd.concat([held, held.head(9)], ignore_index=True)
    memberships = again.assign(id=range(len(again)), starts_on=pd.Timestamp("2024-01-01"))
    orders = frames["orders"].rename(columns={"customer_id": "company_id"})
    found = _found({"companies": customers, "memberships": memberships, "orders": orders})
    assert found.customers.customer in ("id", "company_id")
    assert found.customers.look.name == "companies"
    assert found.roles["orders"].kind == "events"


def test_long_texts_of_one_length_name_what_versions_are_of() -> None:
    frames = shop()
    customers = frames.pop("customers")
    for frame in (customers, frames["orders"]):
        frame["msno"] = frame.pop("customer_id") + "-4f21-9a"
    again = pd.concat([customers.assign(days=days) for days in (0, 50, 100)], ignore_index=True)
    dim = pd.DataFrame({"surrogate_key": np.arange(len(again)), "msno": again["msno"]})
    dim["valid_from"] = again["signup_date"] + again["days"] * DAY
    dim["tier"] = "gold"
    found = _found({"customer_dim": dim, "orders": frames["orders"]})
    assert (found.customer, found.customers.customer) == ("msno", "msno")
    assert found.roles["orders"].kind == "events"
