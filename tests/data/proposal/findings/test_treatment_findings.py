"""Columns and tables that speak of saving customers, or of testing, are asked about."""

from __future__ import annotations

import pytest

from churn_mlops.data.profiling.name_signals import names_treatment
from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.sources.dataframes import table_of_frame
from tests.data.proposal.databases import shop, tables


@pytest.mark.parametrize(
    "name",
    [
        "retention_offers_accepted", "made_call_to_retention_team", "save_offer", "winback_sent", "promotion",
        "test_group", "MadeCallToRetentionTeam", "RetentionOffersAccepted", "win_back_mail", "coupon_used", "ab_test",
        "control_group", "experiment_arm", "campaign_contacts", "saved_by_agent", "Offer",
    ],
)  # fmt: skip
def test_a_name_that_speaks_of_a_treatment_is_known(name: str) -> None:
    assert names_treatment(name)


@pytest.mark.parametrize(
    "name",
    ["savings_balance", "test_score", "age_group", "tenure", "monthly_charges", "TechSupport", "winter_back_office"],
)
def test_other_names_speak_of_none(name: str) -> None:
    assert not names_treatment(name)


def test_a_treatment_in_a_flat_file_is_a_feature_with_a_question() -> None:
    frame = shop()["tickets"].drop(columns=["customer_id", "submitted_at", "closed_at"])
    found = propose(table_of_frame(frame.rename(columns={"urgent_flag": "save_offer"})), name="t")
    assert "save_offer" in found.contract.features
    said = {finding.column: finding.message for finding in found.findings if finding.kind == "treatment"}
    assert list(said) == ["save_offer"]
    assert "was it set before the as-of date" in said["save_offer"]
    assert "move it to `set_aside`" in said["save_offer"]


def test_a_table_and_a_column_of_a_history_that_speak_of_a_treatment_are_asked_about() -> None:
    frames = shop()
    frames["customers"]["promotion"] = ["none", "spring"] * 150
    frames["retention_calls"] = frames.pop("tickets")
    found = propose_history(tables(frames), name="t").findings
    assert [finding.column for finding in found if finding.kind == "treatment"] == [
        "retention_calls",
        "customers.promotion",
    ]
