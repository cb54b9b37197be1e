"""The contract that `churn init` proposes for a database runs there: its snapshots keep it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract, load_contract
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.proposal.history_writer import write_history
from churn_mlops.data.snapshot.date_range import first_day, last_day
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table
from churn_mlops.data.validation.validate import validate
from tests.data.proposal.databases import Frames, faulty_shop, shop, shop_with_ends, write_folder

Change = Callable[[Frames], object]


def _proposed(address: str, folder: Path, inactive_days: int | None = None) -> HistoryContract:
    """The contract as a person gets it: written to a file, and read again."""
    proposal = propose_history(open_every_table(address), name="shop", inactive_days=inactive_days)
    found = load_contract(write_history(proposal, folder / "contract.yaml"))
    assert isinstance(found, HistoryContract)
    return found


def _holds(address: str, contract: HistoryContract) -> None:
    """A snapshot in the midst of the history keeps the contract, and has customers with labels."""
    tables = open_tables(address, contract)
    last = last_day(tables, contract)
    day = last - (last - first_day(tables, contract)) // 3
    found = read_history(tables, contract, [day], label=contract.label is not None)
    assert len(found)
    report = validate(ibis.memtable(found.drop_columns([AS_OF])), contract.flat())
    assert [str(problem) for problem in report.problems] == []
    assert contract.label is None or set(found[LEFT].to_pylist()) <= {"yes", "no"}


@pytest.mark.parametrize("frames", [faulty_shop, shop_with_ends], ids=lambda made: made.__name__)
def test_a_proposal_for_texts_runs_whatever_is_wrong_in_them(frames: Callable[[], Frames], tmp_path: Path) -> None:
    address = str(write_folder(frames(), tmp_path / "tables"))
    _holds(address, _proposed(address, tmp_path))


def test_a_proposal_states_the_usual_share_of_missing_values(tmp_path: Path) -> None:
    frames = shop()
    frames["customers"].loc[::8, "country"] = None
    address = str(write_folder(frames, tmp_path / "tables"))
    contract = _proposed(address, tmp_path)
    assert contract.features["country"].missing == round(38 / 300, 6)
    _holds(address, contract)


def test_a_proposal_for_one_table_of_events_runs(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    shop()["orders"].to_parquet(path)
    _holds(str(path), _proposed(str(path), tmp_path, inactive_days=60))


def _days_as(table_roles: str, table: str, column: str) -> Change:
    def change(frames: Frames) -> None:
        times = pd.to_datetime(frames[table][column])
        frames[table][column] = times.dt.strftime(table_roles).where(times.notna(), None)

    return change


def _amounts_as(write: Callable[[float], str]) -> Change:
    def change(frames: Frames) -> None:
        amounts = np.random.default_rng(3).gamma(2.0, 900.0, len(frames["orders"]))
        frames["orders"]["amount"] = [write(amount) for amount in amounts]

    return change


def _german(amount: float) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


CHANGES: dict[str, Change] = {
    "German amounts": _amounts_as(_german),
    "amounts with a currency": _amounts_as(lambda amount: f"{_german(amount)} EUR"),
    "amounts of thousands": _amounts_as(lambda amount: f"${amount:,.2f}"),
    "amounts with gaps": _amounts_as(lambda amount: "n/a" if amount < 500 else f"{amount:.2f}"),
    "amounts of mixed units": _amounts_as(
        lambda amount: f"{amount:.0f} MB" if amount < 900 else f"{amount / 1e3:.1f} GB"
    ),
    "days first": _days_as("%d/%m/%Y %H:%M", "orders", "ordered_at"),
    "days as numbers": _days_as("%Y%m%d", "customers", "signup_date"),
    "ends in words": _days_as("%d %b %Y", "customers", "cancelled_at"),
    "timestamps with a zone": _days_as("%Y-%m-%dT%H:%M:%S+02:00", "tickets", "submitted_at"),
    "timestamps with a short zone": _days_as("%Y-%m-%d %H:%M:%S+0200", "tickets", "submitted_at"),
    "no ends": lambda frames: frames["customers"].pop("cancelled_at"),
    "no customers": lambda frames: frames.pop("customers"),
    "no tickets": lambda frames: frames.update(tickets=frames["tickets"].head(0)),
}


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=4), st.sampled_from(["csv", "duckdb"]))
def test_a_proposal_runs_on_a_database_of_any_habits(names: set[str], kind: str) -> None:
    frames = shop(200)
    for name in sorted(names, key=lambda name: ("no " in name, name != "no ends", name)):
        CHANGES[name](frames)
    with tempfile.TemporaryDirectory() as folder:
        address = str(write_folder(frames, Path(folder) / "shop")) if kind == "csv" else _duckdb(frames, Path(folder))
        _holds(address, _proposed(address, Path(folder)))


def _duckdb(frames: Frames, folder: Path) -> str:
    path = folder / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, frame in frames.items():
            connection.register("incoming", frame)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    return str(path)
