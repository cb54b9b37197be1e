"""Links between tables, by what their columns are called and what they hold."""

from __future__ import annotations

import pandas as pd

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.profiled_table import look_at
from tests.data.proposal.databases import Frames, tables


def _shop(orders: list[int], quantity: list[int]) -> Frames:
    places = range(len(orders))
    return {
        "customer": pd.DataFrame({"id": range(1, 31), "city": ["Ghent", "Lille", "Bonn"] * 10}),
        "invoice": pd.DataFrame({"id": [900 + place for place in places], "customer": orders, "quantity": quantity}),
    }


def _found(frames: Frames) -> list[tuple[str, str, str, str]]:
    return [(link.table, link.column, link.to, link.key) for link in find_links(look_at(tables(frames)))]


def test_a_number_under_the_name_of_a_table_is_a_link_to_its_rows() -> None:
    frames = _shop([1 + place % 30 for place in range(90)], [1 + place % 4 for place in range(90)])
    assert _found(frames) == [("invoice", "customer", "customer", "id")]


def test_a_number_under_the_name_of_a_table_that_is_none_of_its_keys_is_no_link() -> None:
    assert _found(_shop([200 + place for place in range(90)], [1] * 90)) == []
