"""The demo folder: made once, made again where something of it is missing or broken."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from churn_mlops.config import Settings, load_settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.demo_company import CompanyFiles
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.onboarding import demo
from churn_mlops.pipelines.onboarding.demo import FEWEST_MONTHS, FIRST_REASON, is_kept, make_company, note_trained
from churn_mlops.pipelines.onboarding.demo_places import demo_settings
from tests.companies.small import Company

CUSTOMERS = 1000
FILES = {"company.duckdb", "contract.yaml", "truth.parquet", "customers.csv", "config.yaml", "made-with.txt"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo folder without a model: not to be changed."""
    folder = tmp_path_factory.mktemp("demo")
    assert make_company(folder, CUSTOMERS, FEWEST_MONTHS, 1)
    return folder


@pytest.fixture
def folder(made: Path, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A demo folder with a live model, where the company is made again as a copy, which is quick.

    The model is that of another company, which is no matter here.
    """

    def copied(folder: Path, *_: object) -> CompanyFiles:
        for name in ("company.duckdb", "contract.yaml", "truth.parquet"):
            shutil.copy(made / name, folder / name)
        return CompanyFiles(*(folder / name for name in ("company.duckdb", "contract.yaml", "truth.parquet")))

    monkeypatch.setattr(demo, "write_company", copied)
    monkeypatch.setattr(demo, "write_flat", lambda files: shutil.copy(made / "customers.csv", files.database.parent))
    shutil.copytree(made, tmp_path / "demo")
    shutil.copytree(company.settings.models.folder, tmp_path / "demo" / "models")
    return tmp_path / "demo"


def test_a_new_folder_holds_the_company_and_needs_a_model(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == FILES


def test_a_second_start_makes_and_trains_nothing(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != ".lock"}
    assert not make_company(folder, CUSTOMERS, FEWEST_MONTHS, 1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != ".lock"} == before


@pytest.mark.parametrize(
    ("customers", "months", "seed"),
    [(CUSTOMERS, FEWEST_MONTHS, 2), (CUSTOMERS, FEWEST_MONTHS + 1, 1), (CUSTOMERS + 1, FEWEST_MONTHS, 1)],
    ids=["seed", "months", "customers"],
)
def test_another_company_is_made_afresh_and_nothing_stays_of_the_one_before(
    folder: Path, customers: int, months: int, seed: int
) -> None:
    (folder / "churn.db").touch()
    before = (folder / "company.duckdb").stat().st_mtime_ns
    assert make_company(folder, customers, months, seed)
    assert (folder / "company.duckdb").stat().st_mtime_ns > before
    assert {path.name for path in folder.iterdir()} == FILES


def test_a_new_company_ends_yesterday_and_is_kept_on_later_days(folder: Path) -> None:
    note = folder / "made-with.txt"
    yesterday = f"last_day={date.today() - timedelta(days=1)}\n"
    assert note.read_text().endswith(yesterday)
    note.write_text(note.read_text().replace(yesterday, "last_day=2026-03-05\n"))
    assert not make_company(folder, CUSTOMERS, FEWEST_MONTHS, 1)
    assert not make_company(folder, CUSTOMERS, FEWEST_MONTHS, 1, date(2026, 3, 5))
    assert make_company(folder, CUSTOMERS, FEWEST_MONTHS, 1, date(2026, 3, 6))
    assert note.read_text().endswith("last_day=2026-03-06\n")


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


def stop_in_training(folder: Path) -> None:
    """The model of half a year ago is live, and today's is not made."""
    live = folder / "models" / "live.json"
    entries = json.loads(live.read_text(encoding="utf-8"))
    for entry in entries:
        entry["reason"] = FIRST_REASON
    live.write_text(json.dumps(entries), encoding="utf-8")
    (folder / "churn.db").touch()


@pytest.mark.parametrize(
    "harm",
    [
        *map(remove, ["made-with.txt", "company.duckdb", "customers.csv", "contract.yaml", "config.yaml", "models"]),
        break_live,
        truncate_bundle,
        stop_in_training,
    ],
    ids=[
        "note",
        "database",
        "customers",
        "contract",
        "config",
        "models",
        "live.json broken",
        "bundle truncated",
        "stopped",
    ],
)
def test_a_half_made_folder_heals(folder: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    assert make_company(folder, CUSTOMERS, FEWEST_MONTHS, 1)
    BundleCache(folder / "models").champion()  # nothing is broken that training would stumble over
    assert {path.name for path in folder.iterdir()} >= FILES
    assert not (folder / "churn.db").exists()  # half a year begins again with no lists


def test_the_settings_it_writes_are_those_it_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "write_company", lambda *_: None)
    monkeypatch.setattr(demo, "write_flat", lambda _: None)
    make_company(Path("demo"), CUSTOMERS, FEWEST_MONTHS, 1)
    assert load_settings(Path("demo/config.yaml"), {}) == demo_settings(Settings(), Path("demo"))


def test_the_flat_file_has_a_row_a_customer_and_the_eight_fields_of_a_request(made: Path) -> None:
    contract = load_contract(made / "contract.yaml")
    assert isinstance(contract, HistoryContract)
    with (made / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    required = [name for name, feature in contract.features.items() if feature.required]
    assert len(required) == 8
    assert list(rows[0]) == ["customer_id", *required, "churned"]
    assert len({row["customer_id"] for row in rows}) == len(rows) > 0.95 * CUSTOMERS
    labels = Counter(row["churned"] for row in rows)
    assert set(labels) == {"", "yes", "no"}
    assert 0.2 < labels[""] / len(rows) < 0.3
    assert 0.02 < labels["yes"] / (labels["yes"] + labels["no"]) < 0.08
    for row in rows:
        assert row["tenure"].isdecimal()
        assert row["internet_service"] in ("dsl", "fiber_optic", "no")


def test_a_demo_whose_model_of_today_did_not_go_live_is_complete_too_and_another_company_is_not(folder: Path) -> None:
    stop_in_training(folder)
    assert not is_kept(folder, CUSTOMERS, FEWEST_MONTHS, 1)
    note_trained(folder)
    assert is_kept(folder, CUSTOMERS, FEWEST_MONTHS, 1)
    assert make_company(folder, CUSTOMERS, FEWEST_MONTHS, 2)
    assert not (folder / "trained.txt").exists()
