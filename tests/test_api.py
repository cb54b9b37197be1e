"""The API on a real model of the demo company: what README and docs/api.md promise."""

import json
import math
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.errors import PromotionError
from churn_mlops.models import ChurnModel
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.model_watcher import load_champion
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.prediction_log import records_of
from tests.companies.flat import demo_columns, write_demo
from tests.companies.models_folder import fill_folder

CUSTOMER = {
    "tenure": 12,
    "monthly_charges": 65.50,
    "total_charges": 786.00,
    "contract_type": "month-to-month",
    "payment_method": "electronic_check",
    "internet_service": "fiber_optic",
    "tech_support": "no",
    "online_security": "no",
}
LOYAL = CUSTOMER | {"tenure": 60, "contract_type": "two_year", "tech_support": "yes", "online_security": "yes"}


@pytest.fixture(scope="module")
def company():
    return pd.DataFrame(demo_columns(6_000, seed=1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def model(company, folder):
    contract = DataContract.load(write_demo(folder, 10).contract)
    known = company[company["churned"] != ""]
    return ChurnModel("additive_boosting", contract=contract, seed=1).fit(known[list(CUSTOMER)], known["churned"])


@pytest.fixture(scope="module")
def settings(folder):
    return Settings.model_validate({"models": {"folder": str(folder / "models")}})


@pytest.fixture(scope="module")
def client(model, settings):
    fill_folder(settings.models.folder, model.bundle_, version="3", provenance={"rows": 4500})
    store = StoreClient(f"sqlite:///{settings.models.folder.parent}/churn.db")
    app = create_app(ModelSlot(load_champion(settings)), settings, store=store)
    with TestClient(app, base_url="http://localhost") as client:
        yield client
    store.close()


def test_predict_answers_exactly_the_four_keys(client):
    response = client.post("/predict", json=CUSTOMER)
    answer = response.json()
    assert response.status_code == 200
    assert list(answer) == ["prediction", "will_churn", "churn_probability", "confidence"]
    assert answer["prediction"] == 1
    assert answer["will_churn"] is True
    assert 0.5 <= answer["churn_probability"] == answer["confidence"] <= 1
    assert response.headers["X-Model-Version"] == "3"


def test_another_customer_gets_another_probability(client):
    answer = client.post("/predict", json=LOYAL).json()
    assert answer["prediction"] == 0
    assert answer["churn_probability"] < 0.1
    assert answer["confidence"] == 1 - answer["churn_probability"]


def test_scores_through_http_are_those_of_the_fitted_model(client, model, company):
    customers = company[list(CUSTOMER)].head(200)
    expected = model.predict_proba(customers)[:, 1]
    rows = customers.to_dict("records")
    batch = client.post("/predict/batch", json={"customers": rows}).json()["predictions"]
    singles = [client.post("/predict", json=dict(reversed(row.items()))).json() for row in rows]
    assert np.allclose([one["churn_probability"] for one in batch], expected, rtol=0, atol=1e-9)
    assert np.allclose([one["churn_probability"] for one in singles], expected, rtol=0, atol=1e-9)


def test_reasons_add_up_to_the_difference_from_the_average_customer(client, model):
    answer = client.post("/predict?explain=true", json=CUSTOMER).json()
    points = [reason["points"] for reason in answer["reasons"]]
    base = 1 / (1 + math.exp(-model.bundle_.model.intercept))
    assert {reason["feature"] for reason in answer["reasons"]} == set(CUSTOMER)
    assert sum(points) == pytest.approx(100 * (answer["churn_probability"] - base), abs=0.51)
    assert points == sorted(points, key=abs, reverse=True)
    assert all(reason["text"] for reason in answer["reasons"])
    assert answer["risk_band"] == "high"
    assert answer["action"] == "offer"


def test_model_states_its_version_features_and_provenance(client):
    card = client.get("/model").json()
    assert card["version"] == "3"
    assert card["contract"] == "demo"
    assert [feature["name"] for feature in card["features"]] == list(CUSTOMER)
    assert card["provenance"] == {"rows": 4500}


def test_the_documented_example_works(client):
    paths = client.get("/openapi.json").json()["paths"]
    for path in ["/predict", "/predict/batch"]:
        example = paths[path]["post"]["requestBody"]["content"]["application/json"]["example"]
        assert client.post(path, json=example).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/openapi.json"])
def test_the_other_routes_answer(client, path):
    assert client.get(path).status_code == 200


def test_without_a_champion_there_is_nothing_to_serve(tmp_path):
    settings = Settings.model_validate({"models": {"folder": str(tmp_path)}})
    with pytest.raises(PromotionError, match="churn train"):
        load_champion(settings)


SERVE = """
from churn_mlops import logs
from churn_mlops.config import load_settings
from churn_mlops.serving.server import serve
logs.configure()
serve(load_settings(), announce=lambda address: print(address, flush=True))
"""


def test_a_server_process_answers_until_it_is_stopped_and_logs_what_it_answered(client, model, settings, tmp_path):
    """In a process of its own, since stopping is by signal; ``client`` has published the model."""
    environ = os.environ | {
        "CHURN__MODELS__FOLDER": str(settings.models.folder),
        "CHURN__SERVING__PORT": "0",
        "PYTHONPATH": str(Path(__file__).parents[1] / "src"),
    }
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            request = urllib.request.Request(f"{address}/predict", json.dumps(CUSTOMER).encode(), method="POST")
            with urllib.request.urlopen(request, timeout=10) as response:
                prediction_id = response.headers["X-Prediction-Id"]
                assert json.load(response) == client.post("/predict", json=CUSTOMER).json()
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0
        finally:
            process.kill()
    assert list(tmp_path.iterdir()) == [tmp_path / "store"]
    with open_store(f"sqlite:///{tmp_path}/store/churn.db") as store:
        [answer] = records_of(store, prediction_id)
    assert json.loads(answer.inputs) == CUSTOMER
    assert (answer.model_version, answer.model_sha256) == ("3", model.bundle_.sha256)


DOCS = (Path(__file__).parents[1] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_route_is_documented(client):
    paths = client.get("/openapi.json").json()["paths"]
    assert [path for path in [*paths, "/docs", "/openapi.json", "/metrics"] if path not in DOCS] == []
