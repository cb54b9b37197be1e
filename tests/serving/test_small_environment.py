"""Fit to score without skew: what was fitted here scores alike where only the serving requirements are installed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from churn_mlops.models import ChurnModel
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from tests.companies.customers import customers
from tests.companies.models_folder import fill_folder

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = {"tables": ROOT / ".venv" / "serving", "trees": ROOT / ".venv" / "serving-trees"}
HEAVY = {"sklearn", "pandas", "mlflow", "pyarrow", "ibis", "duckdb"}
ROWS = 4_000

SCORE = """
import json, random, sys
from pathlib import Path
from churn_mlops.models.inference import ChurnPredictor

folder = Path(sys.argv[1])
rows = json.loads((folder / "rows.json").read_text())
predictor = ChurnPredictor.load(folder / "model.bundle")
shuffled = [dict(random.Random(7).sample(list(row.items()), len(row))) for row in rows]
columns = {name: [row[name] for row in rows] for name in reversed(rows[0])}
answers = {
    "one by one": [predictor.score_one(row) for row in rows],
    "one by one, other order": [predictor.score_one(row) for row in shuffled],
    "batch of rows": predictor.score(rows).tolist(),
    "batch of rows, other order": predictor.score(shuffled).tolist(),
    "batch of columns, other order": predictor.score(columns).tolist(),
}
print(json.dumps({"answers": answers, "modules": sorted(sys.modules)}))
"""

HTTP = """
import json, sys
from pathlib import Path
import asyncio
from churn_mlops.config import load_settings
from churn_mlops.logs import configure
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.model.model_watcher import load_champion

configure("error")
folder = Path(sys.argv[1])
settings = load_settings(folder / "config.yaml", environ={})
app = create_app(ModelSlot(load_champion(settings)), settings)
rows = json.loads((folder / "rows.json").read_text())

async def post(path, body):
    sent, status = b"", 0
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}
    async def send(message):
        nonlocal sent, status
        status = message.get("status", status)
        sent += message.get("body", b"")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
             "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": [],
             "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {}}
    await app(scope, receive, send)
    assert status == 200, (status, sent[:500])
    return json.loads(sent)

async def main():
    batch = await post("/predict/batch", {"customers": rows})
    one_by_one = [(await post("/predict", row))["churn_probability"] for row in rows[:1000]]
    return {"batch": [answer["churn_probability"] for answer in batch["predictions"]], "one by one": one_by_one}

answers = asyncio.run(main())
print(json.dumps({"answers": answers, "modules": sorted(sys.modules)}))
"""


@pytest.fixture(scope="module")
def fresh_rows() -> list[dict[str, Any]]:
    """Customers as a request holds them: every number a number, every missing value null."""
    frame = customers(ROWS, seed=11)
    frame["charges"] = [None if text in (" ", "n/a") else float(text) for text in frame["charges"]]
    return [{name: value for name, value in row.items()} for row in json.loads(frame.to_json(orient="records"))]


def run(script: str, folder: Path, kind: str = "tables") -> dict[str, Any]:
    """The output of ``script`` in the environment that has the serving requirements for a model of ``kind`` alone."""
    python = ENVIRONMENTS[kind] / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{python} is not there: `make test` makes it")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [python, "-c", script, str(folder)], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    loaded = {name.split(".")[0] for name in answer["modules"]}
    assert not loaded & (HEAVY if kind == "trees" else HEAVY | {"lightgbm", "scipy"})
    return answer


def kind_of(model: ChurnModel) -> str:
    return "tables" if isinstance(model.bundle_.model, AdditiveTables) else "trees"


@pytest.mark.parametrize("package", ["lightgbm", "sklearn", "pandas", "mlflow", "pyarrow", "scipy"])
def test_the_small_environment_is_small(package: str, tmp_path: Path) -> None:
    answer = run("import importlib.util, json; print(json.dumps({'modules': [], 'found': [importlib.util.find_spec("
                 f"'{package}') is not None]" "}))", tmp_path)  # fmt: skip
    assert answer["found"] == [False]


def test_scores_are_those_of_the_fitted_model(
    model: ChurnModel, fresh_rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    expected = model.predictor.score(fresh_rows)
    (tmp_path / "rows.json").write_text(json.dumps(fresh_rows))
    model.save(tmp_path / "model.bundle")
    for way, scores in run(SCORE, tmp_path, kind_of(model))["answers"].items():
        np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-9, err_msg=way)


def test_answers_over_http_are_those_of_the_fitted_model(
    model: ChurnModel, fresh_rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    rows = [row for row in fresh_rows if row["channel"] is not None and row["charges"] is not None]
    expected = model.predictor.score(rows)
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    fill_folder(tmp_path / "models", model.bundle_)
    (tmp_path / "config.yaml").write_text(
        f"models: {{folder: {tmp_path / 'models'}}}\nserving: {{max_batch_rows: {ROWS}, max_body_bytes: 10000000}}\n"
    )
    answers = run(HTTP, tmp_path, kind_of(model))["answers"]
    np.testing.assert_allclose(answers["batch"], expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(answers["one by one"], expected[:1000], rtol=0, atol=1e-9)
