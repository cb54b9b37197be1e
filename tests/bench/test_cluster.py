"""A rolling update of the manifests' own pods, in its short form."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from bench.cluster.network import is_possible
from bench.cluster.rollout import rollout
from bench.outages.proxy import haproxy


@pytest.mark.skipif(not is_possible() or haproxy() is None, reason="hosts take root and iproute2, the Service haproxy")
def test_no_request_fails_and_no_contact_is_lost_while_a_pod_is_replaced_by_one_of_the_next_release() -> None:
    with tempfile.TemporaryDirectory(prefix="churn-pods-") as name:  # short, and open to PostgreSQL's user
        Path(name).chmod(0o755)
        found = rollout(Path(name), replicas=1, rate=5, back=False, faults=False)
    assert (found["failed"], found["lost"]) == ([], [])
    assert found["contacts"] > 20
