"""One table with a row for each customer and period: it is recognised, and becomes a history of what was known."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from churn_mlops.config.settings import Source
from churn_mlops.data.contract import CHURNED, HistoryContract
from churn_mlops.data.proposal.shapes.panel import find_panel
from churn_mlops.data.proposal.shapes.single_table import SingleTable
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.sources.history_tables import open_tables, tables_of
from churn_mlops.pipelines.onboarding.init import InitRequest, InitResult, initialize
from tests.companies.panel import FIRST, panel, start_of


def initialized(
    frame: pd.DataFrame,
    folder: Path,
    label: str | None = None,
    positive: str | None = None,
    inactive_days: int | None = None,
) -> tuple[InitResult, HistoryContract]:
    """What `churn init` says of the one table, and the contract that it writes."""
    frame.to_csv(folder / "policies.csv", index=False)
    contract = folder / "contract.yaml"
    address = str(folder / "policies.csv")
    request = InitRequest(address, label=label, positive=positive, inactive_days=inactive_days)
    result = initialize(request, contract, Source(), folder / "config.yaml")
    return result, HistoryContract.load(contract)


@pytest.mark.parametrize(("months", "period"), [(1, "month"), (3, "quarter"), (12, "year")])
def test_a_row_for_each_customer_and_period_is_a_panel(months: int, period: str) -> None:
    found = find_panel(SingleTable(table_of_frame(panel(80, 6, months))))
    assert found is not None
    assert (found.customer, found.time, found.period) == ("member_id", "period_start", period)


@pytest.mark.parametrize("written", ["%Y-%m", "%m/%Y", "%b %Y", "%Y%m"])
def test_months_without_a_day_are_read(written: str, tmp_path: Path) -> None:
    frame = panel().drop(columns="leaves").rename(columns={"period_start": "month"})
    frame["month"] = [day.strftime(written) for day in frame["month"]]
    result, contract = initialized(frame, tmp_path)
    assert contract.tables["policies"].formats["month"] == written
    assert result.newest == start_of(17, 1)


@pytest.mark.parametrize("name", ["customer", "Cliente", "Kunde"])
def test_the_mere_word_for_a_customer_names_those_of_a_panel(name: str) -> None:
    found = find_panel(SingleTable(table_of_frame(panel().rename(columns={"member_id": name}))))
    assert found is not None
    assert found.customer == name


def test_policy_years_that_begin_on_any_day_are_a_panel() -> None:
    frame = panel(80, 4, 12)
    shift = pd.to_timedelta(frame.member_id.str[1:].astype(int) * 3 % 300, unit="D")
    frame["period_start"] = (pd.to_datetime(frame.period_start) + shift).dt.strftime("%d.%m.%Y")
    found = find_panel(SingleTable(table_of_frame(frame)))
    assert found is not None
    assert (found.time, found.period) == ("period_start", "year")


def test_other_tables_are_no_panel() -> None:
    frame = panel(80, 6)
    irregular = frame.assign(period_start=[FIRST + timedelta(days=place * 37 % 400) for place in range(len(frame))])
    assert find_panel(SingleTable(table_of_frame(irregular))) is None
    assert (
        find_panel(SingleTable(table_of_frame(frame.groupby("member_id").head(1)))) is None
    )  # a row for each customer
    assert find_panel(SingleTable(table_of_frame(pd.concat([frame, frame])))) is None  # two rows on each date
    assert find_panel(SingleTable(table_of_frame(frame.drop(columns="period_start")))) is None
    assert find_panel(SingleTable(table_of_frame(frame)), "no_such_column") is None


def test_a_customer_has_left_whose_next_row_is_missing(tmp_path: Path) -> None:
    result, contract = initialized(panel().drop(columns="leaves"), tmp_path)
    assert contract.label is not None
    assert contract.label.inactive is not None
    assert (contract.label.inactive.events, contract.label.inactive.days) == ("policies_rows", 31)
    assert contract.features["spend"].last == "policies.spend"
    assert contract.features["spend_mean"].mean == "policies_rows.spend"
    assert contract.features["months_since_joined_on"].age_of == "policies.joined_on"
    said = YAML(typ="safe").load(tmp_path / "config.yaml")
    assert (said["source"]["as_of"], said["training"]["every_days"]) == ("latest", 31)
    assert result.as_of == result.newest == start_of(17, 1)
    assert "# period_start: each customer has a row for each month: " in (tmp_path / "contract.yaml").read_text()


def test_a_flag_in_the_last_row_is_the_end_and_no_feature(tmp_path: Path) -> None:
    frame = panel().rename(columns={"leaves": "churned"})
    result, contract = initialized(frame, tmp_path)
    assert contract.label is not None
    assert (contract.label.event, contract.label.horizon_days) == ("customers.end", 31)
    assert contract.tables["policies_left"].where == {"churned": ("1",)}
    assert not {"churned"} & set(contract.features)
    assert "`--inactive-days 31`" in next(one.message for one in result.proposal.findings if one.kind == "panel")
    _, other = initialized(frame, tmp_path, inactive_days=31)
    assert other.label is not None
    assert other.label.inactive is not None


def test_the_user_may_name_the_column_that_says_who_left(tmp_path: Path) -> None:
    frame = panel()
    frame["state"] = frame.leaves.map({0: "in force", 1: "surrendered"})
    _, contract = initialized(frame.drop(columns="leaves"), tmp_path, label="state", positive="surrendered")
    assert contract.tables["policies_left"].where == {"state": ("surrendered",)}
    assert contract.tables["customers"].ends == "policies_left"


def test_what_is_filled_in_backwards_is_the_label_or_a_leak_and_no_feature(tmp_path: Path) -> None:
    frame = panel()
    last = frame[frame.leaves == 1].set_index("member_id").period_start
    frame["lapse_date"] = pd.to_datetime(frame.member_id.map(last)) + pd.Timedelta(days=20)
    frame["why"] = frame.member_id.map(last).map(
        lambda day: None if pd.isna(day) else ("price", "moved")[day.month % 2]
    )
    result, contract = initialized(frame.drop(columns="leaves"), tmp_path)
    assert contract.tables["policies_ended"].event_time == "lapse_date"
    assert contract.tables["customers"].ends == "policies_ended"
    assert {feature.reads[1] for feature in contract.features.values()} & {"lapse_date", "why"} == set()
    assert {one.kind for one in result.proposal.findings if one.column == "policies.why"} == {"suspected_leak"}


def test_an_end_that_few_of_those_whose_rows_stop_have_is_not_taken(tmp_path: Path) -> None:
    frame = panel().rename(columns={"leaves": "churned"})
    frame.loc[frame.member_id.str[-1].isin(list("01234")), "churned"] = 0
    _, contract = initialized(frame, tmp_path)
    assert contract.label is not None
    assert contract.label.inactive is not None


def test_the_newest_period_is_complete(tmp_path: Path) -> None:
    for frame in (panel().drop(columns="leaves"), panel().rename(columns={"leaves": "churned"})):
        _, contract = initialized(frame, tmp_path)
        tables = open_tables(str(tmp_path / "policies.csv"), contract)
        assert last_day(tables, contract) == start_of(17, 1)
        (tmp_path / "config.yaml").unlink()


ROWS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 7)), min_size=1, max_size=30)
CONTRACT = HistoryContract.from_dict(
    {
        "version": 1,
        "name": "p",
        "customer": "who",
        "tables": {
            "customers": {"table": "p", "start": "day"},
            "p": {"valid_from": "day"},
            "p_rows": {"table": "p", "event_time": "day"},
        },
        "features": {
            "value": {"last": "p.value", "required": False},
            "so_far": {"count": "p_rows"},
            "mean": {"mean": "p_rows.value", "days": 93, "required": False},
        },
        "label": {"inactive": {"events": "p_rows", "days": 31}},
    },
    where="test",
)


@settings(max_examples=25, deadline=None)
@given(ROWS, st.integers(20, 250))
def test_a_snapshot_of_a_panel_holds_what_stood_there_on_that_day(rows: set[tuple[int, int]], after: int) -> None:
    day = FIRST + timedelta(days=after)
    dated = sorted((who, start_of(place, 1), 10.0 * who + place) for who, place in rows)
    table = pa.table(
        {
            "who": [f"c{who}" for who, _, _ in dated],
            "day": pa.array([at for _, at, _ in dated], pa.date32()),
            "value": [value for _, _, value in dated],
        }
    )
    connection = ibis.duckdb.connect()
    connection.create_table("p", table)
    found = read_history(tables_of(connection, CONTRACT), CONTRACT, [day], label=True).to_pylist()

    def between(who: int, first: date, last: date) -> list[float]:
        return [value for one, at, value in dated if one == who and first < at <= last]

    expected = {}
    for who in {who for who, _, _ in dated}:
        if between(who, day - timedelta(days=31), day):
            known = between(who, date.min, day)
            recent = between(who, day - timedelta(days=93), day)
            stays = between(who, day, day + timedelta(days=31))
            mean = round(sum(recent) / len(recent), 6)
            expected[f"c{who}"] = (known[-1], len(known), mean, "no" if stays else "yes")
    assert {row["who"]: (row["value"], row["so_far"], round(row["mean"], 6), row[CHURNED]) for row in found} == expected
