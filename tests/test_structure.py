"""The house stays easy to walk: small folders, short files and functions, and no circle of imports."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import LONGEST

SOURCE = Path(__file__).parents[1] / "src" / "churn_mlops"
FILES = sorted(SOURCE.rglob("*.py"))
MOST_FILES, MOST_LINES, MOST_LINES_OF_A_FUNCTION, MOST_FLOORS = 18, 350, 60, 7
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts).removesuffix(".__init__")


def imports_of(file: Path, modules: frozenset[str]) -> set[str]:
    """The modules of ours that a file imports anywhere in it, for its types too."""
    found: set[str] = set()
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.ImportFrom) and node.module:
            submodules = {f"{node.module}.{name.name}" for name in node.names} & modules
            found |= submodules or {node.module}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return (found & modules) - {module_of(file)}


def arrows() -> dict[str, set[str]]:
    modules = frozenset(map(module_of, FILES))
    return {module_of(file): imports_of(file, modules) for file in FILES}


def test_no_folder_holds_more_files_than_one_can_take_in() -> None:
    folders = {folder: len(list(folder.glob("*.py"))) for folder in {file.parent for file in FILES}}
    assert {str(folder): count for folder, count in folders.items() if count > MOST_FILES} == {}


def test_no_file_is_longer_than_its_idea() -> None:
    lengths = {str(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {file: length for file, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_does_too_much() -> None:
    lengths = {
        f"{file}:{node.lineno} {node.name}": _length(node)
        for file in FILES
        for node in ast.walk(parsed(file))
        if isinstance(node, Function)
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_no_import_goes_in_a_circle_not_even_for_a_type() -> None:
    try:
        TopologicalSorter(arrows()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_data_stands_on_few_floors() -> None:
    """A room stands above all rooms that it imports."""
    rooms: dict[str, set[str]] = {}
    for module, imported in arrows().items():
        if (room := _room_of_data(module)) is not None:
            others = {other for name in imported if (other := _room_of_data(name)) not in (None, room)}
            rooms.setdefault(room, set()).update(str(other) for other in others)
    floors: dict[str, int] = {}
    for room in TopologicalSorter(rooms).static_order():
        floors[room] = 1 + max((floors[below] for below in rooms[room]), default=0)
    assert len(rooms) >= 10
    assert max(floors.values()) <= MOST_FLOORS, floors


def _room_of_data(module: str) -> str | None:
    parts = module.split(".")
    return parts[2] if parts[1:2] == ["data"] and len(parts) > 2 else None


def _length(function: Function) -> int:
    """Lines without the docstring."""
    text = ast.get_docstring(function, clean=False)
    described = 0 if text is None else function.body[0].end_lineno - function.body[0].lineno + 1  # type: ignore[operator]
    return int(function.end_lineno or 0) - function.lineno + 1 - described


@pytest.mark.parametrize("page", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_path_of_a_page_about_the_code_is_there(page: str) -> None:
    root = SOURCE.parents[1]
    paths = re.findall(r"`([\w.-]+(?:/[\w.-]+)+/?)`", (root / page).read_text(encoding="utf-8"))
    assert len(paths) > 5
    places = (SOURCE, root)
    assert [
        path for path in paths if not any((at / path).exists() or (at / f"{path}.py").exists() for at in places)
    ] == []


def test_every_test_file_that_comes_first_is_there() -> None:
    assert [name for name in LONGEST if not (Path(__file__).parent / name).is_file()] == []
