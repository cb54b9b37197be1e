"""The notebook runs as it stands, prints what it shows, and holds nothing of the machine it ran on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
FILE = ROOT / "notebooks" / "exploration.ipynb"
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*")


@pytest.fixture(scope="module")
def shown() -> Any:
    return nbformat.read(FILE, as_version=4)


@pytest.fixture(scope="module")
def run_again(tmp_path_factory: pytest.TempPathFactory) -> Any:
    file = tmp_path_factory.mktemp("notebook") / "again.ipynb"
    ended = subprocess.run(
        [sys.executable, str(ROOT / "docs/notebook.py"), str(file)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return nbformat.read(file, as_version=4)


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def texts(notebook: Any) -> list[str]:
    """What each cell prints or shows as text."""
    return [output.get("text") or output.data["text/plain"] for output in outputs(notebook)]


def test_every_cell_runs_and_none_warns(run_again: Any) -> None:
    assert {output.output_type for output in outputs(run_again)} == {"stream", "execute_result"}
    assert {output.name for output in outputs(run_again) if output.output_type == "stream"} == {"stdout"}


def test_it_prints_what_it_shows(shown: Any, run_again: Any) -> None:
    for before, now in zip(texts(shown), texts(run_again), strict=True):
        assert NUMBER.sub("#", now).split() == NUMBER.sub("#", before).split(), "run `make notebook`"
        numbers = [[float(text.replace(",", "")) for text in NUMBER.findall(found)] for found in (before, now)]
        assert numbers[1] == pytest.approx(numbers[0], rel=0.02, abs=0.002), "run `make notebook`"


def test_its_pictures_have_titles_and_named_axes(shown: Any) -> None:
    pictures = [output.data["image/svg+xml"] for output in outputs(shown) if "image/svg+xml" in output.get("data", {})]
    assert len(pictures) == 5
    for picture in pictures:
        assert "role-title" in picture
        assert picture.count("role-axis-title") >= 1


def test_it_is_small_and_shows_nothing_of_the_machine(shown: Any) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert not re.search(r"/home|/tmp|/root|/usr|/work|execution\"|iopub", text)
    assert set(shown.metadata) == {"kernelspec"}
