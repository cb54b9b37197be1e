"""Days of overlapping campaigns with two processes on one store: the short form of ``bench.campaign_month``."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.campaign_month import Month, run_month


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_store"))
    return f"sqlite:///{tmp_path}/churn.db"


def test_arms_never_change_and_no_control_customer_gets_an_offer(address: str) -> None:
    found = run_month(address, Month(customers=500, days=4))
    assert found["assignments"] > 50
    assert found["contacts"] > 50
    assert {"wide, chosen", "wide, explorers", "narrow, chosen", "late, chosen"} <= found["shares"].keys()
