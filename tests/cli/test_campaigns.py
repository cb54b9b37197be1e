"""Campaigns and imports from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from tests.cli.conftest import Churn, churn

__all__ = ["churn"]

TODAY = datetime.now(UTC).date()
CREATE = ("campaign", "create", "--name", "Spring", "--offer", "20 % off", "--cost", 50, "--script", "Thank you.")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("store: {url: sqlite:///churn.db}\n", encoding="utf-8")


def test_a_campaign_is_made_listed_shown_and_ended(churn: Churn) -> None:
    assert "There is no campaign yet" in churn("campaign", "list").out
    made = churn(*CREATE, "--risk-band", "high", "--capacity", 300)
    assert made.out == f"Campaign 1 (Spring) is running, from {TODAY} on.\n"
    assert "Spring" in churn("campaign", "list").out
    shown = churn("campaign", "show", 1).out
    assert "0 customers are treated, 0 are in the control group" in shown
    [document] = json.loads(churn("campaign", "list", "--json").out)
    assert (document["state"], document["risk_band"], document["capacity"]) == ("running", "high", 300)
    ended = churn("campaign", "end", 1, "--reason", "the budget is spent")
    assert ended.out == "Campaign 1 (Spring) is ended.\n"
    assert "the budget is spent" in churn("campaign", "show", 1).out
    with open_store("sqlite:///churn.db") as store:
        assert [one.event for one in audit_events(store)] == ["campaign.ended", "campaign.created"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((*CREATE, "--risk-band", "low"), 2, "medium or high"),
        ((*CREATE, "--ends-on", "2020-01-01"), 2, "or a later date"),
        ((*CREATE, "--control-share", "1"), 2, "control-share"),
        (("campaign", "show", 9), 1, "there is no campaign 9"),
        (("campaign", "end", 9, "--reason", "none"), 1, "there is no campaign 9"),
    ],
)
def test_wrong_use_is_named(churn: Churn, words: tuple[object, ...], code: int, said: str) -> None:
    found = churn(*words)
    assert (found.code, said in found.out + found.err) == (code, True)


def test_a_campaign_with_a_known_name_and_one_that_was_ended_are_refused(churn: Churn) -> None:
    churn(*CREATE)
    again = churn(*CREATE)
    assert (again.code, "another campaign is called 'Spring'" in again.err) == (1, True)
    churn("campaign", "end", 1, "--reason", "the budget is spent")
    ended = churn("campaign", "end", 1, "--reason", "again")
    assert (ended.code, "ended the campaign at" in ended.err) == (1, True)


def test_contacts_are_imported_once(churn: Churn, tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text("customer_id,offer,result,at\nC1,20 % off,declined,2026-01-20T14:05:00Z\n", encoding="utf-8")
    assert churn("contacts", "import", file).out == "Contacts recorded: 1; recorded before: 0.\n"
    again = json.loads(churn("contacts", "import", file, "--json").out)
    assert again == {"recorded": 0, "repeated": 1, "erased": 0, "unknown": 0}
    file.write_text("customer_id,offer,result,at\nC1,20 % off,perhaps,2026-01-20T14:05:00Z\n", encoding="utf-8")
    refused = churn("contacts", "import", file)
    assert (refused.code, "no contact was recorded: row 2: result is none of" in refused.err) == (1, True)
    assert churn("contacts", "import", tmp_path / "none.csv").code == 1
