"""A server asked by raw bytes, and what has to hold of its answers whatever they are.

Each function asks some hundred times, by cases that Hypothesis makes up and, where one fails, makes small.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

QUIET_SECONDS = 0.5
"""After so long without an answer the server is taken to wait for the rest of a request; no result depends on it."""
REFUSAL = ["status", "error", "fields", "request_id"]
PREDICTION = ["prediction", "will_churn", "churn_probability", "confidence"]

# Bytes that trip parsers up, put anywhere into a body.
_ODD = [
    *(b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 400, b"9" * 5000, b"1" + b"0" * 30 + b".5", b"0x10", b"1_000"),
    *(
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\\u0000"',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        b"\x00",
    ),
    *(b"[" * 5000, b'{"a":' * 2000, b"[[]]", b"{}", b"null", b"true", b'"', b"\\", b",", b":", b"}", b"{", b" \t\r\n"),
    *(b'"tenure": 1,', b'"tenure": 1, "tenure": 2,', b'"__proto__": {},', b'"' + b"x" * 9000 + b'": 1,', b"//"),
    "\u2028".encode(),
]
_ODD_LINES = [
    *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 1e3", b"Content-Length: 99999999999999999999"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: xchunked"),
    *(
        b"Transfer-Encoding : chunked",
        b"X: a\r\n folded",
        b"X: a\rb",
        b"X: \x00",
        b"X: \xff",
        b": no name",
        b"no colon",
    ),
    *(b"Host: evil.example", b"Host:", b"Expect: 100-continue", b"Connection: close"),
    *(b"Connection: Upgrade\r\nUpgrade: h2c", b"Connection: keep-alive, X", b"Content-Encoding: gzip"),
    *(b"Content-Type: text/html; charset=utf-16", b"Content-Type: \xff", b"Cookie: churn_session=\xff; =; ;"),
    *(b"Authorization: Basic \xff", b"X-Forwarded-For: ,,\xff", b"Idempotency-Key: \x7f", b"X-Long: " + b"a" * 20_000),
    b"Content-Disposition: x\r\n\r\nGET /model HTTP/1.1",
]


@dataclass(frozen=True)
class Answer:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def seen(self) -> tuple[int, bytes]:
        """Status and body, without the id that every answer has of its own."""
        return self.status, re.sub(rb'"request_id": "\w+"', b"", self.body)


@dataclass(frozen=True)
class Asked:
    """A server, and how a good request to it looks.

    Args:
        address: host and port.
        customer: a body that `/predict` answers.
        lines: of each head, such as that with the key.
    """

    address: tuple[str, int]
    customer: bytes
    lines: tuple[bytes, ...] = field(default=(), repr=False)

    def request(self, body: bytes, *lines: bytes, target: bytes = b"/predict", method: bytes = b"POST") -> bytes:
        """A request whose head is right."""
        head = [b"%s %s HTTP/1.1" % (method, target), b"Host: localhost", *self.lines, *lines]
        return b"\r\n".join([*head, b"Content-Length: %d" % len(body), b"", body])

    def chunked(self, body: bytes, sizes: Sequence[int]) -> bytes:
        """The same in chunks of these sizes, the last size again and again."""
        chunks, at = [], 0
        for size in [*sizes, *[sizes[-1]] * (len(body) // sizes[-1] + 1)]:
            if part := body[at : at + size]:
                chunks.append(b"%x\r\n%s\r\n" % (len(part), part))
            at += size
        head = [b"POST /predict HTTP/1.1", b"Host: localhost", *self.lines, b"Transfer-Encoding: chunked", b"", b""]
        return b"\r\n".join(head) + b"".join(chunks) + b"0\r\n\r\n"

    def exchange(self, *parts: bytes, count: int | None = None) -> list[Answer]:
        """The answers over one connection: ``count`` answers, or all until it is closed or silent."""
        found: list[Answer] = []
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(BrokenPipeError, ConnectionResetError):  # closed after a refusal, before all was sent
                for part in parts:
                    connection.sendall(part)
            connection.settimeout(20 if count is not None else QUIET_SECONDS)
            with connection.makefile("rb") as file, suppress(ConnectionResetError):
                while len(found) != count and (answer := _read(file, may_wait=count is None)) is not None:
                    found.append(answer)
        return found

    def one(self, *parts: bytes) -> Answer:
        """The one answer to a request."""
        (answer,) = self.exchange(*parts, count=1)
        return answer

    def is_well(self) -> bool:
        """Whether a good request is answered as it should be."""
        answer = self.one(self.request(self.customer))
        return answer.status == 200 and list(json.loads(answer.body)) == PREDICTION


def check(answer: Answer) -> None:
    """Hold one answer to what is promised of all."""
    assert answer.status in (200, 201) or 400 <= answer.status < 500, answer
    if answer.status >= 400:
        error = json.loads(answer.body)
        assert list(error) == REFUSAL, answer
        assert error["status"] == answer.status
        assert error["request_id"] == answer.headers["x-request-id"]
        assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def cut(data: bytes, places: Sequence[float]) -> list[bytes]:
    """``data`` in pieces, cut at these shares of its length."""
    at = sorted({0, len(data), *(int(place * len(data)) for place in places)})
    return [data[begin:end] for begin, end in pairwise(at)]


PLACES = st.lists(st.floats(0, 1), max_size=5)


@st.composite
def changed(draw: st.DrawFn, good: bytes) -> bytes:
    """``good`` with some bytes flipped, left out, put in or repeated."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.sampled_from(["flip", "cut", "odd", "drop", "repeat"]))
        if how == "flip" and at < len(data):
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del data[at:]
        elif how == "odd":
            data[at:at] = draw(st.sampled_from(_ODD))
        elif how == "drop":
            del data[at : at + draw(st.integers(1, 20))]
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 20))]
    return bytes(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts, max_size=5) | st.dictionaries(st.text(), parts, max_size=5),
    max_leaves=20,
)


@st.composite
def customers(draw: st.DrawFn, good: bytes) -> bytes:
    """A customer of the right fields and of whatever values."""
    fields: dict[str, Any] = json.loads(good)
    for name in draw(st.lists(st.sampled_from(sorted(fields)), max_size=3)):
        fields[name] = draw(_JSON)
    return json.dumps(fields, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def bodies(good: bytes) -> st.SearchStrategy[bytes]:
    """Bodies instead of ``good``."""
    whole = _JSON.map(lambda value: json.dumps(value).encode())
    return st.just(good) | changed(good) | customers(good) | whole | st.binary(max_size=200)


def fuzz_bodies(asked: Asked, examples: int) -> None:
    """Any body gets the same answer on the fast path and on the standard path, in one piece, in many, and in chunks."""

    @_many(examples)
    @given(bodies(asked.customer), PLACES, st.lists(st.integers(1, 60), min_size=1, max_size=4))
    def hold(body: bytes, places: list[float], sizes: list[int]) -> None:
        whole = asked.request(body)
        on_fast_path, in_pieces = asked.one(whole), asked.one(*cut(whole, places))
        on_standard_path = asked.one(asked.request(body, b"Connection: close"))
        in_chunks = asked.one(*cut(asked.chunked(body, sizes), places))
        check(on_fast_path)
        assert on_fast_path.status in (200, 413, 422), on_fast_path
        assert on_fast_path.seen == in_pieces.seen == on_standard_path.seen == in_chunks.seen

    hold()
    assert asked.is_well()


def fuzz_routes(asked: Asked, examples: int) -> None:
    """Any body to any route that takes one is answered or refused in the one shape."""
    contact = b'{"customer_id": "C1", "offer": "20 % off", "result": "offered"}'
    batch = b'{"customers": [%s, %s]}' % (asked.customer, asked.customer)
    sign_in = b'{"name": "nobody", "password": "nothing"}'
    routes = {
        b"/predict/batch": batch,
        b"/predict?explain=true": asked.customer,
        b"/contacts": contact,
        b"/session": sign_in,
    }

    @_many(examples)
    @given(st.sampled_from(sorted(routes)), st.data(), PLACES)
    def hold(target: bytes, data: st.DataObject, places: list[float]) -> None:
        body = data.draw(bodies(routes[target]))
        key = b"Idempotency-Key: %d" % data.draw(st.integers(0, 10**6))
        lines = (b"Content-Type: application/json", key)
        check(asked.one(*cut(asked.request(body, *lines, target=target), places)))

    hold()
    assert asked.is_well()


def fuzz_heads(asked: Asked, examples: int) -> None:
    """Any bytes in place of a request: every answer has the one shape, and the server lives."""
    good = asked.request(asked.customer)
    head = good[: good.index(b"\r\n\r\n") + 2]
    # After it the server closes by itself, unless what came before has swallowed it.
    last = asked.request(b"", b"Connection: close", target=b"/health", method=b"GET")

    @st.composite
    def heads(draw: st.DrawFn) -> bytes:
        if draw(st.booleans()):
            return draw(changed(good))
        lines = draw(st.lists(st.sampled_from(_ODD_LINES), min_size=1, max_size=3))
        odd = head + b"\r\n".join([*lines, b"", b""])
        return odd + draw(
            st.sampled_from([asked.customer, b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"ffffffffffffffff\r\n"])
        )

    @_many(examples)
    @given(heads(), PLACES)
    def hold(sent: bytes, places: list[float]) -> None:
        for answer in asked.exchange(*cut(sent + last, places)):
            check(answer)

    hold()
    assert asked.is_well()


def fuzz_pipelines(asked: Asked, examples: int) -> None:
    """Requests sent together are answered in order, each as if alone; bytes that are no HTTP take no place."""
    kinds = [
        asked.request(asked.customer),
        asked.request(asked.customer, target=b"/predict?explain=true"),
        asked.request(b'{"customers": [%s]}' % asked.customer, target=b"/predict/batch"),
        asked.request(b"{}"),
        asked.request(b"", target=b"/nowhere", method=b"GET"),
        asked.request(b"", target=b"/model", method=b"GET"),
        asked.request(asked.customer, b"Connection: Upgrade\r\nUpgrade: h2c"),
        asked.chunked(asked.customer, [7]),
    ]
    alone = {kind: asked.one(kind) for kind in kinds}
    garbage = st.sampled_from([b"", b"\x00\x01\r\n\r\n", b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"])

    @_many(examples)
    @given(st.lists(st.sampled_from(kinds), min_size=1, max_size=8), garbage, PLACES)
    def hold(requests: list[bytes], end: bytes, places: list[float]) -> None:
        sent = cut(b"".join(requests) + end, places)
        expected = [alone[request].seen for request in requests]
        if not end:
            assert [answer.seen for answer in asked.exchange(*sent, count=len(requests))] == expected
            return
        found = asked.exchange(*sent)
        assert [answer.seen for answer in found[: len(requests)]] == expected
        for refused in found[len(requests) :]:
            check(refused)
            assert refused.status == 400

    hold()
    assert asked.is_well()


FUZZERS = {"bodies": fuzz_bodies, "routes": fuzz_routes, "heads": fuzz_heads, "pipelines": fuzz_pipelines}


def _many(examples: int) -> Any:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def _read(file: Any, *, may_wait: bool) -> Answer | None:
    """The next answer; None where there is none any more."""
    try:
        start = file.readline()
        while start.startswith(b"HTTP/1.1 100"):
            assert file.readline() == b"\r\n"
            start = file.readline()
        if not start:
            return None
        assert re.fullmatch(rb"HTTP/1\.1 \d{3} [A-Za-z -]+\r\n", start), start
        lines = [line.decode("latin-1").rstrip() for line in iter(file.readline, b"\r\n")]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = file.read(int(headers["content-length"]))
        assert len(body) == int(headers["content-length"])
        return Answer(int(start.split()[1]), headers, body)
    except TimeoutError:
        assert may_wait, "no answer"
        return None
