"""The answer of each route to a good request."""

import json
import re
from datetime import date

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from churn_mlops.config import Settings
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel

FOUR_KEYS = ["prediction", "will_churn", "churn_probability", "confidence"]


def test_a_prediction_has_exactly_four_keys(client, customer):
    response = client.post("/predict", json=customer | {"tenure": 0.25})
    assert response.status_code == 200
    assert response.text == '{"prediction": 1, "will_churn": true, "churn_probability": 0.8, "confidence": 0.8}'


def test_confidence_is_that_of_the_predicted_class(client, customer):
    answer = client.post("/predict", json=customer | {"tenure": 4}).json()
    assert answer == {"prediction": 0, "will_churn": False, "churn_probability": 0.2, "confidence": 0.8}


def test_the_threshold_itself_counts_as_churn(client, customer):
    assert client.post("/predict", json=customer | {"tenure": 1}).json()["will_churn"] is True
    assert client.post("/predict", json=customer | {"tenure": 1.000001}).json()["will_churn"] is False


def test_probability_keeps_all_its_digits(client, customer):
    answer = client.post("/predict", json=customer | {"tenure": 2}).json()
    assert answer["churn_probability"] == 1 / 3


def test_version_prediction_id_and_date_travel_as_headers(source, settings, customer):
    with TestClient(
        create_app(source, settings, clock=lambda: date(2026, 11, 23)), base_url="http://localhost"
    ) as client:
        first, second = (client.post("/predict", json=customer).headers for _ in range(2))
    assert first["X-Model-Version"] == "3"
    assert first["X-As-Of"] == "2026-11-23"
    assert re.fullmatch("[0-9a-f]{32}", first["X-Prediction-Id"])
    assert first["X-Prediction-Id"] != second["X-Prediction-Id"]


def test_explain_adds_band_reasons_action_version_and_date(client, customer):
    answer = client.post("/predict?explain=true", json=customer | {"tenure": 0.25}).json()
    assert list(answer) == [*FOUR_KEYS, "risk_band", "reasons", "action", "worth_an_offer", "model_version", "as_of"]
    assert answer["risk_band"] == "high"
    assert (answer["action"], answer["worth_an_offer"]) == ("offer", True)
    assert answer["reasons"] == [
        {"feature": "tenure", "title": "tenure", "value": 0.25, "points": -42, "text": "tenure 12: -42 points"}
    ]


@pytest.mark.parametrize("query", ["", "?explain=false", "?explain=0"])
def test_without_explain_there_are_four_keys(client, customer, query):
    assert list(client.post("/predict" + query, json=customer).json()) == FOUR_KEYS


def test_a_batch_is_answered_in_order_as_one_by_one(client, customer):
    customers = [customer | {"tenure": tenure} for tenure in (5, 0, 2, 0)]
    batch = client.post("/predict/batch", json={"customers": customers})
    assert batch.json() == {"predictions": [client.post("/predict", json=one).json() for one in customers]}
    assert batch.headers["X-Model-Version"] == "3"


def test_a_full_batch_is_taken(client, customer):
    answer = client.post("/predict/batch", json={"customers": [customer] * 50})
    assert len(answer.json()["predictions"]) == 50


def test_the_model_is_given_what_was_sent(client, predictor, customer):
    client.post("/predict", json=customer)
    assert predictor.rows == [customer]


def test_order_of_the_fields_does_not_matter(client, predictor, customer):
    client.post("/predict", json=dict(reversed(customer.items())))
    assert predictor.rows == [customer]


def test_missing_values_reach_the_model_where_the_contract_allows_them(client, predictor, customer):
    assert client.post("/predict", json=customer | {"total_charges": None}).status_code == 200
    del customer["region"]
    assert client.post("/predict", json=customer).status_code == 200
    assert predictor.rows[0]["total_charges"] is None
    assert predictor.rows[1]["region"] is None


@pytest.mark.parametrize(("sent", "meant"), [(True, True), (False, False), (1, True), (0, False), (1.0, True)])
def test_truth_values_may_be_ones_and_noughts(client, predictor, customer, sent, meant):
    client.post("/predict", json=customer | {"senior": sent})
    assert predictor.rows[0]["senior"] is meant


@pytest.mark.parametrize("sent", ["2", 2, 2.0])
def test_a_level_that_looks_like_a_number_may_be_sent_as_one(client, predictor, customer, sent):
    client.post("/predict", json=customer | {"region": sent})
    assert predictor.rows[0]["region"] == "2"


def test_colons_and_escapes_in_a_text_are_no_repeated_fields(settings, predictor, customer):
    contract = predictor.contract.to_dict()
    contract["features"]["contract_type"]["levels"] = ["a:b", 'c"d: {e']
    predictor.contract = type(predictor.contract).from_dict(contract)
    live = ServedModel(predictor, "1", "2026-11-23", "fake")
    with TestClient(create_app(ModelSlot(live), settings), base_url="http://localhost") as client:
        for level in ["a:b", 'c"d: {e']:
            assert client.post("/predict", json=customer | {"contract_type": level}).status_code == 200


@pytest.mark.parametrize("name", ["model_config", "_hidden", "two words", "class", "copy", "ключ", "feature_0", "a.b"])
def test_a_feature_may_have_any_name(settings, predictor, name):
    contract = {"name": "odd names", "features": {name: {"type": "number", "min": 0}, "tenure": {"type": "number"}}}
    predictor.contract = type(predictor.contract).from_dict(contract)
    with TestClient(
        create_app(ModelSlot(ServedModel(predictor, "1", "2026-11-23", "fake")), settings), base_url="http://localhost"
    ) as client:
        assert client.post("/predict", json={name: 1.5, "tenure": 1}).status_code == 200
        assert client.post("/predict", json={name: -1, "tenure": 1}).json()["fields"][0]["field"] == name
        assert name in client.get("/openapi.json").json()["components"]["schemas"]["Customer"]["properties"]
    assert predictor.rows == [{name: 1.5, "tenure": 1.0}]


def test_model_lists_its_features(client):
    card = client.get("/model").json()
    assert card["version"] == "3"
    assert card["model_type"] == "additive_boosting"
    assert card["live_from"] == "2026-11-23T06:00:00+00:00"
    assert card["provenance"] == {"metrics": {"auc": 0.88, "slope": [None]}}
    assert card["horizon_days"] == 30
    features = {feature["name"]: feature for feature in card["features"]}
    assert features["tenure"] == {
        "name": "tenure",
        "title": "tenure",
        "type": "number",
        "unit": "months",
        "min": 0.0,
        "required": True,
        "may_be_null": False,
    }
    assert features["region"]["levels"] == ["1", "2"]
    assert features["total_charges"]["may_be_null"]


def test_health_does_not_need_a_model_but_all_else_does(settings, customer):
    with TestClient(create_app(ModelSlot(), settings), base_url="http://localhost") as client:
        assert client.get("/health").json() == {"status": "alive"}
        assert client.get("/metrics").status_code == client.get("/openapi.json").status_code == 200
        for response in [
            client.get("/ready"),
            client.get("/model"),
            client.post("/predict", json=customer),
            client.post("/predict/batch", json={"customers": [customer]}),
        ]:
            assert response.status_code == response.json()["status"] == 503
            assert "no model is live" in response.json()["error"]


def test_ready_until_it_is_stopped(client, source):
    assert client.get("/ready").json() == {"status": "ready", "model_version": "3"}
    source.draining = True
    assert client.get("/ready").status_code == 503
    assert client.get("/health").status_code == 200


def test_another_model_goes_live_whole(client, source, predictor, customer):
    contract = {"name": "other", "features": {"tenure": {"type": "number"}}}
    other = type(predictor)()
    other.contract = type(predictor.contract).from_dict(contract)
    before = client.get("/openapi.json").json()
    source.current = ServedModel(other, "4", "2026-11-24", "fake")
    assert client.post("/predict", json=customer).status_code == 422
    assert client.post("/predict", json={"tenure": 1}).headers["X-Model-Version"] == "4"
    assert client.get("/ready").json()["model_version"] == "4"
    assert client.get("/openapi.json").json() != before


def samples(client):
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_metrics_count_requests_by_route_and_status_and_scores_by_band(client, customer):
    for _ in range(5):
        client.post("/predict", json=customer)
    client.post("/predict", content="{")
    client.post("/predict/batch", json={"customers": [customer | {"tenure": 0}] * 3})
    for number in range(4):
        client.get(f"/no/such/page/{number}")
    found = samples(client)
    assert found["churn_requests_total", "/predict", "200"] == 5
    assert found["churn_requests_total", "/predict", "422"] == 1
    assert found["churn_requests_total", "/predict", "500"] == 0  # is there before it grows
    assert found["churn_requests_total", "other", "404"] == 4
    assert found["churn_scores_total", "low"] == 5
    assert found["churn_scores_total", "high"] == 3
    assert found["churn_request_seconds_count", "/predict"] == 6
    assert found["churn_model_live", "additive_boosting", "3"] == 1


def test_two_applications_count_apart(source, settings, customer):
    with (
        TestClient(create_app(source, settings), base_url="http://localhost") as one,
        TestClient(create_app(source, settings), base_url="http://localhost") as two,
    ):
        one.post("/predict", json=customer)
        assert ("churn_scores_total", "low") in samples(one)
        assert ("churn_scores_total", "low") not in samples(two)


def test_the_log_has_one_line_a_request_and_no_value_of_it(client, customer, capsys):
    answer = client.post("/predict", json=customer | {"tenure": 41.375})
    logged = capsys.readouterr()
    text = logged.out + logged.err
    assert answer.headers["X-Request-Id"] in text
    assert "/predict" in text
    assert "41.375" not in text
    assert "month-to-month" not in text


def test_the_documentation_shows_the_real_request_and_an_example_that_works(client):
    document = client.get("/openapi.json").json()
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    schema = document["components"]["schemas"]["Customer"]
    assert body["schema"] == {"$ref": "#/components/schemas/Customer"}
    assert schema["properties"]["tenure"]["minimum"] == 0
    assert schema["properties"]["contract_type"]["enum"] == ["month-to-month", "one_year", "two_year"]
    assert schema["required"] == ["tenure", "monthly_charges", "total_charges", "contract_type", "senior"]
    assert client.post("/predict", json=body["example"]).status_code == 200
    batch = document["paths"]["/predict/batch"]["post"]["requestBody"]["content"]["application/json"]
    assert client.post("/predict/batch", json=batch["example"]).status_code == 200


def test_every_reference_of_the_documentation_is_there(client):
    document = client.get("/openapi.json").json()
    for reference in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)):
        assert reference in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_documentation_needs_no_network(client):
    page = client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith("/docs/")
        assert client.get(address).status_code == 200
    assert "//" not in re.sub(r"<!--.*?-->", "", page.text.split("<script>")[0])


def test_settings_of_the_decision_reach_the_action(source, customer):
    settings = Settings.model_validate({"decision": {"offer_cost": 400.0}})
    with TestClient(create_app(source, settings), base_url="http://localhost") as client:
        answer = client.post("/predict?explain=true", json=customer | {"tenure": 0.25}).json()
    assert (answer["action"], answer["worth_an_offer"]) == ("leave_alone", False)


def test_every_route_of_the_documentation_stands_in_a_named_group(client):
    document = client.get("/openapi.json").json()
    groups = {tag["name"] for tag in document["tags"]}
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert all(set(operation["tags"]) <= groups for operation in operations)
    assert (
        "A customer, as the data contract 'test company' declares"
        in document["components"]["schemas"]["Customer"]["description"]
    )
