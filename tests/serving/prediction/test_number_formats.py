"""A request may hold what the file holds: numbers in its number format, joined texts, one of hundreds of levels."""

import pytest
from fastapi.testclient import TestClient

from churn_mlops.data.contract import DataContract
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel

AREAS = [f"area {number}" for number in range(750)]
FEATURES = {
    "tenure": {"type": "number", "min": 0, "decimal": ",", "thousands": ".", "around": ["months"], "unit": "months"},
    "pay": {"type": "category", "levels": ["CC", "Credit Card", "UPI", "1"], "same": {"Credit Card": ["CC"]}},
    "area": {"type": "category", "levels": AREAS},
}


@pytest.fixture
def client(settings, predictor):
    predictor.contract = DataContract.from_dict({"name": "shop", "features": FEATURES})
    live = ServedModel(predictor, "1", "2026-11-23", "fake")
    with TestClient(create_app(ModelSlot(live), settings), base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize(
    ("sent", "read"), [(1234.5, 1234.5), ("1.234,50 months", 1234.5), (" 7 ", 7.0), ("months 2", 2.0)]
)
def test_a_number_may_be_sent_as_the_file_writes_it(client, predictor, sent, read):
    assert client.post("/predict", json={"tenure": sent, "pay": "UPI", "area": AREAS[700]}).status_code == 200
    assert predictor.rows[0]["tenure"] == read


@pytest.mark.parametrize("sent", ["1,234.50", "12 years", "months", "", "1e999", "-1", True, [1]])
def test_another_number_format_is_refused(client, sent):
    answer = client.post("/predict", json={"tenure": sent, "pay": "UPI", "area": AREAS[0]})
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "tenure"
    if sent == "1,234.50":
        assert answer.json()["error"] == "tenure must be a number, or a text such as 1.234,5 months"


@pytest.mark.parametrize(("sent", "read"), [("CC", "Credit Card"), ("Credit Card", "Credit Card"), (1, "1")])
def test_a_text_that_is_joined_to_a_level_is_that_level(client, predictor, sent, read):
    assert client.post("/predict", json={"tenure": 1, "pay": sent, "area": AREAS[0]}).status_code == 200
    assert predictor.rows[0]["pay"] == read


def test_hundreds_of_levels_are_checked_and_not_listed(client):
    answer = client.post("/predict", json={"tenure": 1, "pay": "UPI", "area": "area 750"})
    assert answer.json()["error"] == "area must be one of the levels that GET /model lists"
    document = client.get("/openapi.json")
    schema = document.json()["components"]["schemas"]["Customer"]["properties"]
    assert schema["area"]["type"] == "string"
    assert "area 749" not in document.text
    assert schema["pay"]["enum"] == ["Credit Card", "UPI", "1"]
    example = document.json()["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/predict", json=example).status_code == 200
    assert client.get("/model").json()["features"][2]["levels"] == AREAS
