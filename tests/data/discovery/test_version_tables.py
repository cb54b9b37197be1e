"""Who the customers are where tables hold versions of them, or of something that they have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.table_roles import TableRoles, find_table_roles
from churn_mlops.data.proposal.history_proposal import propose_history
from tests.data.discovery.accounts import DAY, accounts, company
from tests.data.proposal.databases import Frames, tables

MADE = accounts(80)


def _roles(frames: Frames, customer: str | None = None) -> TableRoles:
    looks = look_at(tables(frames))
    return find_table_roles(looks, find_links(looks), customer)


def _versions(key: str, time: str, **others: object) -> pd.DataFrame:
    """Two or three versions of each account, the first of them on its first day."""
    parts = [
        pd.DataFrame({key: MADE.names[some], time: (MADE.start + days * DAY)[some], "plan": plan} | others)
        for days, plan, some in ((0, "basic", MADE.start == MADE.start), (40, "gold", MADE.start == MADE.start),
                                 (90, "basic", MADE.some(0.4)))
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _invoices() -> pd.DataFrame:
    paid = company(MADE)["payments"]
    return paid.assign(id=np.arange(len(paid)) + 50_000)


def test_customers_are_those_whose_versions_a_table_holds_not_its_rows_and_no_invoices() -> None:
    frames = {"account_history": _versions("id", "updated_at"), "invoices": _invoices()}
    found = _roles(frames)
    assert (found.customer, found.customers.name, found.customers.customer) == ("account_id", "account_history", "id")
    assert found.customers.look.profile["id"].distinct == len(MADE.names)
    history = found.roles["account_history"]
    assert (history.kind, history.times.valid_from) == ("attributes", "updated_at")
    assert (found.roles["invoices"].kind, found.roles["invoices"].customer) == ("events", "account_id")
    contract = propose_history(tables(frames), name="x").contract
    assert contract.features["plan"].last == "account_history.plan"
    assert contract.tables["customers"].start == "updated_at"


def test_versions_with_a_key_of_their_own_are_no_customers() -> None:
    rows = _versions("account_id", "valid_from")
    rows["valid_to"] = "9999-12-31"
    rows.insert(0, "row_id", np.arange(len(rows)) + 1000)
    for name in ("dim_account", "stammdaten"):
        found = _roles({name: rows, "invoices": _invoices()})
        assert (found.customer, found.customers.name) == ("account_id", name)
        assert found.roles[name].kind == "attributes"


def test_contracts_are_the_customers_and_not_the_prices_that_they_have() -> None:
    policies = pd.DataFrame({"policy_no": MADE.names, "signed_on": MADE.start, "cancelled_on": MADE.end})
    tariffs = policies[["policy_no"]].assign(valid_from=policies["signed_on"], tariff=MADE.draw.choice(["A", "B"], 80))
    claims = company(MADE)["payments"].rename(columns={"account_id": "policy_no", "paid_at": "claimed_on"})
    found = _roles({"policies": policies, "tariffs": tariffs, "claims": claims})
    assert (found.customer, found.customers.name) == ("policy_no", "policies")
    assert found.roles["tariffs"].kind == "attributes"


def test_versions_are_the_customers_where_the_only_rows_of_their_own_are_prices() -> None:
    tariffs = pd.DataFrame({"account_id": MADE.names, "valid_from": MADE.start, "tariff": "A"})
    rows = _versions("account_id", "updated_at")
    found = _roles({"tariffs": tariffs, "accounts_history": rows, "invoices": _invoices()})
    assert (found.customer, found.customers.name) == ("account_id", "accounts_history")


def test_staff_who_look_after_customers_are_not_the_customers() -> None:
    staff = pd.DataFrame({"agente_id": [f"G{place:03}" for place in range(8)], "hired_on": MADE.start[:8]})
    people = pd.DataFrame(
        {"socio_id": MADE.names, "alta": MADE.start, "agente_id": MADE.draw.choice(staff.agente_id, 80)}
    )
    paid = company(MADE)["payments"].rename(columns={"account_id": "socio_id"})
    found = _roles({"agentes": staff, "socios": people, "pagos": paid})
    assert (found.customer, found.customers.name) == ("socio_id", "socios")


def test_the_history_of_purchases_holds_events_and_that_of_accounts_attributes() -> None:
    frames = company(MADE)
    frames["purchase_history"] = frames.pop("logins").rename(columns={"logged_in_at": "bought_at"})
    frames["account_history"] = _versions("account_id", "changed_at")
    found = _roles(frames)
    assert (found.customers.name, found.customers.grouped) == ("accounts", False)
    assert found.roles["purchase_history"].kind == "events"
    assert found.roles["account_history"].kind == "attributes"


def test_a_column_that_a_person_names_makes_customers_of_a_table_where_it_is_different_in_every_row() -> None:
    people = pd.DataFrame({"nummer": [f"{place:010}" for place in range(80)], "since": MADE.start, "until": MADE.end})
    bills = company(MADE)["payments"]
    bills["nummer"] = bills.pop("account_id").map(dict(zip(MADE.names, people["nummer"], strict=True)))
    found = _roles({"leute": people, "bills": bills}, "nummer")
    assert (found.customers.name, found.customers.grouped) == ("leute", False)
    assert found.roles["bills"].customer == "nummer"


def test_versions_of_policies_are_customers_and_a_table_that_writes_their_keys_otherwise_is_asked_about() -> None:
    versions, invoices = _versions("policy_no", "updated_at"), _invoices().rename(columns={"account_id": "policy_no"})
    usage = invoices.drop(columns="id").assign(policy_no=invoices["policy_no"].str.lower())
    frames = {"policies_history": versions, "invoices": invoices, "usage_daily": usage}
    proposal = propose_history(tables(frames), name="x")
    contract = proposal.contract
    assert contract.tables[contract.customers].table == "policies_history"
    through = contract.tables["usage_daily"].through
    assert through is not None
    assert (through.table, through.key, through.normal_form) == (contract.customers, "policy_no", "lower_case")
    (asked,) = [one for one in proposal.findings if one.kind == "keys_nearly_meet"]
    assert asked.column == "usage_daily.policy_no"
