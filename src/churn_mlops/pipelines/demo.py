"""The demo: makes the demo company in a folder of its own, and settings that point there."""

from __future__ import annotations

import shutil
from pathlib import Path

from churn_mlops.config import Settings
from churn_mlops.data.demo import write_demo
from churn_mlops.data.writing import write_whole
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.promotion import LiveModels

_CONFIG = """\
# Settings of the demo company: churn --config {folder}/config.yaml COMMAND
source:
  url: {folder}/customers.csv
contract:
  path: {folder}/contract.yaml
models:
  folder: {folder}/models
mlflow:
  uri: sqlite:///{folder}/mlflow/mlflow.db
  artifacts: {folder}/mlflow/artifacts
"""


def demo_settings(settings: Settings, folder: Path) -> Settings:
    """``settings`` with source, contract, models and MLflow inside ``folder``."""
    return settings.model_copy(
        update={
            "source": settings.source.model_copy(update={"url": str(folder / "customers.csv"), "table": None}),
            "contract": settings.contract.model_copy(update={"path": folder / "contract.yaml"}),
            "models": settings.models.model_copy(update={"folder": folder / "models"}),
            "mlflow": settings.mlflow.model_copy(
                update={
                    "uri": f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}",
                    "artifacts": folder / "mlflow" / "artifacts",
                }
            ),
        }
    )


def make_company(folder: Path, customers: int, seed: int) -> bool:
    """Write the demo company, unless ``folder`` has the same one with a live model already.

    Returns:
        Whether a model has still to be trained.
    """
    mark = f"customers={customers} seed={seed}\n"
    note = folder / "made-with.txt"
    files = [folder / name for name in ("customers.csv", "contract.yaml", "config.yaml")]
    made = all(file.exists() for file in (note, *files)) and note.read_text(encoding="utf-8") == mark
    if _has_model(folder / "models") and made:
        return False
    write_demo(folder, customers, seed)
    write_whole(folder / "config.yaml", _CONFIG.format(folder=folder).encode())
    write_whole(note, mark.encode())
    return True


def _has_model(folder: Path) -> bool:
    """Whether a model is live; a folder that cannot be trusted is removed, since the demo can make it again."""
    try:
        return LiveModels(folder).champion() is not None
    except (BundleError, PromotionError):
        shutil.rmtree(folder, ignore_errors=True)
        return False
