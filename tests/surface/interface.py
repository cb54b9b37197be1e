"""The recorded part of documents that describe an interface: everything but prose, which is free to change."""

from __future__ import annotations

from typing import Any

_PROSE = {"description", "summary", "title", "example", "examples"}
_HOLD_NAMES = {"properties", "$defs", "schemas", "paths", "headers", "responses", "securitySchemes", "callbacks"}
"""Below these, keys are names that a person chose, such as a field called ``title``."""


def without_prose(node: Any, *, names: bool = False) -> Any:
    """A JSON schema or an OpenAPI document without its prose.

    Args:
        node: the document, or a part of it.
        names: whether the keys of this part are names.
    """
    if isinstance(node, list):
        return [without_prose(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: item for key, item in node.items() if names or key not in _PROSE or not _is_prose(key, item)}
    return {key: without_prose(item, names=not names and key in _HOLD_NAMES) for key, item in kept.items()}


def _is_prose(key: str, item: Any) -> bool:
    return key in ("example", "examples") or isinstance(item, str)


def without_blanks(described: dict[str, Any]) -> dict[str, Any]:
    """What is neither None, false nor empty."""
    return {key: item for key, item in described.items() if item not in (None, False, [], {})}


def shape(document: Any) -> Any:
    """Names and types of a JSON document, without its values; a list shows all that its items are."""
    if isinstance(document, dict):
        return {key: shape(item) for key, item in document.items()}
    if isinstance(document, list):
        return [_together([shape(item) for item in document])] if document else []
    if document is None or isinstance(document, bool | str):
        return type(document).__name__.replace("NoneType", "null")
    return "number"


def _together(shapes: list[Any]) -> Any:
    """One shape of all ``shapes``."""
    if all(isinstance(one, dict) for one in shapes):
        keys = sorted({key for one in shapes for key in one})
        return {key: _together([one[key] for one in shapes if key in one]) for key in keys}
    if all(isinstance(one, list) for one in shapes):
        items = [item for one in shapes for item in one]
        return [_together(items)] if items else []
    different = sorted({one if isinstance(one, str) else type(one).__name__ for one in shapes})
    return " or ".join(different)
