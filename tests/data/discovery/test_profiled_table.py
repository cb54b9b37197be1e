"""The key of a table: by its name, by how it is written, and by the rows of other tables that name it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.table_roles import TableRoles, find_table_roles
from tests.data.proposal.databases import DAY, Frames, shop, tables


def _found(frames: Frames) -> TableRoles:
    looks = look_at(tables(frames))
    return find_table_roles(looks, find_links(looks))


def _named(key: str, write: str) -> Frames:
    """A shop without an identifier's name: the customers under ``key``, as numbers written so; and its staff."""
    frames = shop()
    place = {name: write.format(400 + row) for row, name in enumerate(frames["customers"]["customer_id"])}
    for name in ("customers", "orders"):
        keys = frames[name].pop("customer_id").map(place)
        frames[name][key] = keys.astype("int64") if write == "{}" else keys
    staff = np.array([f"A{row:03}" for row in range(40)])
    frames["customers"]["agent_id"] = staff[np.arange(len(frames["customers"])) % 40]
    hired = np.datetime64("2021-01-01") + np.arange(40) * DAY
    frames = {"agents": pd.DataFrame({"agent_id": staff, "hired_on": hired})} | frames
    return {name: frames[name] for name in ("agents", "customers", "orders")}


@pytest.mark.parametrize("write", ["{:>010}", "{}"])
def test_customers_whom_the_rows_of_events_name_need_no_key_that_is_called_so(write: str) -> None:
    found = _found(_named("codice", write))
    assert (found.home, found.customer) == ("customers", "codice")
    assert (found.roles["orders"].kind, found.roles["orders"].customer) == ("events", "codice")
    assert found.roles["agents"].kind == "apart"


def test_a_number_that_no_other_table_repeats_names_no_row() -> None:
    frames = shop()
    frames["customers"] = frames["customers"].rename(columns={"customer_id": "name"})
    frames["customers"]["points"] = np.arange(len(frames["customers"]))
    (look,) = [look for look in look_at(tables(frames)) if look.name == "customers"]
    assert look.pointed_at == frozenset()
    assert look.key == "name"


def test_long_texts_of_one_length_name_what_versions_are_of() -> None:
    frames = shop()
    customers = frames.pop("customers")
    for frame in (customers, frames["orders"]):
        frame["msno"] = frame.pop("customer_id") + "-4f21-9a"
    again = pd.concat([customers.assign(days=days) for days in (0, 50, 100)], ignore_index=True)
    dim = pd.DataFrame({"surrogate_key": np.arange(len(again)), "msno": again["msno"]})
    dim["valid_from"] = again["signup_date"] + again["days"] * DAY
    dim["tier"] = "gold"
    found = _found({"customer_dim": dim, "orders": frames["orders"]})
    assert (found.customer, found.customers.customer) == ("msno", "msno")
    assert found.roles["orders"].kind == "events"
