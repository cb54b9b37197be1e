"""The tables of rooms, made from the import contracts of ``pyproject.toml`` and the first line of each room."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = "churn_mlops"
SOURCE = ROOT / "src" / PACKAGE
DIVIDED = ("data", "store", "pipelines", "serving")


def _contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return list(settings["tool"]["importlinter"]["contracts"])


def _floors(container: str) -> list[list[str]]:
    """The rooms of a container, the top floor first; those of one floor may not see each other."""
    layers = next(one for one in _contracts() if one["type"] == "layers" and one["containers"] == [container])["layers"]
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def _holds(place: Path) -> str:
    """The first line of a room's docstring."""
    file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0].replace("``", "`").rstrip(".")


def _may_import(room: str, below: list[str]) -> str:
    """The rooms on lower floors, less those that another contract forbids, and the parts that it leaves open."""
    allowed, closed = list(below), []
    for contract in _contracts():
        if contract["type"] != "forbidden" or contract["source_modules"] != [f"{PACKAGE}.{room}"]:
            continue
        forbidden = [name.removeprefix(f"{PACKAGE}.") for name in contract["forbidden_modules"] if PACKAGE in name]
        closed += [name for name in forbidden if "." in name and name.split(".")[0] in allowed]
        allowed = [name for name in allowed if name not in forbidden]
        opened = {line.split(" -> ")[1] for line in contract.get("ignore_imports", ())}
        allowed += sorted(name.removeprefix(f"{PACKAGE}.") for name in opened if name.startswith(PACKAGE))
    listed = ", ".join(f"`{name}`" for name in allowed if not _is_module(name)) or "no other room"
    return listed + (f"; not {', '.join(f'`{name}`' for name in closed)}" if closed else "")


def _is_module(name: str) -> bool:
    return (SOURCE / f"{name}.py").is_file()


def rooms() -> str:
    """The table of the rooms of the package, the top floor first."""
    floors = _floors(PACKAGE)
    lines = ["| room | holds | may import |", "|---|---|---|"]
    for number, floor in enumerate(floors):
        below = [room for lower in floors[number + 1 :] for room in lower]
        lines += [f"| `{room}` | {_holds(SOURCE / room)} | {_may_import(room, below)} |" for room in floor]
    return "\n".join(lines)


def rooms_within() -> str:
    """A table of the rooms within each divided room, the top floor first."""
    parts = []
    for container in DIVIDED:
        lines = [f"### {container}", "", "| room | holds |", "|---|---|"]
        for floor in _floors(f"{PACKAGE}.{container}"):
            lines += [f"| `{container}/{room}` | {_holds(SOURCE / container / room)} |" for room in floor]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def between(page: str, mark: str, content: str) -> str:
    """``page`` with ``content`` between the comments ``mark`` and ``end of mark``."""
    start, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    head, rest = page.split(start)
    return f"{head}{start}\n{content}\n{end}{rest.split(end)[1]}"
