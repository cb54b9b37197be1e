"""The look at one table: its times are read once, however many questions are asked about them."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import sqlalchemy

from churn_mlops.data.discovery.profiled_table import ProfiledTable, look_at
from churn_mlops.data.sources.open import open_every_table
from tests.data.proposal.databases import Frames, tables, write_folder

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
