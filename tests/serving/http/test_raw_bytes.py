"""Any bytes, cut anywhere: an answer or a refusal in the one shape, to the request that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_mlops.config import Settings
from churn_mlops.serving.model.served_model import ModelSlot
from tests.serving.http.raw_http_client import FUZZERS, Asked, check
from tests.serving.running import running

EXAMPLES = {"bodies": 150, "routes": 150, "heads": 120, "pipelines": 60}
BODY = b'{"tenure": 4, "monthly_charges": 65.5, "total_charges": null, "contract_type": "one_year", "senior": false}'


@pytest.fixture
def asked(source: ModelSlot, tmp_path: Path) -> Iterator[Asked]:
    with running(source, Settings.model_validate({"serving": {"max_body_bytes": 100_000}})) as address:
        yield Asked(address, BODY)


@pytest.mark.parametrize("what", sorted(FUZZERS))
def test_whatever_is_sent_the_promises_hold(asked: Asked, what: str) -> None:
    FUZZERS[what](asked, EXAMPLES[what])


@pytest.mark.parametrize("garbage", [b"GARBAGE\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\nbad\r\n\r\n"])
def test_what_is_no_http_is_refused_in_the_one_shape_and_closes(asked: Asked, garbage: bytes) -> None:
    (answer,) = asked.exchange(garbage)
    check(answer)
    assert (answer.status, answer.headers["connection"]) == (400, "close")


def test_bytes_that_are_no_http_take_no_requests_place(asked: Asked) -> None:
    model = asked.request(b"", target=b"/model", method=b"GET")
    plain = asked.request(BODY)
    alone = [asked.one(request).seen for request in (model, plain)]
    together = asked.exchange(model + plain + b"GARBAGE\r\n\r\n")
    assert [answer.seen for answer in together] == alone
    after = asked.exchange(plain + b"GARBAGE\r\n\r\n")  # answered immediately: nothing is owed any more
    assert [answer.status for answer in after] == [200, 400]
    half = asked.request(BODY).replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked")
    (answer,) = asked.exchange(half)  # its own body is no HTTP
    assert answer.status == 400
    assert [answer.seen for answer in asked.exchange(model + half)] == alone[:1]


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"anything"])
def test_an_offer_of_another_protocol_is_passed_over(asked: Asked, offer: bytes) -> None:
    """Java's client offers ``h2c`` with every first request, also with a body."""
    line = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AAMAAABkAAQ" % offer
    plain, offered = asked.request(BODY), asked.request(BODY, line)
    alone = asked.one(plain).seen
    for pieces in ([offered], [offered[:-30], offered[-30:]], [bytes([byte]) for byte in offered]):
        assert asked.one(*pieces).seen == alone
    found = asked.exchange(offered + plain + asked.request(b"{}", line) + plain, count=4)
    assert [answer.status for answer in found] == [200, 200, 422, 200]
    chunked = asked.chunked(BODY, [5]).replace(b"\r\nTransfer", b"\r\n" + line + b"\r\nTransfer")
    assert asked.one(chunked).seen == alone
    bare = asked.request(b"", line, target=b"/model", method=b"GET").replace(b"Content-Length: 0\r\n", b"")
    assert [answer.status for answer in asked.exchange(bare + plain, count=2)] == [200, 200]
