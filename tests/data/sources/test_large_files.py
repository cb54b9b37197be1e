"""Large files: their tables stand in a folder for temporary files, of which memory holds a part."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from churn_mlops.data.sources import database
from churn_mlops.data.sources.open import open_every_table, open_table

CSV = "customer_id,fee\n1,20\n2,30\nTotal,50\n"


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LARGE_FILES", len(CSV))


@pytest.mark.parametrize("reading", ["file", "folder"])
@pytest.mark.usefixtures("small_memory")
def test_a_large_file_is_read_as_a_small_one_and_leaves_nothing_behind(reading: str, tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    path.write_text(CSV)
    table = open_table(str(path)) if reading == "file" else open_every_table(str(tmp_path))["fees"]
    rows = [{"customer_id": "1", "fee": "20"}, {"customer_id": "2", "fee": "30"}]  # the last one is their total
    assert table.to_pyarrow().to_pylist() == rows
    engine = table.get_backend()
    ((place, limit),) = engine.raw_sql(
        "SELECT path, current_setting('memory_limit') FROM duckdb_databases() WHERE NOT internal"
    ).fetchall()
    assert Path(place).exists()
    assert limit == "476.8 MiB"
    engine.disconnect()
    del table, engine
    gc.collect()
    assert not Path(place).parent.exists()


def test_a_small_file_stays_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    path.write_text(CSV)
    found = open_table(str(path)).get_backend().raw_sql("SELECT path FROM duckdb_databases() WHERE NOT internal")
    assert found.fetchall() == [(None,)]
