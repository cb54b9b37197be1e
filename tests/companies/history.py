"""A small demo company with a history, and settings that point to it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import yaml

from churn_mlops.config import Settings
from churn_mlops.data.demo_company import write_company

CUSTOMERS = 3000
MONTHS = 14
FEATURES = (
    "tenure",
    "monthly_charges",
    "total_charges",
    "contract_type",
    "tech_support",
    "logins_28d",
    "days_since_login",
    "logins_trend",
    "tickets_90d",
    "satisfaction_90d",
)
"""Features that use every aggregate, fewer than in the demo company: an engine computes each of them for each date."""


def write_small_company(folder: Path) -> None:
    """The company's database and contract."""
    files = write_company(folder, CUSTOMERS, MONTHS, 1)
    contract = yaml.safe_load(files.contract.read_text(encoding="utf-8"))
    contract["features"] = {name: contract["features"][name] for name in FEATURES}
    files.contract.write_text(yaml.safe_dump(contract, sort_keys=False), encoding="utf-8")


def copy_small_company(written: Path, folder: Path, record: Path) -> Settings:
    """A copy of the company that was ``written``, and settings for it; ``record`` is an empty MLflow database."""
    shutil.copytree(written, folder, dirs_exist_ok=True)
    shutil.copy(record, folder / "mlflow.db")
    return Settings.model_validate(
        {
            "source": {"url": str(folder / "company.duckdb"), "as_of": "latest"},
            "contract": {"path": folder / "contract.yaml"},
            "models": {"folder": folder / "models"},
            "mlflow": {"uri": f"sqlite:///{folder / 'mlflow.db'}", "artifacts": folder / "artifacts"},
            "store": {
                "url": f"sqlite:///{folder / 'churn.db'}",
                "tombstones": folder / "erasures" / "tombstones.jsonl",
            },
            "training": {"model_type": "logistic_regression", "snapshots": 6},
        }
    )


def latest_recorded_time(settings: Settings) -> datetime:
    """The recorded time of the last row in the company's database."""
    with duckdb.connect(str(settings.source.url), read_only=True) as connection:
        row = connection.execute("SELECT max(loaded_at) FROM usage").fetchone()
    assert row is not None
    found: datetime = row[0]
    return found.replace(tzinfo=UTC)
