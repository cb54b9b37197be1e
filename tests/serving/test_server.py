"""A real server on a real socket: it starts, answers, refuses and stops as it says."""

import http.client
import json
import re
import socket

import pytest

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError
from churn_mlops.serving.server import address_of, listen
from tests.serving.running import running


@pytest.fixture
def server(source):
    settings = Settings.model_validate({"serving": {"max_body_bytes": 100_000}})
    with running(source, settings) as address:
        yield address


@pytest.fixture
def connection(server):
    connection = http.client.HTTPConnection(*server, timeout=10)
    yield connection
    connection.close()


def test_it_answers_and_keeps_the_connection(connection, customer):
    for _ in range(3):
        connection.request("POST", "/predict", json.dumps(customer | {"tenure": 0.25}))
        response = connection.getresponse()
        assert response.status == 200
        assert response.read().startswith(b'{"prediction": 1, "will_churn": true, "churn_probability": 0.8')
        assert response.headers["Server"] is None


def test_head_leaves_the_connection_fit_for_the_next_request(connection):
    for method in ["HEAD", "GET", "HEAD"]:
        connection.request(method, "/ready")
        response = connection.getresponse()
        assert response.status == 200
        assert bool(response.read()) == (method == "GET")


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
def test_a_body_far_too_large_is_answered_413(connection, chunked):
    pieces = (b" " * 10_000 for _ in range(300))
    body = pieces if chunked else b" " * 3_000_000
    connection.request("POST", "/predict", body, encode_chunked=chunked, headers=_headers(chunked))
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["fields"][0]["field"] == "body"


def _headers(chunked):
    return {"Transfer-Encoding": "chunked"} if chunked else {}


def test_413_comes_before_the_body_was_sent(server):
    with socket.create_connection(server, timeout=10) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_what_is_no_http_is_refused(server):
    with socket.create_connection(server, timeout=10) as raw:
        raw.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_disconnects_harms_no_request_and_is_no_fault(server, connection):
    with socket.create_connection(server, timeout=10) as raw:
        raw.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    for _ in range(100):
        connection.request("GET", "/metrics")
        counted = connection.getresponse().read()
        if b'route="/predict",status="499"' in counted:
            break
    else:
        pytest.fail("the abandoned request is not counted")
    assert set(re.findall(rb'requests_total{[^}]*status="500"} ([0-9.]+)', counted)) <= {b"0.0"}


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", "::"])
def test_only_a_loopback_address_is_taken(host):
    with pytest.raises(ConfigError, match="without API keys the server binds to the loopback address only"):
        listen(host, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_addresses_are_taken(host):
    with listen(host, 0) as listening:
        assert address_of(listening).startswith("http://127.0.0.")


def test_a_port_in_use_is_reported_with_a_remedy(server):
    with pytest.raises(ConfigError, match=f"port {server[1]} of 127.0.0.1 is in use.*--port"):
        listen("127.0.0.1", server[1])
