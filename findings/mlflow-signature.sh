#!/usr/bin/env bash
# A client sends null for an optional boolean, and 12.5 for a whole number (long), to a model with a signature.
# Guess: the server enforces the signature as the loaded model does: null stays missing, and 12.5 is refused.
# Instead: the server converts the JSON by the signature before the model sees it. null becomes False, as if the
# customer had said no, and 12.5 becomes 12. The same model, called in Python, receives None and refuses 12.5.
# Seen with mlflow 3.17.2. github.com/mlflow/mlflow/issues/25593 reports other outcomes of missing values in such
# columns.
# Met: serving one model with MLflow and with `churn serve` (bench/peers), and logging a model that MLflow can serve.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet mlflow==3.17.2 starlette==1.10.0 httpx2==2.16.2 pandas==3.1.1 numpy==2.4.6
cat >model.py <<'EOF'
import mlflow


class Told(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [repr(value) for value in model_input["x"].tolist()]


mlflow.models.set_model(Told())
EOF
venv/bin/python -W ignore - 2>errors.log <<'EOF' || { cat errors.log >&2; exit 1; }
import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc import scoring_server
from mlflow.types import ColSpec, Schema
from starlette.testclient import TestClient

print("mlflow", mlflow.__version__)
found = []
for kind, value in (("boolean", None), ("long", 12.5)):
    signature = ModelSignature(Schema([ColSpec(kind, "x", required=False)]))
    mlflow.pyfunc.save_model(kind, python_model="model.py", signature=signature, pip_requirements=[])
    model = mlflow.pyfunc.load_model(kind)
    server = TestClient(scoring_server.init(model))
    answer = server.post("/invocations", json={"dataframe_records": [{"x": value}]}).json()
    try:
        called = model.predict(pd.DataFrame({"x": pd.array([value], dtype=object)}))
    except mlflow.exceptions.MlflowException as error:
        called = type(error).__name__
    print(f"{value!r} for {kind}: over HTTP {answer}, called in Python {called}")
    found.append((answer.get("predictions"), called))
expected = [(["False"], ["None"]), (["12"], "MlflowException")]
raise SystemExit(0 if found == expected else "the behaviour has changed")
EOF
