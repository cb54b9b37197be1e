"""The contract that a look at a database suggests, and what it notices there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy

from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.proposal.history_proposal import HistoryProposal, propose_history
from churn_mlops.data.proposal.history_writer import write_history
from churn_mlops.data.proposal.shapes.single_table import SingleTable, is_event_log
from churn_mlops.data.sources.open import open_every_table
from churn_mlops.errors import ContractError
from tests.data.proposal.databases import (
    accounts,
    faulty_shop,
    shop,
    shop_of_contracts,
    shop_with_ends,
    tables,
    write_folder,
)
from tests.postgres import postgres_server

INFORMATION = {
    *("label_choice", "label_other", "horizon", "suspected_leak", "identifier", "present_values"),
    *("customers", "times", "date", "constant", "by_choice", "customer_value", "codes"),
}
"""Kinds of findings that say what was done, not that something is wrong."""


@pytest.fixture(scope="module")
def sound() -> HistoryProposal:
    return propose_history(tables(shop()), name="shop")


def _kinds(proposal: HistoryProposal) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in proposal.findings:
        found.setdefault(finding.kind, []).append(str(finding.column))
    return found


@pytest.fixture(scope="module")
def faulty() -> HistoryProposal:
    """The same database with every fault that can stand beside the others."""
    return propose_history(tables(faulty_shop()), name="shop")


def _said(proposal: HistoryProposal, kind: str) -> dict[str, str]:
    return {str(finding.column): finding.message for finding in proposal.findings if finding.kind == kind}


def test_a_sound_database_is_proposed_as_it_is_meant(sound: HistoryProposal) -> None:
    contract = sound.contract
    assert contract.customer == "customer_id"
    assert contract.customers == "customers"
    home = contract.tables["customers"]
    assert (home.start, home.end) == ("signup_date", "cancelled_at")
    orders, tickets = contract.tables["orders"], contract.tables["tickets"]
    assert (orders.event_time, orders.known_at) == ("ordered_at", "recorded_at")
    assert (tickets.event_time, tickets.known_at) == ("submitted_at", None)
    assert contract.label is not None
    assert contract.label.event == "customers.end"
    assert {"tenure", "country", "orders_30d", "days_since_orders", "quantity_90d", "urgent_flag_90d"} <= set(
        contract.features
    )
    assert contract.features["urgent_flag_90d"].where == {"urgent_flag": ("TRUE",)}


def test_counts_and_sums_so_far_are_proposed_beside_those_of_the_last_days(sound: HistoryProposal) -> None:
    features = sound.contract.features
    assert (features["orders_so_far"].count, features["orders_so_far"].days) == ("orders", None)
    assert (features["quantity_so_far"].sum, features["quantity_so_far"].days) == ("orders.quantity", None)


def test_lines_of_a_receipt_are_also_counted_by_receipt_so_far() -> None:
    lines = shop()["orders"].rename(columns={"order_id": "line_id"})
    lines = lines.assign(receipt_no=[f"R{place // 3:05}" for place in range(len(lines))])
    features = propose_history(tables({"lines": lines}), name="shop").contract.features
    assert (features["receipt_no_kinds_so_far"].distinct, features["receipt_no_kinds_so_far"].days) == (
        "lines.receipt_no",
        None,
    )
    assert "article_kinds_so_far" not in features


def test_a_sound_database_raises_no_alarm(sound: HistoryProposal) -> None:
    assert set(_kinds(sound)) <= INFORMATION


def test_every_way_to_decide_who_left_is_counted(sound: HistoryProposal) -> None:
    assert [choice.kind for choice in sound.choices] == ["end", "inactive", "inactive"]
    ended = int(shop()["customers"]["cancelled_at"].notna().sum())
    assert (sound.choices[0].left, sound.choices[0].customers) == (ended, 300)


def test_the_written_contract_is_read_back_the_same(sound: HistoryProposal, tmp_path: Path) -> None:
    path = write_history(sound, tmp_path / "contract.yaml")
    assert load_contract(path) == sound.contract
    assert "# taken: a customer left where customers.cancelled_at has come by the newest day" in path.read_text()


def test_sqlite_gives_the_same_contract_as_the_engine(sound: HistoryProposal, tmp_path: Path) -> None:
    address = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(address)) as connection:
        for name, frame in shop().items():
            frame.astype(str).replace("NaT", None).to_sql(name, connection, index=False)
    found = propose_history(open_every_table(str(address)), name="shop").contract
    assert found.tables == sound.contract.tables
    assert found.label == sound.contract.label
    assert set(found.features) == set(sound.contract.features)


def test_rows_that_name_no_one_and_keys_that_repeat_are_counted(faulty: HistoryProposal) -> None:
    assert _said(faulty, "orphans") == {
        "orders.customer_id": "30 of 3,000 rows (1.0%) name 1 which customers.customer_id does not hold: were those "
        "deleted? The rows belong to no one"
    }
    assert "20 of 3,000 rows (0.7%)" in _said(faulty, "link_blank")["orders.customer_id"]
    repeated = _said(faulty, "duplicate_key")["tickets.ticket_id"]
    assert repeated.startswith(
        "6 of 400 rows (1.5%) repeat the ticket_id of an earlier row; 1 of them is an exact copy"
    )


def test_events_outside_the_life_of_their_customer_are_counted(faulty: HistoryProposal) -> None:
    assert _said(faulty, "before_start")["orders.ordered_at"].startswith("100 of 3,000 rows (3.3%) are dated before")
    assert _said(faulty, "after_end")["tickets.submitted_at"].startswith("10 of 400 rows (2.5%) are dated after")


def test_a_name_of_recording_is_not_believed_where_the_rows_deny_it(faulty: HistoryProposal) -> None:
    assert faulty.contract.tables["orders"].known_at is None
    assert list(_said(faulty, "known_before_event")) == ["orders.recorded_at"]
    assert list(_said(faulty, "end_before_start")) == ["tickets.closed_at"]


def test_a_churn_flag_that_contradicts_the_end_is_reported_and_one_that_agrees_is_not(faulty: HistoryProposal) -> None:
    said = _said(faulty, "flag_contradicts")
    assert list(said) == ["customers.churn_flag"]
    assert "which of the two says who left" in said["customers.churn_flag"]
    assert faulty.contract.set_aside["customers.churn_flag"].reason == "suspected_leak"


def test_codes_with_a_prefix_that_goes_with_negative_amounts_and_codes_of_another_shape_are_reported(
    faulty: HistoryProposal,
) -> None:
    assert _said(faulty, "negative")["orders.quantity"].startswith("60 of 3,000 rows (2.0%) are below zero")
    prefix = _said(faulty, "code_prefix")["orders.receipt"]
    assert prefix.startswith("60 of 3,000 rows (2.0%) begin with 'R', and quantity is below zero in 100.0% of them")
    assert "'FREIGHT'" in _said(faulty, "odd_codes")["orders.article"]


def test_values_of_today_are_not_used_for_the_past_without_a_word(faulty: HistoryProposal) -> None:
    assert faulty.contract.set_aside["customers.plan_status"].reason == "suspected_leak"
    assert "so country holds what is so today" in _said(faulty, "present_values")["customers"]


def test_rows_of_a_step_further_are_read_through_the_table_between(faulty: HistoryProposal) -> None:
    through = faulty.contract.tables["parcels"].through
    assert through is not None
    assert (through.table, through.column, through.key) == ("orders", "order_id", "order_id")
    assert "no column leads from it to the customers" in _said(faulty, "left_out")["articles"]


def test_ends_in_a_table_of_their_own_become_the_label_and_returns_are_asked_about() -> None:
    proposal = propose_history(tables(shop_with_ends()), name="shop")
    assert proposal.contract.tables["customers"].ends == "cancellations"
    assert proposal.contract.label is not None
    assert proposal.contract.label.event == "customers.end"
    assert "7 of " in {finding.kind: finding.message for finding in proposal.findings}["several_ends"]
    assert not any(feature.reads[0] == "cancellations" for feature in proposal.contract.features.values())


def test_dates_written_in_another_way_are_reported_and_their_format_stands_in_the_contract(tmp_path: Path) -> None:
    frames = shop()
    frames["tickets"]["submitted_at"] = frames["tickets"]["submitted_at"].dt.strftime("%d/%m/%Y %H:%M")
    proposal = propose_history(open_every_table(str(write_folder(frames, tmp_path / "shop"))), name="shop")
    assert set(_kinds(proposal)) <= INFORMATION | {"date_formats"}
    assert _kinds(proposal)["date_formats"] == ["tickets.submitted_at"]
    assert proposal.contract.tables["tickets"].formats == {"submitted_at": "%d/%m/%Y %H:%M"}


def test_without_a_table_of_customers_their_rows_name_them() -> None:
    frames = {"orders": shop()["orders"]}
    assert is_event_log(SingleTable(tables(frames)["orders"])) == "customer_id"
    contract = propose_history(tables(frames), name="shop", inactive_days=60).contract
    assert (contract.tables["customers"].table, contract.tables["customers"].start) == ("orders", "ordered_at")
    assert contract.label is not None
    assert contract.label.inactive is not None
    assert (contract.label.inactive.events, contract.label.inactive.days) == ("orders", 60)


def test_customers_of_events_are_recognised_by_the_mere_word_for_them() -> None:
    orders = shop()["orders"].rename(columns={"customer_id": "user"})
    assert is_event_log(SingleTable(tables({"log": orders})["log"])) == "user"
    numbered = orders.assign(user=orders["user"].rank(method="dense").astype(int))
    assert is_event_log(SingleTable(tables({"log": numbered})["log"])) == "user"
    contract = propose_history(tables({"log": numbered}), name="log", customer="user", inactive_days=45).contract
    assert contract.customer == "user"
    flagged = orders.assign(user=["yes", "no"] * (len(orders) // 2) + ["no"] * (len(orders) % 2))
    assert is_event_log(SingleTable(tables({"log": flagged})["log"])) is None


def test_orders_are_events_though_most_customers_order_once_and_some_orders_are_cancelled() -> None:
    orders = shop()["orders"].drop_duplicates("customer_id").assign(order_status="Completed")
    later = orders.head(len(orders) // 2)
    later = later.assign(ordered_at=later["ordered_at"] + pd.Timedelta(days=9), order_status="Cancelled")
    both = pd.concat([orders, later])
    assert is_event_log(SingleTable(tables({"orders": both})["orders"])) == "customer_id"
    few = pd.concat([orders, later.head(20)])
    assert is_event_log(SingleTable(tables({"customers": few})["customers"])) is None
    signed_up = both.rename(columns={"ordered_at": "signup_date"})  # customers of several rows, no events
    assert is_event_log(SingleTable(tables({"customers": signed_up})["customers"])) is None


def test_a_table_with_a_row_for_each_customer_is_no_table_of_events() -> None:
    assert is_event_log(SingleTable(tables(shop())["customers"])) is None
    assert is_event_log(SingleTable(tables(shop())["orders"]), "order_id") is None


def test_tables_without_customers_are_refused_with_what_to_do() -> None:
    frame = pd.DataFrame({"colour": ["red", "blue"], "weight": [1.5, 2.5]})
    with pytest.raises(ContractError, match="--customer"):
        propose_history(tables({"a": frame, "b": frame}), name="x")
    with pytest.raises(ContractError, match="no table has a column 'client'"):
        propose_history(tables(shop()), name="x", customer="client")


def test_a_contract_with_ends_is_read_as_one_with_an_end() -> None:
    data = {
        "name": "x",
        "customer": "id",
        "tables": {"people": {"start": "since", "ends": "gone"}, "gone": {"event_time": "at"}},
        "features": {"tenure": {"age_of": "people.start", "unit": "days"}},
        "label": {"event": "people.end"},
    }
    contract = HistoryContract.from_dict(data)
    assert HistoryContract.from_dict(contract.to_dict()) == contract
    with pytest.raises(ContractError, match="reads the ends of customers"):
        HistoryContract.from_dict(data | {"features": {"n": {"count": "gone"}}})
    with pytest.raises(ContractError, match="not both"):
        HistoryContract.from_dict(data | {"tables": {"people": {"start": "a", "end": "b", "ends": "gone"}}})


def test_postgresql_gives_the_same_contract_and_findings_as_the_engine() -> None:
    frames = shop()
    frames["tickets"]["submitted_at"] = frames["tickets"]["submitted_at"].dt.strftime("%d/%m/%Y %H:%M")
    with postgres_server() as address:
        engine = sqlalchemy.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
        for name, frame in frames.items():
            frame.to_sql(name, engine, index=False)
        engine.dispose()
        opened = open_every_table(address)
        found = propose_history(opened, name="shop")
        next(iter(opened.values())).get_backend().disconnect()
    wanted = propose_history(tables(frames), name="shop")
    assert found.contract == wanted.contract
    assert found.findings == wanted.findings


def test_a_label_that_next_to_all_customers_have_is_not_taken_where_another_has_both_sides() -> None:
    frames = shop()
    customers = frames["customers"].drop(columns="cancelled_at")
    offers = customers.rename(columns={"signup_date": "offered_on"}).drop(columns="country")
    newest = frames["orders"]["ordered_at"].max()
    late = pd.DataFrame({"customer_id": customers["customer_id"].head(12), "offered_on": newest})
    rows = pd.concat([offers, late], ignore_index=True)
    rows.insert(0, "offer_id", [f"A{place:06}" for place in range(len(rows))])
    proposal = propose_history(tables({**frames, "customers": customers, "offers": rows}), name="shop")
    taken, *others = proposal.choices
    assert (taken.role.name, taken.has_both) == ("orders", True)
    assert ("offers", 288, False) in [(other.role.name, other.left, other.has_both) for other in others]
    said = [finding.message for finding in proposal.findings if finding.kind == "label_other"]
    assert any("offers" in message and "only 12 are on one side, so it comes last" in message for message in said)


def test_few_recorded_ends_are_taken_rather_than_the_inactivity_of_many() -> None:
    frames = shop()
    ends = frames["customers"]["cancelled_at"]
    frames["customers"]["cancelled_at"] = ends.where(ends.notna().cumsum() <= 20)
    assert propose_history(tables(frames), name="shop").choices[0].kind == "end"


@pytest.mark.parametrize("kind", ["an end", "ends", "contracts"])
def test_a_column_that_the_leaving_writes_into_the_row_of_a_customer_is_excluded(kind: str) -> None:
    frames = shop()
    gone = frames["customers"]["cancelled_at"].notna()
    draw = np.random.default_rng(5)
    marked = {
        "exit_note": np.where(gone, "moved", None),
        "care_team": np.where(gone & (draw.random(300) < 0.8), "T9", draw.choice(["T0", "T1"], 300)),
        "region": draw.choice(["north", "south"], 300),
    }
    if kind == "contracts":
        proposal = propose_history(tables(shop_of_contracts(accounts().assign(**marked))), name="shop")
    else:
        frames = frames if kind == "an end" else shop_with_ends()
        frames["customers"] = frames["customers"].assign(**marked)
        proposal = propose_history(tables(frames), name="shop")
    aside = proposal.contract.set_aside
    assert aside["customers.exit_note"].reason == aside["customers.care_team"].reason == "suspected_leak"
    assert "is set for customers who have left only, 100.0% of them" in aside["customers.exit_note"].note
    assert {"region", "country"} <= set(proposal.contract.features)


def test_a_last_bill_of_a_few_customers_who_left_is_excluded() -> None:
    frames = shop(110)
    gone = frames["customers"]["cancelled_at"].notna() & (np.arange(110) % 5 > 0)
    frames["customers"]["settlement"] = np.where(gone, 10.0 + np.arange(110), 0.0)
    assert 20 < gone.sum() < 50
    aside = propose_history(tables(frames), name="shop").contract.set_aside
    assert aside["customers.settlement"].reason == "suspected_leak"
