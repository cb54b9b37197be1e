"""What is released: the same bytes for the same source, all that is needed, and nothing of the tests."""

from __future__ import annotations

import re
import subprocess
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from churn_mlops import __version__
from tests.release import ROOT, bare_environ, build, environment, install

PACKAGE = ROOT / "src" / "churn_mlops"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return build(tmp_path_factory.mktemp("built"))


def test_the_same_source_gives_the_same_bytes(built: dict[str, Path], tmp_path: Path) -> None:
    again = build(tmp_path / "again")
    later = build(tmp_path / "later", epoch="1800000000")
    for kind, file in built.items():
        assert again[kind].read_bytes() == file.read_bytes()
        assert later[kind].read_bytes() != file.read_bytes()


def test_the_wheel_holds_the_whole_package_and_nothing_else(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = {f"churn_mlops/{file.relative_to(PACKAGE)}" for file in PACKAGE.rglob("*") if file.is_file()}
    assert held == {name for name in files if "__pycache__" not in name}
    for needed in ("py.typed", "serving/console/texts/en.toml", "serving/console/static/console.css"):
        assert f"churn_mlops/{needed}" in held
    assert any("/store/database/migrations/versions/" in name for name in held)


def test_the_wheel_can_be_built_from_the_sdist(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        sdist.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    assert {path.name for path in unpacked.iterdir() if path.is_dir()} == {"src", "tests", "docs"}
    assert build(tmp_path / "dist", source=unpacked)["wheel"].read_bytes() == built["wheel"].read_bytes()


def test_the_version_stands_in_one_place_and_the_changelog_is_about_it(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        about = message_from_string(wheel.read(f"churn_mlops-{__version__}.dist-info/METADATA").decode())
    assert about["Version"] == __version__
    assert f'"{__version__}"' not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert headings[1:] == sorted(set(headings[1:]), key=lambda text: [int(part) for part in text.split(".")])[::-1]
    assert __version__ in headings or headings == ["Unreleased"]


def test_the_demo_runs_from_the_wheel_in_an_empty_folder(built: dict[str, Path], tmp_path: Path) -> None:
    python = environment(tmp_path / "environment")
    install(python, built["wheel"])
    work = tmp_path / "empty"
    work.mkdir()
    churn = str(python.with_name("churn"))
    environ = bare_environ(CHURN__TRAINING__MODEL_TYPE="logistic_regression")

    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=work, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run(str(python), "-c", "import churn_mlops; print(churn_mlops.__file__)").startswith(str(tmp_path))
    assert run(churn, "--version") == f"churn-mlops {__version__}\n"
    said = run(churn, "demo", "--customers", "2000", "--months", "9", "--last-day", "2026-10-31", "--no-serve")
    assert "Published in demo/churn.db." in said
    assert [path.name for path in work.iterdir()] == ["demo"]
