"""`churn init` asks since when a customer is one, where another time of theirs lies before the one that it takes."""

from __future__ import annotations

import numpy as np

from churn_mlops.data.proposal.history_proposal import propose_history
from tests.companies.known_truth.draw import made
from tests.data.proposal.databases import DAY, Frames, shop, tables


def _asked(frames: Frames) -> list[str]:
    found = propose_history(tables(frames), name="x").findings
    return [str(finding.column) for finding in found if finding.kind == "start_other"]


def test_a_time_before_the_start_that_is_taken_is_asked_about() -> None:
    company = made(np.random.default_rng(1), ["the end in the customers", "dutch", "rows made by a migration"])
    proposal = propose_history(company.opened(), name="x", customer="klant_id")
    taken = proposal.contract.tables[proposal.contract.customers].start
    asked = {finding.column: finding for finding in proposal.findings if finding.kind == "start_other"}
    assert taken == "row_created_at"
    (finding,) = asked.values()
    assert finding.column == "klanten.aanmelddatum"
    assert finding.rows > 0.25 * finding.of
    assert "write `start: aanmelddatum`" in finding.message


def test_a_time_after_the_start_is_not() -> None:
    frames = shop()
    frames["customers"]["first_order_at"] = frames["customers"]["signup_date"] + 3 * DAY
    assert _asked(frames) == []


def test_a_time_that_few_have_is_not() -> None:
    frames = shop()
    frames["customers"]["lead_at"] = frames["customers"]["signup_date"] - 30 * DAY
    frames["customers"].loc[:100, "lead_at"] = np.datetime64("NaT")
    assert _asked(frames) == []
