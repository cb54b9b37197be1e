"""``churn audit`` shows the audit log, and is recorded in it."""

from __future__ import annotations

import json

import pytest

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import record_event
from tests.cli.conftest import Churn

STORE = "sqlite:///store/churn.db"


def test_an_empty_audit_log_is_reported_as_empty_and_then_holds_the_read(churn: Churn) -> None:
    assert churn("audit").out.strip() == "Nothing is noted yet."
    (asked,) = json.loads(churn("audit", "--json").out)
    assert (asked["event"], asked["details"]) == ("audit.read", {"command": "churn audit"})
    assert asked["caller"].startswith("cli")


def test_the_table_shows_principal_and_event_and_the_customer_as_a_hash_alone(churn: Churn) -> None:
    hashed = customer_hash("churn", "C0000017")
    with open_store(STORE) as store:
        record_event(store, "key:crm", "customer.read", customer_hash=hashed, details={"route": "/customers"})
        record_event(store, "person:anna", "contacts.read")
    out = churn("audit").out
    assert all(word in out for word in ("customer.read", hashed[:12], "contacts.read"))  # the others may be folded
    assert out.index("contacts.read") < out.index("customer.read")
    only = churn("audit", "--customer", "C0000017").out
    assert "customer.read" in only
    assert "contacts.read" not in only
    (again,) = json.loads(churn("audit", "--event", "customer.read", "--json").out)
    assert again["customer_hash"] == hashed
    asked = json.loads(churn("audit", "--caller", again["caller"], "--json").out)
    assert [one["event"] for one in asked] == ["customer.read"]
    printed = churn("audit", "--customer", "C0000017").out
    assert "audit.read" in printed  # who asked for this customer
    assert "C0000017" not in printed


def test_the_table_fits_80_columns(churn: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    details = {"route": "/customers/{customer_id}/risk", "as_of": "2026-11-22", "limit": 50}
    with open_store(STORE) as store:
        record_event(store, "person:anna.smith", "customer.read", customer_hash="a" * 64, details=details)
    lines = churn("audit").out.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for whole in ("customer.read", "customer aaaaaaaaaaaa", "route /customers/{customer_id}/risk"):
        assert whole in text


def test_the_next_page_goes_on_where_this_one_ends(churn: Churn) -> None:
    with open_store(STORE) as store:
        for number in range(5):
            record_event(store, "key:crm", "customer.read", details={"number": number})
    first = churn("audit", "--limit", "2")
    before = first.out.split("--before ")[1].split(".")[0]
    numbers = [one["details"]["number"] for one in json.loads(churn("audit", "--before", before, "--json").out)]
    assert numbers == [2, 1, 0]
    assert churn("audit", "--caller", "nobody").out.strip() == "Nothing of this kind is noted."


def test_wrong_use_is_an_error(churn: Churn) -> None:
    assert churn("audit", "--limit", "0").code == 2
    assert churn("audit", "--before", str(2**63)).code == 2
