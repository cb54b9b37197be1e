"""``churn doctor`` on a history: its contract, its tables, the store and the daily run."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.proposal.history_writer import write_history
from churn_mlops.data.sources.open import open_every_table
from churn_mlops.store import open_store
from churn_mlops.store.scoring.publishing import publish
from tests.data.proposal.databases import shop, write_folder
from tests.pipelines.doctor.doctor_findings import files, found
from tests.store.builders import batches, run


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with its history, and the contract that is proposed for it."""
    folder = tmp_path_factory.mktemp("shop")
    write_folder(shop(60), folder / "shop")
    write_history(propose_history(open_every_table(str(folder / "shop")), name="shop"), folder / "contract.yaml")
    return folder


@pytest.fixture
def config(proposed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings for the shop, in a working directory of its own."""
    shutil.copytree(proposed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(
        'source: {url: shop}\ncontract: {path: contract.yaml}\nstore: {url: "sqlite:///store.db"}\n'
    )
    return Path("config.yaml")


def test_a_history_is_opened_with_all_its_tables(config: Path) -> None:
    checks = found(config)
    assert checks["contract"].status == checks["source"].status == "ok"
    assert "a history of 3 tables, label customers.end within 30 days" in checks["contract"].found
    assert checks["source"].found.startswith("shop: 3 tables, with all columns that the contract declares")
    Path("shop/orders.csv").unlink()
    assert "shop has no table 'orders'" in found(config)["source"].found


def test_a_store_is_looked_at_and_not_made(config: Path) -> None:
    assert found(config)["store"].found.endswith("is not there yet; the first list that is published makes it")
    open_store("sqlite:///store.db").close()
    before = files(Path())
    checks = found(config)
    assert (checks["store"].status, "schedule" in checks) == ("ok", False)
    assert files(Path()) == before
    Path("store.db").write_bytes(b"no database at all")
    assert found(config)["store"].status == "failed"


def test_a_store_that_another_program_keeps_for_itself_is_a_warning(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn_mlops.store.database.inspect.LOCK_SECONDS", 0.01)
    with open_store("sqlite:///store.db") as store, closing(sqlite3.connect("store.db")) as other:
        publish(store, run(), batches(3))
        assert found(config)["store"].status == "ok"
        other.execute("BEGIN IMMEDIATE")
        finding = found(config)["store"]
        assert finding.status == "warning"
        assert "another program has been writing to it" in finding.found
        assert f"`lsof {Path('store.db').resolve()}` names the programs" in finding.advice
        other.execute("ROLLBACK")
        assert found(config)["store"].status == "ok"


@pytest.mark.parametrize(("days", "status"), [(0, "ok"), (3, "warning")])
def test_a_missing_daily_run_is_reported_once_a_list_was_published(config: Path, days: int, status: str) -> None:
    published_at = datetime.now(UTC) - timedelta(days=days)
    with open_store("sqlite:///store.db") as store:
        publish(store, run(published_at.date()), batches(5), clock=lambda: published_at)
    finding = found(config)["schedule"]
    assert finding.status == status
    assert f"last success as of {published_at.date()}" in finding.found
    assert ("overdue since" in finding.found) == (days > 0)


@pytest.mark.parametrize(("days", "status"), [(1, "ok"), (7, "ok"), (8, "warning")])
def test_the_age_of_the_newest_row_is_reported_and_warned_of_after_a_week(config: Path, days: int, status: str) -> None:
    newest = datetime.now(UTC).date() - timedelta(days=days)
    tickets = pd.read_csv("shop/tickets.csv", dtype=str)
    tickets.loc[0, "submitted_at"] = newest.isoformat()
    tickets.to_csv("shop/tickets.csv", index=False)
    finding = found(config)["newest row"]
    assert finding.status == status
    assert finding.found == f"the newest row is of {newest}, {days} day{'' if days == 1 else 's'} ago"
