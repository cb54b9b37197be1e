"""`churn init` asks since when a customer is one, where another time of theirs lies before the one that it takes."""

from __future__ import annotations

import numpy as np

from churn_mlops.data.proposal.history_proposal import propose_history
from tests.companies.known_truth.draw import made
from tests.data.proposal.databases import DAY, Frames, shop, tables


def _asked(frames: Frames) -> list[str]:
    found = propose_history(tables(frames), name="x").findings
    return [str(finding.column) for finding in found if finding.kind == "start_other"]


def test_a_start_with_rows_of_many_customers_before_it_gives_way_and_is_asked_about() -> None:
    company = made(np.random.default_rng(1), ["the end in the customers", "polish", "rows made by a migration"])
    proposal = propose_history(company.opened(), name="x", customer="id_abonenta")
    (finding,) = [one for one in proposal.findings if one.kind == "start_other"]
    assert proposal.contract.tables[proposal.contract.customers].start == "data_rejestracji"
    assert finding.column == "abonenci.row_created_at"
    assert finding.rows > 0.1 * finding.of
    assert "customers have rows before it: abonenci.data_rejestracji is taken" in finding.message
    assert "write `start: row_created_at`" in finding.message


def test_a_start_that_is_called_so_is_taken_before_the_time_of_a_migration() -> None:
    company = made(np.random.default_rng(1), ["the end in the customers", "dutch", "rows made by a migration"])
    proposal = propose_history(company.opened(), name="x", customer="klant_id")
    assert proposal.contract.tables[proposal.contract.customers].start == "aanmelddatum"
    assert not [one for one in proposal.findings if one.kind == "start_other"]


def test_a_time_before_the_start_that_no_rows_refute_is_asked_about() -> None:
    frames = shop()
    frames["customers"]["met_at"] = frames["customers"]["signup_date"] - 30 * DAY
    proposal = propose_history(tables(frames), name="x")
    (finding,) = [one for one in proposal.findings if one.kind == "start_other"]
    assert proposal.contract.tables["customers"].start == "signup_date"
    assert finding.column == "customers.met_at"
    assert finding.rows == finding.of
    assert "write `start: met_at`" in finding.message


def test_a_day_that_stands_for_none_is_no_start() -> None:
    frames = shop()
    frames["customers"]["member_since"] = np.datetime64("1900-01-01")
    frames["customers"]["signup_date"] = frames["customers"]["signup_date"] + 200 * DAY  # after many orders
    proposal = propose_history(tables(frames), name="x")
    assert proposal.contract.tables["customers"].start == "signup_date"


def test_a_time_after_the_start_is_not() -> None:
    frames = shop()
    frames["customers"]["first_order_at"] = frames["customers"]["signup_date"] + 3 * DAY
    assert _asked(frames) == []


def test_a_time_that_few_have_is_not() -> None:
    frames = shop()
    frames["customers"]["lead_at"] = frames["customers"]["signup_date"] - 30 * DAY
    frames["customers"].loc[:100, "lead_at"] = np.datetime64("NaT")
    assert _asked(frames) == []
