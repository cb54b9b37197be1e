"""The settings, and the keys of a contract's file: what may stand in them, without prose."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from churn_mlops.config import Settings, read_settings
from churn_mlops.data import DataContract
from tests.surface.collect import HistoryContract
from tests.surface.interface import without_prose


def described() -> dict[str, Any]:
    """Every setting: type, default, bounds and unit, and its variable in the environment."""
    found = {}
    for name, section in _schema(Settings)["properties"].items():
        for key, setting in section["properties"].items():
            kept = without_prose(setting) | {"environment": _variable(f"{name}.{key}")}
            found[f"{name}.{key}"] = kept
    return found


def contracts() -> dict[str, Any]:
    """The grammar of a contract: of one flat table, and of a history."""
    return {"flat": without_prose(_schema(DataContract)), "history": without_prose(_schema(HistoryContract))}


def _variable(key: str) -> str | None:
    """The variable that sets ``key``: the one that is documented, where it does."""
    name = f"CHURN__{key.replace('.', '__').upper()}"
    reading = read_settings(Path(os.devnull), {name: ""})
    return name if reading.origins.get(key) == name else None


def _schema(model: Any) -> Any:
    """The schema of ``model``, its parts where they are used: the names of their classes are our own affair."""
    schema = model.model_json_schema()
    return _inlined(schema, schema.pop("$defs"))


def _inlined(node: Any, parts: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, parts) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        node = {key: item for key, item in node.items() if key != "$ref"} | parts[node["$ref"].rpartition("/")[2]]
    return {key: _inlined(item, parts) for key, item in node.items()}
