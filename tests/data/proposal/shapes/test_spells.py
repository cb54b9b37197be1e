"""Customers who come back: their spells in one table are found, counted, and read as features."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.config.settings import Source
from churn_mlops.data.contract import AS_OF, DataContract, HistoryContract, load_contract
from churn_mlops.data.proposal.shapes.single_table import SingleTable, holds_spells
from churn_mlops.data.proposal.shapes.spells import count_spells
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.validation.validate_history import check_history
from churn_mlops.pipelines.onboarding.init import InitRequest, initialize
from tests.data.proposal.databases import tables

FIRST = date(2024, 1, 1)
Spell = tuple[int, int, int | None]
"""Customer, day of the start, and day of the end."""


def subscriptions(customers: int = 300) -> list[Spell]:
    """One row for most customers; every sixth has a second row, after a gap, on the same day, or beside the first."""
    draw, found = np.random.default_rng(5), []
    for who in range(customers):
        start = int(draw.integers(0, 300))
        end = start + int(draw.integers(5, 200))
        is_over = end < 400 and (who % 6 == 0 or draw.random() < 0.6)
        found.append((who, start, end if is_over else None))
        if who % 6 == 0:
            begins = min(end + (20, 0, -3)[who // 6 % 3], 380)
            found.append((who, begins, begins + 15 if who % 4 == 0 else None))
    return found


def frame_of(spells: list[Spell], **names: str) -> pd.DataFrame:
    def text(day: int | None) -> str | None:
        return None if day is None else (FIRST + timedelta(days=day)).strftime("%m-%d-%Y")

    frame = pd.DataFrame(
        {
            "customer_id": [f"c{who:03}" for who, _, _ in spells],
            "created_date": [text(start) for _, start, _ in spells],
            "canceled_date": [text(end) for _, _, end in spells],
            "plan": ["basic" if who % 2 else "pro" for who, _, _ in spells],
        }
    )
    return frame.rename(columns=names)


def proposed(
    frame: pd.DataFrame, folder: Path, table: str = "subscriptions", **said: str
) -> DataContract | HistoryContract:
    """The contract that `churn init` writes for the one table."""
    frame.to_csv(folder / f"{table}.csv", index=False)
    contract = folder / f"{table}.yaml"
    initialize(InitRequest(str(folder / f"{table}.csv"), **said), contract, Source(), folder / "config.yaml")
    return load_contract(contract)


def test_one_table_of_subscriptions_gets_a_history_with_the_earlier_ones_as_features(tmp_path: Path) -> None:
    contract = proposed(frame_of(subscriptions()), tmp_path)
    assert isinstance(contract, HistoryContract)
    assert contract.label is not None
    assert contract.label.event == "customers.end"
    assert contract.tables["customers"].end == "canceled_date"
    assert contract.tables["customers"].formats["created_date"] == "%m-%d-%Y"
    assert {"tenure", "plan", "subscriptions_started", "subscriptions_ended"} <= set(contract.features)
    text = (tmp_path / "subscriptions.yaml").read_text()
    assert "# 50 of 300 customers have several rows: of the later ones, " in text


def test_what_the_end_of_a_spell_writes_into_its_row_is_no_feature(tmp_path: Path) -> None:
    spells = subscriptions()
    over = [end is not None for _, _, end in spells]
    draw = np.random.default_rng(2)
    columns = {
        "why": np.where(over, draw.choice(["price", "moved", "other"], len(spells)), None),
        "length": [430 - start if end is None else end - start for _, start, end in spells],
        "bills": [0 if end is None else (end - start) // 30 + 1 for _, start, end in spells],
        "state": np.where(over, "ended", draw.choice(["active", "paused"], len(spells))),
        "logins_total": draw.integers(5, 60, len(spells)),
        "fee": draw.integers(5, 60, len(spells)),
    }
    contract = proposed(frame_of(spells).assign(**columns), tmp_path)
    assert isinstance(contract, HistoryContract)
    assert {column for _, column in (one.reads for one in contract.features.values())} & set(columns) == {"fee"}
    reasons = {name.partition(".")[2]: why for name, why in contract.set_aside.items()}
    assert {reasons[name].reason for name in ("why", "length", "bills", "state", "logins_total")} == {"suspected_leak"}
    assert "the days from the start to the end" in str(reasons["length"].note)


@pytest.mark.parametrize("others", [0, 1000])  # with many of one row each, the customer is nearly a key
def test_rows_with_a_start_and_an_end_are_spells_whatever_the_table_is_called(others: int, tmp_path: Path) -> None:
    spells = [*subscriptions(), *((who, 5 + who % 90, 100 + who % 90) for who in range(300, 300 + others))]
    frame = frame_of(spells, customer_id="Mitglieds-Nr.", created_date="Vertragsbeginn", canceled_date="Vertragsende")
    frame.loc[len(frame) - 20 :, "Vertragsbeginn"] = None  # they only asked
    contract = proposed(frame, tmp_path, table="export")
    assert isinstance(contract, HistoryContract)
    assert contract.tables["customers"].end == "Vertragsende"
    assert contract.tables["export"].valid_from == "Vertragsbeginn"
    assert contract.tables["export_ended"].event_time == "Vertragsende"


def test_rows_most_of_which_go_on_stop_no_validation(tmp_path: Path) -> None:
    frame = frame_of([*subscriptions(), *((who, 20, None) for who in range(300, 700))])
    contract = proposed(frame, tmp_path, table="export")
    assert isinstance(contract, HistoryContract)
    address = str(tmp_path / "export.csv")
    assert not [one for one in check_history(open_tables(address, contract), contract) if one.severity == "stop"]


def test_features_of_spells_are_those_that_were_known_on_each_day(tmp_path: Path) -> None:
    spells = subscriptions()
    contract = proposed(frame_of(spells), tmp_path)
    assert isinstance(contract, HistoryContract)
    days = [150, 260, 390]
    found = read_history(
        open_tables(str(tmp_path / "subscriptions.csv"), contract), contract, [FIRST + timedelta(days) for days in days]
    )
    rows = {((row[AS_OF] - FIRST).days, row["customer_id"]): row for row in found.to_pylist()}
    each = defaultdict(list)
    for who, start, end in spells:
        each[f"c{who:03}"].append((start, end))
    active = 0
    for day in days:
        for name, own in each.items():
            starts = [start for start, _ in own if start <= day]
            ends = [end for _, end in own if end is not None and end <= day]
            runs = any(start <= day and (end is None or end > day) for start, end in own)
            assert ((day, name) in rows) == runs
            if runs:
                active += 1
                row = rows[day, name]
                assert (row["subscriptions_started"], row["subscriptions_ended"]) == (len(starts), len(ends))
                assert row["days_since_subscriptions_started"] == day - max(starts)
                assert row["days_since_subscriptions_ended"] == (day - max(ends) if ends else None)
                assert row["tenure"] == pytest.approx((day - min(starts)) / (365.25 / 12))
    assert active > 300


SPELLS = st.tuples(st.integers(0, 4), st.integers(0, 30), st.none() | st.integers(0, 40))


@settings(max_examples=40, deadline=None)
@given(st.lists(SPELLS, min_size=1, max_size=25))
def test_spells_are_counted_by_what_ran_before_them(drawn: list[Spell]) -> None:
    spells = [(who, start, end if end is None else max(start, end)) for who, start, end in drawn]
    days = pa.table(
        {
            "who": [str(who) for who, _, _ in spells],
            "start": [FIRST + timedelta(days=start) for _, start, _ in spells],
            "end": pa.array(
                [None if end is None else FIRST + timedelta(days=end) for _, _, end in spells], pa.date32()
            ),
        }
    )
    counts = dict.fromkeys(("customers", "again", "after_gap", "same_day", "beside"), 0)
    for who in {who for who, _, _ in spells}:
        own = sorted((start, 10**6 if end is None else end) for other, start, end in spells if other == who)
        counts["customers"] += 1
        counts["again"] += len(own) > 1
        for place, (start, _) in enumerate(own[1:], 1):
            before = max(end for _, end in own[:place])
            kind = "after_gap" if start > before else "same_day" if start == before else "beside"
            counts[kind] += 1
    assert count_spells(ibis.memtable(days)) == counts


def test_a_table_of_spells_names_a_start_and_an_end() -> None:
    frame = frame_of(subscriptions(60))
    assert holds_spells(SingleTable(tables({"s": frame})["s"])) == "customer_id"
    renamed = frame.rename(columns={"customer_id": "id", "created_date": "start_date", "canceled_date": "end_date"})
    assert holds_spells(SingleTable(tables({"s": renamed})["s"])) == "id"
    alone = frame.rename(columns={"customer_id": "Kunde"}).assign(invoice_no=range(len(frame)))
    assert holds_spells(SingleTable(tables({"s": alone})["s"])) == "Kunde"
    assert holds_spells(SingleTable(tables({"s": frame.drop(columns="canceled_date")})["s"])) is None
    assert holds_spells(SingleTable(tables({"s": frame.drop(columns="customer_id")})["s"])) is None
    assert holds_spells(SingleTable(tables({"s": frame})["s"]), "none") is None


def test_a_table_whose_end_lies_ahead_for_all_has_a_row_for_each_customer(tmp_path: Path) -> None:
    ahead = [(who, who, 4000 + who) for who in range(300)]
    contract = proposed(frame_of(ahead, canceled_date="contract_end"), tmp_path)
    assert isinstance(contract, DataContract)


def test_a_label_that_is_named_makes_it_a_flat_table(tmp_path: Path) -> None:
    frame = frame_of(subscriptions()).drop_duplicates("customer_id").assign(seats=[place % 7 for place in range(300)])
    contract = proposed(frame, tmp_path, label="plan", positive="pro")
    assert isinstance(contract, DataContract)


def test_customers_who_all_go_on_are_no_history_and_init_says_so(tmp_path: Path) -> None:
    spells = [
        (who % 100, who % 90 + place, 200 + who % 50 if place == 0 else None) for who in range(300) for place in (0, 50)
    ]
    frame = frame_of(spells).assign(subscription_id=range(600))
    assert isinstance(proposed(frame, tmp_path), DataContract)
    text = (tmp_path / "subscriptions.yaml").read_text()
    assert "the rows have a start and an end, and are not taken for a history" in text
    assert "0 of 100 customers (0.0%), so it was not taken" not in text
    assert "If each row is a customer, say `--customer subscription_id`" in text
    (tmp_path / "config.yaml").unlink()
    assert isinstance(proposed(frame, tmp_path, customer="subscription_id"), HistoryContract)
