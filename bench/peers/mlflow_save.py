"""Saves the MLflow models: `python -m bench.peers.mlflow_save FOLDER`, in which the trees stand as `trees`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import infer_signature

HERE = Path(__file__).parent


def save(folder: Path) -> None:
    """Write the models ``mlflow_pipeline`` and ``mlflow_lean`` into ``folder``."""
    example = pd.DataFrame([json.loads((folder / "example.json").read_text(encoding="utf-8"))])
    example = example.astype(dict.fromkeys(example.select_dtypes("number"), float))
    signature = infer_signature(example, pd.Series([0.5]).to_numpy())
    trees = {"trees": str(folder / "trees")}
    for name, signed in (("mlflow_pipeline", {"signature": signature}), ("mlflow_lean", {})):
        mlflow.pyfunc.save_model(
            folder / name, python_model=str(HERE / f"{name}.py"), artifacts=trees, pip_requirements=["mlflow"], **signed
        )


if __name__ == "__main__":
    save(Path(sys.argv[1]))
