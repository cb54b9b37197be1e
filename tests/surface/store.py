"""The tables of the store, as the migrations leave them in a new database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, inspect

from churn_mlops.store import open_store
from tests.surface import collect
from tests.surface.interface import without_blanks


def described(address: str) -> dict[str, Any]:
    """Tables, columns, keys, indexes and constraints of the store at ``address``, which is made."""
    with open_store(address) as store:
        return {"revisions": collect.revisions(), "tables": _tables(store.engine)}


def _tables(engine: Engine) -> dict[str, Any]:
    looked = inspect(engine)
    return {
        name: without_blanks(
            {
                "columns": {column["name"]: _column(column, engine) for column in looked.get_columns(name)},
                "column order": [column["name"] for column in looked.get_columns(name)],
                "primary key": looked.get_pk_constraint(name)["constrained_columns"],
                "foreign keys": _sorted(looked.get_foreign_keys(name)),
                "unique": _sorted(looked.get_unique_constraints(name)),
                "checks": _sorted(looked.get_check_constraints(name)),
                "indexes": _sorted(looked.get_indexes(name)),
            }
        )
        for name in sorted(looked.get_table_names())
    }


def _column(column: Any, engine: Engine) -> dict[str, Any]:
    kind = column["type"]
    described = {
        "type": kind.compile(engine.dialect),
        "time zone": getattr(kind, "timezone", None),
        "collation": getattr(kind, "collation", None),
        "nullable": column["nullable"],
        "default": column["default"],
        "identity": "always" if (column.get("identity") or {}).get("always") else bool(column.get("identity")),
    }
    return without_blanks(described)


def _sorted(found: list[Any]) -> list[dict[str, Any]]:
    """The findings, in an order of their own."""
    kept = [{key: _plain(value) for key, value in without_blanks(one).items()} for one in found]
    return sorted(kept, key=repr)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value if isinstance(value, bool | int | str | list) else str(value)
