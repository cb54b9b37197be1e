"""A small demo company in a folder, with settings that point there: what tests of the jobs and of the command share."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.pipelines.training.train import Trained, train
from tests.companies.flat import write_demo

CUSTOMERS = 3000
Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Company:
    """A folder with customers, contract, MLflow database and, once trained, models."""

    folder: Path
    settings: Settings
    trained: Trained | None = None

    @property
    def live(self) -> Path:
        """Says which model is live."""
        return self.settings.models.folder / "live.json"

    def rows(self) -> Rows:
        """The customer file."""
        with (self.folder / "customers.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def rewrite(self, change: Callable[[Rows], Rows]) -> None:
        """Change the customer file."""
        write_rows(self.folder / "customers.csv", change(self.rows()))

    def with_settings(self, section: str, **values: Any) -> Company:
        """The same company under changed settings."""
        changed = getattr(self.settings, section).model_copy(update=values)
        return Company(self.folder, self.settings.model_copy(update={section: changed}), self.trained)

    def config(self) -> Path:
        """The settings as a file, for the command line."""
        path = self.folder / "config.yaml"
        place, record = self.settings.source, self.settings.mlflow
        path.write_text(
            f"source: {{url: {place.url}}}\n"
            f"contract: {{path: {self.settings.contract.path}}}\n"
            f"models: {{folder: {self.settings.models.folder}}}\n"
            f'mlflow: {{uri: "{record.uri}", artifacts: {record.artifacts}}}\n'
            f'store: {{url: "{self.settings.store.url}", tombstones: {self.settings.store.tombstones}}}\n'
            f"training: {{model_type: {self.settings.training.model_type}}}\n",
            encoding="utf-8",
        )
        return path


def settings_in(folder: Path) -> Settings:
    """Settings that name only places inside ``folder``, and the model type that is fitted fastest."""
    return Settings.model_validate(
        {
            "source": {"url": str(folder / "customers.csv")},
            "contract": {"path": folder / "contract.yaml"},
            "models": {"folder": folder / "models"},
            "mlflow": {"uri": f"sqlite:///{folder / 'mlflow.db'}", "artifacts": folder / "artifacts"},
            "store": {
                "url": f"sqlite:///{folder / 'churn.db'}",
                "tombstones": folder / "erasures" / "tombstones.jsonl",
            },
            "training": {"model_type": "logistic_regression"},
        }
    )


def new_company(folder: Path, record: Path) -> Company:
    """A company without a model; ``record`` is an empty MLflow database, since making one takes seconds."""
    write_demo(folder, CUSTOMERS, 1)
    shutil.copy(record, folder / "mlflow.db")
    return Company(folder, settings_in(folder))


def trained_company(folder: Path, record: Path) -> Company:
    """A company with its first model live."""
    company = new_company(folder, record)
    return Company(folder, company.settings, train(company.settings))


def copy_of(company: Company, folder: Path) -> Company:
    """A copy to change, with nothing published; artifacts stay where they are: MLflow keeps their absolute paths."""
    shutil.copytree(company.folder, folder, ignore=shutil.ignore_patterns("artifacts", "churn.db*"), dirs_exist_ok=True)
    return Company(folder, settings_in(folder), company.trained)


def write_rows(path: Path, rows: Rows) -> Path:
    """Write a customer file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
