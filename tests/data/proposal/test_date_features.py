"""Dates of a flat table are days since or until, once it is known on which day the rows were taken."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from churn_mlops.config.settings import Source
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.days_since import with_days_since
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.errors import ConfigError, ContractError
from churn_mlops.pipelines.inputs.as_of import day_of_table
from churn_mlops.pipelines.onboarding.init import InitRequest, initialize

DAY = date(2024, 6, 30)
ROWS = 60


def customers(**columns: list[date | None]) -> pd.DataFrame:
    frame = pd.DataFrame({"customer_id": [f"c{row}" for row in range(ROWS)]})
    frame["plan"] = ["basic" if row % 2 else "pro" for row in range(ROWS)]
    frame["last_login"] = [(DAY - timedelta(days=row % 40)).strftime("%m/%d/%Y") for row in range(ROWS)]
    frame["contract_end"] = [DAY + timedelta(days=1 + row) for row in range(ROWS)]
    return frame.assign(**columns)


def proposed(frame: pd.DataFrame, day: date | None = DAY) -> Proposal:
    return propose(table_of_frame(frame), name="customers", customer="customer_id", as_of=day)


def test_days_since_a_date_and_until_a_planned_one_are_features() -> None:
    contract = proposed(customers()).contract
    since, until = contract.features["days_since_last_login"], contract.features["days_until_contract_end"]
    assert (since.since, since.min, until.until) == ("last_login", 0, "contract_end")
    assert contract.formats == {"last_login": "%m/%d/%Y"}
    assert not contract.set_aside
    rows = read_snapshot(with_days_since(table_of_frame(customers()), contract, AsOf(DAY)), contract)
    assert rows["days_since_last_login"].to_pylist() == [float(row % 40) for row in range(ROWS)]
    assert rows["days_until_contract_end"].to_pylist() == [1.0 + row for row in range(ROWS)]


def test_the_day_may_stand_in_a_column(tmp_path: Path) -> None:
    taken = [DAY - timedelta(days=30 * (row % 2)) for row in range(ROWS)]
    login = [day - timedelta(days=5) for day in taken]
    contract = proposed(customers(snapshot_date=taken, last_login=login), None).contract
    assert contract.as_of == "snapshot_date"
    table = table_of_frame(customers(snapshot_date=taken, last_login=login))
    rows = read_snapshot(with_days_since(table, contract, AsOf(date(2030, 1, 1))), contract)
    assert set(rows["days_since_last_login"].to_pylist()) == {5.0}
    assert day_of_table("latest", contract, DAY) == DAY


def test_without_the_day_it_is_asked_for() -> None:
    found = proposed(customers(), None)
    assert {name for name, why in found.contract.set_aside.items() if why.reason == "date"} == {
        "last_login",
        "contract_end",
    }
    asked = next(one.message for one in found.findings if one.kind == "as_of_unknown")
    assert "--as-of" in asked


def test_a_date_that_had_not_come_is_a_leak() -> None:
    called: list[date | None] = [DAY + timedelta(days=20 - row) for row in range(ROWS)]
    contract = proposed(customers(last_call=called)).contract
    why = contract.set_aside["last_call"]
    assert (why.reason, why.note) == (
        "suspected_leak",
        "20 of its 60 dates had not come on 2024-06-30, when the rows were taken",
    )


def test_a_cell_without_a_date_is_missing_and_a_column_that_is_gone_is_named() -> None:
    ends: list[date | None] = [None if row % 3 else date(9999, 12, 31) for row in range(ROWS)]
    contract = proposed(customers()).contract
    rows = read_snapshot(with_days_since(table_of_frame(customers(contract_end=ends)), contract, AsOf(DAY)), contract)
    assert rows["days_until_contract_end"].null_count == ROWS
    with pytest.raises(ContractError, match="column 'last_login'"):
        with_days_since(table_of_frame(customers().drop(columns="last_login")), contract, AsOf(DAY))


def test_init_writes_the_day_into_the_settings_and_refuses_it_for_a_history(tmp_path: Path) -> None:
    customers().to_csv(tmp_path / "customers.csv", index=False)
    config, contract = tmp_path / "config.yaml", tmp_path / "contract.yaml"
    initialize(InitRequest(str(tmp_path / "customers.csv"), as_of=DAY), contract, Source(), config)
    assert YAML(typ="safe").load(config)["source"]["as_of"] == "2024-06-30"
    read = DataContract.load(contract)
    assert read.features["days_since_last_login"].since == "last_login"
    assert day_of_table("2024-06-30", read, date(2025, 1, 1)) == DAY
    with pytest.raises(ConfigError, match="latest"):
        day_of_table("latest", read, DAY)
    visits = pd.concat([customers().assign(seen=DAY - timedelta(days=17 * times)) for times in range(4)])
    visits[["customer_id", "seen"]].to_csv(tmp_path / "visits.csv", index=False)
    with pytest.raises(ConfigError, match="--as-of"):
        initialize(InitRequest(str(tmp_path / "visits.csv"), as_of=DAY), contract, Source(), tmp_path / "other.yaml")


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"type": "number", "since": "day", "column": "day"}, "give one of"),
        ({"type": "boolean", "until": "day"}, "gives a number of days"),
    ],
)
def test_a_feature_that_counts_days_is_a_number_of_one_column(feature: dict[str, str], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        DataContract.from_dict({"name": "c", "features": {"f": feature}})


def test_a_history_names_dates_in_its_computations() -> None:
    data = {
        "name": "h",
        "customer": "c",
        "tables": {"t": {"start": "day"}},
        "features": {"f": {"age_of": "t.start", "unit": "days", "since": "day"}},
    }
    with pytest.raises(ContractError, match="belong to a flat contract"):
        HistoryContract.from_dict(data)
