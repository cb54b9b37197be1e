"""Every bad request is refused in the one shape, naming what is wrong, without repeating what was sent."""

import json

import pytest

CUSTOMER = {
    "tenure": 12,
    "monthly_charges": 65.50,
    "total_charges": 786.00,
    "contract_type": "month-to-month",
    "senior": False,
    "region": "1",
}
SECRET = "s3cr3t-value"


def with_(**changes):
    return json.dumps(CUSTOMER | changes)


def without(name):
    return json.dumps({key: value for key, value in CUSTOMER.items() if key != name})


def literal(name, text):
    """A customer with ``text`` as it stands for the value of ``name``."""
    return json.dumps(CUSTOMER | {name: "@"}).replace('"@"', text)


def batch(*customers):
    return json.dumps({"customers": list(customers)})


GOOD = json.dumps(CUSTOMER)
LEVELS = "must be 'month-to-month', 'one_year' or 'two_year'"

# name: (body, field that is named, words of its problem)
BAD_CUSTOMERS = {
    "missing field": (without("tenure"), "tenure", "is missing"),
    "empty object": ("{}", "tenure", "is missing"),
    "null": (with_(tenure=None), "tenure", "must be a number"),
    "null level": (with_(contract_type=None), "contract_type", LEVELS),
    "NaN": (literal("tenure", "NaN"), "tenure", "must be a finite number"),
    "Infinity": (literal("tenure", "Infinity"), "tenure", "must be a finite number"),
    "minus Infinity": (literal("tenure", "-Infinity"), "tenure", "must be a finite number"),
    "1e400": (literal("tenure", "1e400"), "tenure", "must be a finite number"),
    "integer of 400 digits": (literal("tenure", "9" * 400), "tenure", "number"),
    "integer of 5000 digits": (literal("tenure", "9" * 5000), "", "number"),
    "negative": (with_(tenure=-1), "tenure", "must be at least 0"),
    "just negative": (with_(monthly_charges=-1e-9), "monthly_charges", "must be at least 0"),
    "above the maximum": (with_(monthly_charges=1000.01), "monthly_charges", "must be at most 1000"),
    "text for a number": (with_(tenure=SECRET), "tenure", "must be a number"),
    "numeric text": (with_(tenure="12"), "tenure", "must be a number"),
    "true for a number": (with_(tenure=True), "tenure", "must be a number"),
    "list for a number": (with_(tenure=[12]), "tenure", "must be a number"),
    "object for a number": (with_(tenure={"value": 12}), "tenure", "must be a number"),
    "unknown level": (with_(contract_type=SECRET), "contract_type", LEVELS),
    "level in another case": (with_(contract_type="Month-to-month"), "contract_type", LEVELS),
    "level with blanks": (with_(contract_type=" one_year "), "contract_type", LEVELS),
    "empty level": (with_(contract_type=""), "contract_type", LEVELS),
    "number for a level": (with_(contract_type=1), "contract_type", LEVELS),
    "number that is no level": (with_(region=3), "region", "must be '1' or '2'"),
    "text for a truth value": (with_(senior="no"), "senior", "must be true or false"),
    "2 for a truth value": (with_(senior=2), "senior", "must be true or false"),
    "null for a truth value": (with_(senior=None), "senior", "must be true or false"),
    "extra field": (with_(colour=SECRET), "colour", "is not a field of this model"),
    "mistyped field": (with_(tenuer=1), "tenuer", "did you mean tenure?"),
    "customer id": (with_(customer_id=SECRET), "customer_id", "is not a field of this model"),
    "internal name": (with_(feature_0=1), "feature_0", "is not a field of this model"),
    "endless field name": (with_(**{"x" * 5000: 1}), "x" * 100 + "…", "is not a field of this model"),
    "field twice": (GOOD[:-1] + ', "tenure": 70}', "tenure", "more than once"),
    "empty body": ("", "body", "is empty"),
    "blank body": ("  \n", "body", "is not JSON"),
    "not JSON": ("tenure=12&x=" + SECRET, "body", "is not JSON"),
    "half a body": (GOOD[:-5], "body", "is not JSON"),
    "two bodies": (GOOD + GOOD, "body", "is not JSON"),
    "single quotes": (GOOD.replace('"', "'"), "body", "is not JSON"),
    "trailing comma": (GOOD[:-1] + ",}", "body", "is not JSON"),
    "comment": ("// hello\n" + GOOD, "body", "is not JSON"),
    "list": (f"[{GOOD}]", "body", "must be a JSON object"),
    "text": (json.dumps(SECRET), "body", "must be a JSON object"),
    "number": ("12", "body", "must be a JSON object"),
    "null body": ("null", "body", "must be a JSON object"),
    "true": ("true", "body", "must be a JSON object"),
    "30,000 brackets": ("[" * 30_000, "body", "is not JSON"),
    "30,000 objects": ('{"tenure":' * 9_000, "body", "is not JSON"),
    "UTF-16": (GOOD.encode("utf-16"), "body", "is not JSON"),
    "invalid UTF-8": (
        GOOD.encode().replace(b"one_year", b"\xff\xfe").replace(b"to-month", b"\xff"),
        "body",
        "not JSON",
    ),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), "body", "is not JSON"),
    "zero bytes": (b"\x00" * 100, "body", "is not JSON"),
    "half a surrogate pair": (literal("contract_type", '"\\ud800"'), "body", "is not JSON"),
    "half a surrogate pair as a name": (GOOD[:-1] + ', "\\ud800": 1}', "body", "is not JSON"),
    "control character in a name": (with_(**{"a\x00\n<script>": 1}), "a\x00\n<script>", "is not a field"),
}

BAD_BATCHES = {
    "no customers": (batch(), "customers", "must hold at least 1"),
    "too many": (batch(*[CUSTOMER] * 51), "customers", "at most 50"),
    "one bad row": (
        batch(CUSTOMER, CUSTOMER, CUSTOMER | {"tenure": -1}),
        "customers[2].tenure",
        "must be at least 0",
    ),
    "row that is no object": (batch(CUSTOMER, 7), "customers[1]", "must be a JSON object"),
    "row that is null": (batch(None), "customers[0]", "must be a JSON object"),
    "unknown field in a row": (batch(CUSTOMER | {"colour": SECRET}), "customers[0].colour", "is not a field"),
    "not a list": (json.dumps({"customers": CUSTOMER}), "customers", "must be a list"),
    "customers missing": ("{}", "customers", "is missing"),
    "a bare list": (json.dumps([CUSTOMER]), "body", "must be a JSON object"),
    "a single customer": (GOOD, "customers", "is missing"),
    "another key": (json.dumps({"customers": [CUSTOMER], "rows": 1}), "rows", "is not a field"),
    "field twice in a row": (f'{{"customers": [{GOOD[:-1]}, "tenure": 1}}]}}', "tenure", "more than once"),
    "customers twice": (f'{{"customers": [], "customers": [{GOOD}]}}', "customers", "more than once"),
    "empty body": ("", "body", "is empty"),
    "not JSON": ("{", "body", "is not JSON"),
}

ALL = [("/predict", name, case) for name, case in BAD_CUSTOMERS.items()] + [
    ("/predict/batch", name, case) for name, case in BAD_BATCHES.items()
]


def check_shape(response):
    """The one shape of an error; returns it."""
    error = response.json()
    assert list(error) == ["status", "error", "fields", "request_id"]
    assert error["status"] == response.status_code
    assert isinstance(error["error"], str)
    assert error["error"]
    assert all(list(field) == ["field", "problem"] for field in error["fields"])
    assert error["request_id"] == response.headers["x-request-id"]
    assert response.headers["content-type"] == "application/json"
    return error


@pytest.mark.parametrize(("route", "name", "case"), ALL, ids=[f"{route}: {name}" for route, name, _ in ALL])
def test_bad_body_is_refused_by_name(client, predictor, capfd, route, name, case):
    body, field, words = case
    response = client.post(route, content=body)
    error = check_shape(response)
    assert response.status_code == (413 if name == "too many" else 422)
    found = {item["field"]: item["problem"] for item in error["fields"]}
    assert any(at.startswith(field) and words in problem for at, problem in found.items()), error
    assert SECRET not in response.text
    assert "feature_0" not in response.text or name == "internal name"
    captured = capfd.readouterr()
    assert SECRET not in captured.out + captured.err
    assert not predictor.rows


def test_all_problems_are_listed_together(client):
    body = json.dumps({"tenure": -1, "monthly_charges": "x", "contract_type": "z", "senior": 5, "colour": 1})
    error = check_shape(client.post("/predict", content=body))
    assert {item["field"] for item in error["fields"]} == {*CUSTOMER, "colour"} - {"region"}
    assert error["error"].startswith("6 things are wrong with the request: ")


def test_one_problem_stands_in_the_sentence(client):
    assert check_shape(client.post("/predict", content=with_(tenure=-1)))["error"] == "tenure must be at least 0"


def test_thousands_of_problems_are_listed_only_in_part(client):
    error = check_shape(client.post("/predict/batch", content=batch(*[{}] * 50)))
    assert len(error["fields"]) == 100
    assert error["error"].startswith("250 things")


@pytest.mark.parametrize("route", ["/predict", "/predict/batch"])
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_two_megabytes_are_refused(client, route, chunked):
    pieces = [b" " * 100_000] * 20
    response = client.post(route, content=iter(pieces) if chunked else b"".join(pieces))
    error = check_shape(response)
    assert response.status_code == 413
    assert error["fields"] == [{"field": "body", "problem": "must be at most 100,000 bytes"}]


def test_body_of_exactly_the_limit_is_taken(client):
    assert client.post("/predict", content=GOOD.ljust(100_000)).status_code == 200
    assert client.post("/predict", content=GOOD.ljust(100_001)).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/predict", 405, "POST"),
        ("PUT", "/predict", 405, "POST"),
        ("DELETE", "/predict/batch", 405, "POST"),
        ("POST", "/health", 405, "GET"),
        ("POST", "/metrics", 405, "GET"),
        ("BREW", "/predict", 405, "POST"),
        ("GET", "/", 404, "/docs"),
        ("POST", "/predicts", 404, "/docs"),
        ("GET", "/docs/../../etc/passwd", 404, "/docs"),
        ("GET", "/%00", 404, "/docs"),
        ("GET", "/docs/swagger.html", 404, "/docs"),
    ],
)
def test_wrong_method_and_unknown_path(client, method, path, status, words):
    response = client.request(method, path)
    assert response.status_code == status
    assert words in check_shape(response)["error"]
    assert ("allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("query", "field"),
    [("explain=maybe", "explain"), ("explain=true&explain=false", "explain"), ("explian=true", "explian"), ("x", "x")],
)
def test_wrong_parameter_is_refused_by_name(client, query, field):
    error = check_shape(client.post(f"/predict?{query}", content=GOOD))
    assert error["status"] == 422
    assert error["fields"][0]["field"] == field


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense", ""]
)
def test_content_type_is_not_asked_for(client, kind):
    """``curl -d`` without a header declares a form; the body says well enough what it is."""
    assert client.post("/predict", content=GOOD, headers={"Content-Type": kind}).status_code == 200


def test_a_fault_is_a_500_in_the_same_shape_and_its_message_stays_out_of_the_log(client, predictor, capsys):
    def broken(row):
        raise RuntimeError(SECRET)

    predictor.score_one = broken
    response = client.post("/predict", content=GOOD)
    error = check_shape(response)
    logged = capsys.readouterr()
    assert response.status_code == 500
    assert SECRET not in response.text + logged.out + logged.err
    assert error["request_id"] in logged.out + logged.err
    assert "in broken" in logged.out + logged.err
