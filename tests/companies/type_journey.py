"""The way from a source with columns of every type to a list and a report, by the commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

from tests.companies.every_type import TYPES

CONTRACT = Path("config/contract.yaml")
SETTINGS = {"CHURN__TRAINING__MODEL_TYPE": "logistic_regression", "CHURN__TRAINING__SNAPSHOTS": "2"}
"""The environment of the commands: what is fitted fastest."""
_ONE_TABLE = ("--table", "customers", "--customer", "customer_id", "--label", "churned")


class Printed(Protocol):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


def journey(churn: Callable[..., Any], engine: str, address: str, *, flat: bool, thorough: bool) -> None:
    """Run init, validate, train, score and report on the company at ``address``, in the working directory.

    Args:
        churn: runs a command.
        engine: a key of `TYPES`.
        address: of the company.
        flat: whether the customers are read alone, else with their history.
        thorough: whether a model is also trained on the contract as it was proposed, and every column of a history
            has three features where it is used; else one.

    Raises:
        AssertionError: a command failed or refused what it should take; with what it printed.
    """
    types = TYPES[engine]
    said = _taken(churn("init", "--from", address, *(_ONE_TABLE if flat else ())))
    for name in (name for name, one in types.items() if one.meaning == "type"):
        for place in (f"{name}_c",) if flat else (f"customers.{name}_c", f"visits.{name}_c"):
            assert f"{place}: excluded (type): holds " in said.out
    contract = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    infinite = [f"{name}_c" for name, one in types.items() if flat and _infinite(one)]
    _infinite_refused(churn, infinite, thorough=thorough)
    if thorough:
        finite = {name: one for name, one in contract["features"].items() if name not in infinite}
        _write(contract | {"features": finite, "set_aside": contract["set_aside"] | dict.fromkeys(infinite, _CHOSEN)})
        _trained(churn)
    features = {name: one for name, one in contract["features"].items() if flat or "_c" not in name}
    for place, (name, one) in enumerate(types.items()):
        features |= (
            _of_history(f"{name}_c", one, place, thorough) if not flat else _of_table(f"{name}_c", one, contract)
        )
    aside = {name: why for name, why in contract["set_aside"].items() if not name.endswith("_c")}
    _write(contract | {"features": features, "set_aside": aside})
    _trained(churn)


def _taken(result: Printed) -> Printed:
    assert result.code == 0, result.out + result.err
    return result


def _infinite_refused(churn: Callable[..., Any], infinite: list[str], *, thorough: bool) -> None:
    """Validation and training stop at infinite numbers, and at nothing else."""
    for command in ("validate", "train") if thorough and infinite else ("validate",):
        result = churn(command)
        printed = result.out + result.err
        assert result.code == (1 if infinite else 0), printed
        stops = [line.split(":")[1:3] for line in printed.splitlines() if line.strip().startswith("stop: ")]
        assert stops == [[f" {name}", " infinite"] for name in infinite]


def _trained(churn: Callable[..., Any]) -> None:
    """A model, the list and the report; training and scoring validate first."""
    for command in ("train", "score --out list.csv", "report"):
        _taken(churn(*command.split()))


def _write(contract: Mapping[str, Any]) -> None:
    CONTRACT.write_text(yaml.safe_dump(contract, sort_keys=False), encoding="utf-8")


# Contracts in which every column is used.


_CHOSEN = {"reason": "by_choice"}


def _of_table(column: str, one: Any, contract: Mapping[str, Any]) -> dict[str, Any]:
    """The column as `init` proposed it, or as a category."""
    proposed = None if _infinite(one) else contract["features"].get(column)
    return {column: proposed or _levels(one)}


def _of_history(column: str, one: Any, place: int, thorough: bool) -> dict[str, Any]:
    """The last value of a column of both tables, or the age of a time, and an aggregate of it over the visits."""
    visits = f"visits.{column}"
    aggregates: list[dict[str, Any]] = [
        {"distinct": visits},
        {"count": "visits", "where": {column: _levels(one)["levels"][:1]}},
    ]
    if one.meaning == "number":
        aggregates += [
            {"sum": visits, "days": 90},
            {"mean": visits, "required": False},
            {"ratio": {"sum": visits, "days": [30, 90]}, "required": False},
        ]
    of_customers = _meaning(one) | {"last": f"customers.{column}"}
    if one.meaning == "date":
        of_customers = {"age_of": f"customers.{column}", "unit": "days"}
    found = {
        f"{column}_of_customers": of_customers | {"required": False},
        f"{column}_of_visits": aggregates[place % len(aggregates)],
        f"{column}_last": _meaning(one) | {"last": visits, "required": False},
    }
    names = list(found)
    return found if thorough else {name: found[name] for name in (names[place % 2], names[2])[: 1 + place % 2]}


def _meaning(one: Any) -> dict[str, Any]:
    return {"type": one.meaning} if one.meaning in ("number", "boolean") else _levels(one)


def _levels(one: Any) -> dict[str, Any]:
    texts = [str(value).strip("'") for value in one.values if value not in (None, "NULL")]
    return {"type": "category", "levels": list(dict.fromkeys(text for text in texts if text.strip())) or ["none"]}


def _infinite(one: Any) -> bool:
    return one.meaning == "number" and any("inf" in str(value).lower() for value in one.values)
