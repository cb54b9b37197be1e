"""The models, the one that is live, and how to change it."""

from __future__ import annotations

import hashlib

from churn_mlops.deployment import StoredBundle
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor


def deploy(guarded: Guarded, version: str, auc: float) -> None:
    body = f"model {version}".encode()
    made = {"metrics": {"auc": {"value": auc, "low": auc - 0.1, "high": auc + 0.1}}, "verdict": "<b>better</b>"}
    stored = StoredBundle(hashlib.sha256(body).hexdigest(), b"{}\n" + body + b"\n", made)
    with open_store(guarded.address) as store:
        Deployments(store).deploy(stored, version=version, model_type="additive_boosting", reason=f"why <i>{version}")


def test_deployments_are_shown_the_latest_first_with_their_figures(agent: Visitor, guarded: Guarded) -> None:
    deploy(guarded, "2", 0.71)
    deploy(guarded, "3", 0.83)
    text = agent.get("/models").text
    assert text.index("0.830") < text.rindex("0.710")
    assert "95 % interval 0.730 to 0.930" in text
    assert "why &lt;i&gt;3" in text
    assert "&lt;b&gt;better&lt;/b&gt;" in text
    assert "churn models rollback" in text
    assert "not on this server yet" not in text


def test_a_version_that_this_server_does_not_answer_with_yet_is_marked(agent: Visitor, guarded: Guarded) -> None:
    deploy(guarded, "4", 0.9)
    assert "not on this server yet" in agent.get("/models").text


def test_a_store_without_deployments_shows_the_card_of_the_live_model(agent: Visitor) -> None:
    text = agent.get("/models").text
    assert "additive boosting" in text
    assert "No deployment is recorded" in text
