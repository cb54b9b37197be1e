"""Histories that are broken, each in its own way: what is wrong is named, exit code 1, and nothing is written."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from tests.cli.conftest import Churn
from tests.data.proposal.databases import DAY, Frames, shop, write_folder

Contract = dict[str, Any]
CONTRACT: Contract = {
    "name": "shop",
    "customer": "customer_id",
    "tables": {
        "customers": {"start": "signup_date", "end": "cancelled_at"},
        "orders": {"event_time": "ordered_at", "known_at": "recorded_at"},
        "tickets": {"event_time": "submitted_at"},
    },
    "label": {"event": "customers.end"},
    "features": {
        "tenure": {"age_of": "customers.start", "unit": "days"},
        "country": {"type": "category", "levels": ["DE", "FR"], "last": "customers.country"},
        "quantity": {"sum": "orders.quantity", "days": 90, "min": 0},
        "tickets": {"count": "tickets"},
    },
}


@pytest.fixture
def broken(churn: Churn) -> Callable[..., tuple[int, str]]:
    """Runs a command on the shop after something was broken; what it printed, on one line."""

    def run(spoil: Callable[[Frames, Contract], object], *command: str) -> tuple[int, str]:
        frames, contract = shop(120), YAML(typ="safe").load(_text(CONTRACT))
        spoil(frames, contract)
        write_folder(frames, Path("shop"))
        Path("config").mkdir()
        Path("config/contract.yaml").write_text(_text(contract))
        Path("config/config.yaml").write_text(
            "source: {url: shop, as_of: latest}\ntraining: {model_type: logistic_regression}\n"
        )
        before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
        found = churn(*command)
        assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
        return found.code, " ".join((found.out + found.err).split())

    return run


def _text(contract: Contract) -> str:
    text = io.StringIO()
    YAML().dump(contract, text)
    return text.getvalue()


def _set(*path: str, to: object) -> Callable[[Frames, Contract], object]:
    """The contract with another value at ``path``."""

    def spoil(_: Frames, contract: Contract) -> None:
        place: Any = contract
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = to

    return spoil


def _cells(table: str, column: str, to: Callable[[pd.DataFrame], object]) -> Callable[[Frames, Contract], object]:
    """The table with other cells in ``column``."""

    def spoil(frames: Frames, _: Contract) -> None:
        frames[table][column] = to(frames[table])

    return spoil


def _empty(name: str) -> Callable[[Frames, Contract], object]:
    return lambda frames, _: frames.update({name: frames[name].head(0)})


def _twice(frames: Frames, _: Contract) -> None:
    people = frames["customers"].assign(cancelled_at=None)
    frames["customers"] = pd.concat([people, people.assign(signup_date=people["signup_date"] + 30 * DAY)])


BROKEN: dict[str, tuple[Callable[[Frames, Contract], object], str]] = {
    "a table is missing": (lambda frames, _: frames.pop("orders"), "has no table 'orders'"),
    "a column is missing": (
        lambda frames, _: frames["orders"].pop("quantity"),
        "table 'orders' of shop has no column 'quantity', feature 'quantity' in the contract 'shop'",
    ),
    "times of another format": (
        _cells("orders", "ordered_at", lambda rows: rows["ordered_at"].dt.strftime("%d/%m/%Y")),
        "stop: orders.ordered_at: date unread: 3,000 rows",
    ),
    "starts that are no times": (
        _cells("customers", "signup_date", lambda rows: "soon"),
        "stop: customers: no customers",
    ),
    "starts that are blank": (_cells("customers", "signup_date", lambda rows: None), "stop: customers: no customers"),
    "rows without a customer": (
        _cells("orders", "customer_id", lambda rows: rows["customer_id"].where(np.arange(3000) < 900)),
        "stop: orders.customer_id: link blank: 2,100 rows",
    ),
    "customers that are called otherwise": (
        _cells("orders", "customer_id", lambda rows: rows["customer_id"].str[1:].astype(int)),
        "stop: orders.customer_id: orphans: 3,000 rows",
    ),
    "ends before starts": (
        _cells("customers", "cancelled_at", lambda rows: rows["signup_date"] - 5 * DAY),
        "stop: customers.cancelled_at: end before start: 120 rows",
    ),
    "no customers": (_empty("customers"), "stop: customers: empty table; there are no customers: check the source"),
    "customers stand twice": (_twice, "stop: customers.customer_id: customer repeated: 120 rows; 120 of 120 customers"),
    "every customer has left": (
        _cells("customers", "cancelled_at", lambda rows: rows["signup_date"] + 90 * DAY),
        "stop: customers: no customers; there was no customer on",
    ),
    "values that cannot be": (
        _cells("orders", "quantity", lambda rows: -rows["quantity"]),
        "stop: quantity: below min",
    ),
    "an unknown time zone": (_set("time_zone", to="Europe/Atlantis"), "'Europe/Atlantis' is no time zone"),
    "a feature of a table that is not declared": (
        _set("features", "calls", to={"count": "calls"}),
        "feature 'calls' reads table 'calls', which is not declared: customers, orders, tickets are",
    ),
    "a feature that reads the end": (
        _set("features", "gone", to={"last": "customers.cancelled_at"}),
        "feature 'gone' reads the end of a customer, which is what is predicted",
    ),
    "two tables of customers": (
        _set("tables", "orders", "start", to="ordered_at"),
        "give one of `start` (customers), `valid_from` (attributes that change) and `event_time` (events)",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_broken_is_named(fault: str, broken: Callable[..., tuple[int, str]]) -> None:
    spoil, message = BROKEN[fault]
    code, said = broken(spoil, "validate")
    assert message in said
    assert code == 1


def test_a_horizon_longer_than_the_history_is_an_error_and_nothing_is_trained(
    broken: Callable[..., tuple[int, str]],
) -> None:
    code, said = broken(_set("label", "horizon_days", to=2000), "train")
    assert "a label is final 2000 days after its as-of date, so there is none to learn from" in said
    assert code == 1


def test_a_sound_history_is_let_through(broken: Callable[..., tuple[int, str]]) -> None:
    code, said = broken(lambda *_: None, "validate")
    assert code == 0
    assert said.startswith("Go: ")
    assert said.endswith("rows, 0 that stop, 0 warnings.")


def test_an_empty_table_of_events_is_a_warning(broken: Callable[..., tuple[int, str]]) -> None:
    code, said = broken(_empty("tickets"), "validate")
    assert "warning: tickets: empty table; there are no rows: has its source failed?" in said
    assert code == 0
