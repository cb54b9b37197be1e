"""The locks hold what pyproject.toml declares: exact versions, hashes, and no address of any index."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
FULL, SERVING, TREES, OTEL, DEV, BUILD = LOCKS = (
    "requirements.txt",
    "requirements-serving.txt",
    "requirements-serving-trees.txt",
    "requirements-serving-otel.txt",
    "requirements-dev.txt",
    "requirements-build.txt",
)
PEERS = "bench/peers/requirements.txt"
SHIFTS = "bench/shifts/requirements.txt"
INFRA = "tests/infra/requirements.txt"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(file: str) -> dict[str, Requirement]:
    """Name to requirement of every entry of a lock; an entry is one line once continued lines are joined."""
    text = re.sub(r"\s*\\\n\s*", " ", (ROOT / file).read_text(encoding="utf-8"))
    entries = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for entry in entries:
        assert re.search(r" --hash=sha256:[0-9a-f]{64}\b", entry), f"{file}: no hash for {entry[:60]}"
    found = [Requirement(entry.split(" --hash")[0]) for entry in entries]
    names = [canonicalize_name(requirement.name) for requirement in found]
    assert len(set(names)) == len(names), f"{file} holds a package twice"
    return dict(zip(names, found, strict=True))


def version(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return specifier.version


def group(name: str) -> list[str]:
    """The requirements of a dependency group, those of the groups it includes among them."""
    items = PROJECT["dependency-groups"][name]
    return [text for item in items for text in (group(item["include-group"]) if isinstance(item, dict) else [item])]


def names_in(file: str) -> list[str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("file", "declared"),
    [
        (FULL, PROJECT["project"]["dependencies"]),
        (SERVING, names_in("requirements-serving.in")),
        (TREES, [*names_in("requirements-serving.in"), "lightgbm"]),
        (OTEL, [*names_in("requirements-serving.in"), *PROJECT["project"]["optional-dependencies"]["otel"]]),
        (DEV, PROJECT["project"]["dependencies"] + group("dev")),
        (BUILD, PROJECT["build-system"]["requires"] + group("build")),
        (PEERS, names_in("bench/peers/requirements.in")),
        (SHIFTS, names_in("bench/shifts/requirements.in")),
        (INFRA, names_in("tests/infra/requirements.in")),
    ],
    ids=[*LOCKS, PEERS, SHIFTS, INFRA],
)
def test_every_declared_dependency_is_locked_within_its_bounds(file: str, declared: list[str]) -> None:
    entries = locked(file)
    for requirement in map(Requirement, declared):
        entry = entries.get(canonicalize_name(requirement.name))
        assert entry is not None, f"{file} lacks {requirement.name}: run `make lock`"
        assert requirement.specifier.contains(version(entry)), f"{file}: {entry} is not {requirement}: run `make lock`"


@pytest.mark.parametrize(
    ("part", "whole"), [(SERVING, TREES), (TREES, FULL), (FULL, DEV), (BUILD, DEV), (SERVING, OTEL), (OTEL, DEV)]
)
def test_a_smaller_lock_holds_the_versions_of_the_larger(part: str, whole: str) -> None:
    larger = locked(whole)
    for name, entry in locked(part).items():
        assert name in larger, f"{part} holds {name}, {whole} does not: run `make lock`"
        assert version(entry) == version(larger[name]), f"{name} differs between {part} and {whole}: run `make lock`"


def test_serving_declares_only_what_the_project_declares() -> None:
    project = {Requirement(text).name for text in PROJECT["project"]["dependencies"]}
    assert {Requirement(text).name for text in names_in("requirements-serving.in")} <= project


def test_serving_holds_no_heavy_library() -> None:
    heavy = {"pandas", "scikit-learn", "scipy", "mlflow", "mlflow-skinny", "lightgbm", "duckdb", "pyarrow"}
    assert not heavy & set(locked(SERVING))
    # LightGBM needs SciPy for its own sparse inputs.
    assert heavy & set(locked(TREES)) == {"lightgbm", "scipy"}


def test_peers_score_with_the_same_lightgbm() -> None:
    assert version(locked(PEERS)["lightgbm"]) == version(locked(FULL)["lightgbm"])


@pytest.mark.parametrize("file", [*LOCKS, PEERS, SHIFTS, INFRA])
def test_a_lock_names_no_address_and_no_path(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host|file:| @ ", text)


@pytest.mark.parametrize("stamp", [".run", ".dev"])
def test_a_new_version_of_the_project_is_installed_again(tmp_path: Path, stamp: str) -> None:
    version = "src/churn_mlops/__init__.py"
    sources = ("requirements-build.txt", "requirements.txt", "requirements-dev.txt", "pyproject.toml", version)
    for made_at, name in enumerate((*sources, ".venv/.python", ".venv/.tools", f".venv/{stamp}")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (made_at, made_at))
    asked = ["make", "--question", "--makefile", str(ROOT / "Makefile"), f".venv/{stamp}"]
    assert subprocess.run(asked, cwd=tmp_path, check=False).returncode == 0
    os.utime(tmp_path / version, (99, 99))
    assert subprocess.run(asked, cwd=tmp_path, check=False).returncode == 1
