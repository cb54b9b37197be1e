"""The demo folder: made once, made again where something of it is missing or broken."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from churn_mlops.config import Settings, load_settings
from churn_mlops.models.promotion import LiveModels
from churn_mlops.pipelines.demo import demo_settings, make_company
from tests.company import CUSTOMERS, Company


@pytest.fixture
def folder(company: Company, tmp_path: Path) -> Path:
    """A demo folder with a live model; the model is that of another company, which is no matter here."""
    make_company(tmp_path / "demo", CUSTOMERS, 1)
    shutil.copytree(company.settings.models.folder, tmp_path / "demo" / "models")
    return tmp_path / "demo"


def test_a_new_folder_needs_a_model(tmp_path: Path) -> None:
    assert make_company(tmp_path / "demo", 1000, 1)
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {
        "customers.csv", "contract.yaml", "config.yaml", "made-with.txt",
    }  # fmt: skip


def test_a_second_start_makes_and_trains_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != ".lock"}
    assert not make_company(folder, CUSTOMERS, 1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != ".lock"} == before


def test_another_company_is_made_anew(folder: Path) -> None:
    assert make_company(folder, CUSTOMERS, 2)
    assert make_company(folder, CUSTOMERS + 1, 1)


def remove(name: str) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return harm


def break_live(folder: Path) -> None:
    (folder / "models" / "live.json").write_text("[{")


def truncate_bundle(folder: Path) -> None:
    bundle = next((folder / "models" / "bundles").glob("*.bundle"))
    bundle.write_bytes(bundle.read_bytes()[:500])


@pytest.mark.parametrize(
    "harm",
    [
        *map(remove, ["made-with.txt", "customers.csv", "contract.yaml", "config.yaml", "models"]),
        break_live,
        truncate_bundle,
    ],
    ids=["note", "customers", "contract", "config", "models", "live.json broken", "bundle truncated"],
)
def test_a_half_made_folder_heals(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    assert make_company(folder, CUSTOMERS, 1)
    LiveModels(folder / "models").champion()  # nothing is broken that training would stumble over
    assert {"customers.csv", "contract.yaml", "config.yaml"} <= {path.name for path in folder.iterdir()}


def test_the_settings_it_writes_are_those_it_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_company(Path("demo"), 1000, 1)
    assert load_settings(Path("demo/config.yaml"), {}) == demo_settings(Settings(), Path("demo"))
