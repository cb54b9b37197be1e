"""Bundles that were written before are read as they were, and what is fitted now is what was fitted then."""

from __future__ import annotations

import functools
import json
from typing import Any

import numpy as np
import pytest

from churn_mlops.models import MODEL_TYPES, Bundle
from tests.surface import bundles, record

TOLERANCE = 0.01
"""Most that the scores of two fits differ where libraries or processors do."""

every_type = pytest.mark.parametrize("model_type", MODEL_TYPES)


@functools.cache
def fitted(model_type: str) -> Bundle:
    """The bundle that this program fits."""
    return bundles.fitted(model_type)


@functools.cache
def recorded() -> Any:
    """What was recorded."""
    return json.loads(record.recorded("bundles"))


@every_type
def test_a_recorded_bundle_is_read_and_written_byte_for_byte(model_type: str) -> None:
    data = bundles.recorded_file(model_type).read_bytes()
    bundle = Bundle.from_bytes(data)
    assert bundle.to_bytes() == data
    assert bundle.sha256 == recorded()["bundles"][model_type]["sha256"]


@every_type
def test_a_recorded_bundle_gives_its_recorded_scores(model_type: str) -> None:
    now = bundles.scores(Bundle.load(bundles.recorded_file(model_type)))
    np.testing.assert_allclose(now, recorded()["bundles"][model_type]["scores"], rtol=0, atol=1e-9)


@every_type
def test_a_new_bundle_has_the_names_of_the_recorded_one(model_type: str) -> None:
    was = bundles.recorded_file(model_type).read_bytes()
    assert bundles.names_in(fitted(model_type).to_bytes()) == bundles.names_in(was)


@every_type
def test_a_new_bundle_has_the_bytes_of_the_recorded_one(model_type: str) -> None:
    """The last bits depend on libraries and processor: where these are others, scores are compared."""
    if bundles.environment() == recorded()["environment"]:
        assert fitted(model_type).to_bytes() == bundles.recorded_file(model_type).read_bytes()
    else:
        was = recorded()["bundles"][model_type]["scores"]
        np.testing.assert_allclose(bundles.scores(fitted(model_type)), was, rtol=0, atol=TOLERANCE)
