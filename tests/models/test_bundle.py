"""The bundle as a file: whole, hashed, and refused when it is not to be trusted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.errors import BundleError
from churn_mlops.models import Bundle, ChurnModel
from tests.companies.customers import CONTRACT, left


def test_a_bundle_survives_the_file(model: ChurnModel, tmp_path: Path) -> None:
    model.bundle_.save(tmp_path / "a.bundle")
    again = Bundle.load(tmp_path / "a.bundle")
    assert again.to_bytes() == model.bundle_.to_bytes()
    assert again.sha256 == model.bundle_.sha256
    assert again.contract == model.bundle_.contract


def test_a_bundle_is_plain_json_in_two_lines(model: ChurnModel) -> None:
    header, body = (json.loads(line) for line in model.bundle_.to_bytes().splitlines())
    assert header["format"] == "churn-bundle"
    assert set(body) == {
        "contract", "model_type", "levels", "model", "threshold", "training", "reference", "learnt", "checks",
    }  # fmt: skip


def altered(data: bytes, how: str) -> bytes:
    header, body = data.splitlines()
    document = json.loads(header)
    return {
        "empty": b"",
        "not a bundle": b"PK\x03\x04 something else",
        "a pickle": b"\x80\x04\x95",
        "only the header": header,
        "truncated": data[: len(data) // 2],
        "one byte changed": data.replace(b'"intercept"', b'"intercepT"', 1),
        "wrong hash": json.dumps({**document, "sha256": "0" * 64}).encode() + b"\n" + body,
        "newer format": json.dumps({**document, "format_version": 99}).encode() + b"\n" + body,
        "version true": json.dumps({**document, "format_version": True}).encode() + b"\n" + body,
        "version below 1": json.dumps({**document, "format_version": -1}).encode() + b"\n" + body,
        "version nested": json.dumps({**document, "format_version": [[1]]}).encode() + b"\n" + body,
        "header nested deep": b'{"format": ' + b"[" * 200_000 + b"]" * 200_000 + b"}\n" + body,
        "version in words": json.dumps({**document, "format_version": "one"}).encode() + b"\n" + body,
    }[how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("empty", "not a model bundle"),
        ("not a bundle", "not a model bundle"),
        ("a pickle", "not a model bundle"),
        ("only the header", "not a model bundle"),
        ("truncated", "truncated or was altered"),
        ("one byte changed", "truncated or was altered"),
        ("wrong hash", "truncated or was altered"),
        ("newer format", "format 99; this program reads up to 1: update"),
        ("version in words", "format one"),
        ("version true", "format True, which no program writes"),
        ("version below 1", "format -1, which no program writes"),
        ("version nested", "format list, which no program writes"),
        ("header nested deep", "not a model bundle"),
    ],
)
def test_a_bundle_not_to_be_trusted_is_refused(model: ChurnModel, tmp_path: Path, how: str, message: str) -> None:
    path = tmp_path / "b.bundle"
    path.write_bytes(altered(model.bundle_.to_bytes(), how))
    with pytest.raises(BundleError, match=message) as caught:
        Bundle.load(path)
    assert "b.bundle" in str(caught.value)


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.bundle cannot be read"):
        Bundle.load(tmp_path / "none.bundle")


def test_a_hashed_body_that_is_no_model_is_refused() -> None:
    for body in (b"{}", b"[]", b'{"contract": {"name": "x", "features": {}}}', b"null"):
        header = {"format": "churn-bundle", "format_version": 1, "sha256": hashlib.sha256(body).hexdigest()}
        with pytest.raises(BundleError, match="does not hold a model"):
            Bundle.from_bytes(json.dumps(header).encode() + b"\n" + body)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_crash_the_reader(data: bytes) -> None:
    with pytest.raises(BundleError):
        Bundle.from_bytes(data)


@pytest.fixture(scope="module")
def additive(raw: pd.DataFrame) -> bytes:
    return ChurnModel("additive_boosting", contract=CONTRACT, seed=1).fit(raw, left(raw)).bundle_.to_bytes()


def absurd(body: dict[str, Any], how: str) -> None:
    """Change the body of a bundle so that its hash is right and its content is not."""
    tables = body["model"]
    number = next(place for place, axis in enumerate(tables["axes"]) if axis.get("cuts"))
    pair = {
        "first": 0,
        "second": 1,
        "rows": [0] * (len(tables["axes"][0]["cuts"]) + 2),
        "columns": [0] * (len(tables["axes"][1]["cuts"]) + 2),
        "table": [[0.0]],
    }
    changes: dict[str, Callable[[], Any]] = {
        "pair of no feature": lambda: tables["pairs"].append({**pair, "first": 99}),
        "pair with itself": lambda: tables["pairs"].append({**pair, "second": 0}),
        "pair outside of its table": lambda: tables["pairs"].append({**pair, "rows": [7] * len(pair["rows"])}),
        "pair below its table": lambda: tables["pairs"].append({**pair, "rows": [-1] * len(pair["rows"])}),
        "short map": lambda: tables["pairs"].append({**pair, "rows": [0]}),
        "flat table": lambda: tables["pairs"].append({**pair, "table": [0.0]}),
        "fewer axes": lambda: (tables["axes"].pop(), tables["mains"].pop()),
        "renamed axis": lambda: tables["axes"][0].update(name="other"),
        "more levels": lambda: body["levels"]["plan"].append("more"),
        "unsorted cuts": lambda: tables["axes"][number]["cuts"].reverse(),
        "text for a number": lambda: tables["mains"].__setitem__(0, "NaN"),
        "NaN in words": lambda: tables["mains"][number].__setitem__(0, "NaN"),
        "a line on a category": lambda: tables["mains"].__setitem__(
            3, dict.fromkeys(["slope", "offset", "low", "high", "missing"], 1.0)
        ),
        "threshold": lambda: body.update(threshold=7),
        "no checks": lambda: body.update(checks=[]),
        "unreadable checks": lambda: body.update(checks=[{"customer": 7, "score": 0.5}]),
        "check without a score": lambda: body.update(checks=[{"customer": {}}]),
    }
    changes[how]()


@pytest.mark.parametrize(
    "how",
    [
        "pair of no feature", "pair with itself", "pair outside of its table", "pair below its table", "short map",
        "flat table", "fewer axes", "renamed axis", "more levels", "unsorted cuts", "text for a number", "NaN in words",
        "a line on a category", "threshold", "no checks", "unreadable checks", "check without a score",
    ],
)  # fmt: skip
def test_a_bundle_with_the_right_hash_and_absurd_content_is_refused(additive: bytes, how: str) -> None:
    body = json.loads(additive.splitlines()[1])
    absurd(body, how)
    text = json.dumps(body).encode()
    header = {"format": "churn-bundle", "format_version": 1, "sha256": hashlib.sha256(text).hexdigest()}
    with pytest.raises(BundleError, match="does not hold a model"):
        Bundle.from_bytes(json.dumps(header).encode() + b"\n" + text)
