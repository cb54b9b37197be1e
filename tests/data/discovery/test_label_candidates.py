"""The ways to decide who left, and which of them comes first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.label_candidates import label_choices
from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.table_roles import find_table_roles
from tests.data.discovery.accounts import Accounts, accounts, company
from tests.data.proposal.databases import tables


def _changes(made: Accounts) -> pd.DataFrame:
    """The first day of each account, and one to three later ones."""
    names, days = [made.names], [made.start]
    for _ in range(3):
        some = made.some(0.7)
        names.append(made.names[some])
        days.append((made.start + (made.last - made.start) * made.draw.random(len(made.names)))[some])
    return pd.DataFrame({"account_id": np.concatenate(names), "changed_on": np.concatenate(days)})


def test_a_customer_is_inactive_from_as_many_days_on_as_the_label_says() -> None:
    newest = pd.Timestamp("2024-06-30 23:00")
    last = {f"c{days}": newest.normalize() - pd.Timedelta(days=days, hours=-1) for days in (0, 29, 30, 31)}
    rows = pd.DataFrame([(who, at - pd.Timedelta(days=7 * k)) for who, at in last.items() for k in range(4)])
    rows.columns = pd.Index(["customer_id", "ordered_at"])
    rows = pd.concat([rows, pd.DataFrame({"customer_id": ["c0"], "ordered_at": [newest]})])
    looks = look_at(tables({"orders": rows}))
    (choice,) = label_choices(find_table_roles(looks, find_links(looks)), inactive_days=30)
    assert (choice.left, choice.customers) == (2, 4)


def test_silence_is_that_of_frequent_rows_also_where_a_table_with_rare_rows_calls_more_customers_gone() -> None:
    made = accounts(120)
    frames = company(made)
    del frames["payments"]
    looks = look_at(tables({"accounts": frames["accounts"], "a_changes": _changes(made), "logins": frames["logins"]}))
    choices = label_choices(find_table_roles(looks, find_links(looks)))
    assert [(one.role.name, one.too_rare) for one in choices] == [("logins", False), ("a_changes", True)]
    assert choices[0].left < 50 < choices[1].left
