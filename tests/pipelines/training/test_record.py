"""The versions that training registers: in the store, for every server, and in MLflow, whose alias follows."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs

from churn_mlops.models.promotion import roll_back
from churn_mlops.models.registry import versions
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.deployment.promote import overview
from churn_mlops.pipelines.training.curves import GAIN_POINTS
from churn_mlops.pipelines.training.train import train
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import ModelVersions
from tests.companies.small import Company


def test_every_version_is_kept_in_the_store_with_its_verdict_and_curves(own_company: Company) -> None:
    lost = train(own_company.with_settings("training", seed=7).settings)
    assert not lost.decision.promote
    with open_store(own_company.settings.store.url) as store:
        second, first = ModelVersions(store).newest()
        assert Deployments(store).bundle(second.sha256).content == lost.bundle.to_bytes()
    assert (second.version, first.version) == ("2", "1")
    assert second.provenance["verdict"] == lost.decision.sentence
    assert second.provenance["metrics"]["auc"]["value"] == lost.metrics["auc"].value
    curves = second.provenance["curves"]
    assert [one["customers"] > 0 for one in curves["calibration"]] == [True] * len(curves["calibration"])
    assert curves["gain"][-1] == {"share": 1.0, "captured": 1.0, "low": 1.0, "high": 1.0}
    assert len(curves["gain"]) <= GAIN_POINTS


def test_the_alias_follows_what_a_server_promoted_when_versions_are_listed(own_company: Company) -> None:
    train(own_company.with_settings("training", seed=7).settings, force="try it")
    with open_store(own_company.settings.store.url) as store:
        roll_back(Deployments(store), reason="by a page", by="person:anna")
    assert {v.number: v.aliases for v in overview(own_company.settings)[0]} == {1: ("champion",), 2: ()}


def test_a_training_brings_the_alias_into_line_too(own_company: Company) -> None:
    train(own_company.with_settings("training", seed=7).settings, force="try it")
    with open_store(own_company.settings.store.url) as store:
        roll_back(Deployments(store), reason="by a page", by="person:anna")
    train(own_company.settings)
    listed = {v.number: v.aliases for v in versions(tracking(own_company.settings))}
    assert listed == {1: ("champion",), 2: (), 3: ("challenger",)}


def test_a_store_that_fails_during_a_training_costs_the_page_the_version_and_no_more(own_company: Company) -> None:
    place = Path(own_company.settings.store.url.removeprefix("sqlite:///"))

    def lose_the_store(*_: int) -> None:
        for file in place.parent.glob(f"{place.name}*"):
            file.unlink()
        place.write_text("no database" * 100)

    with capture_logs() as logs:
        trained = train(own_company.settings, progress=lose_the_store)
    assert not trained.decision.promote
    assert 2 in {version.number for version in versions(tracking(own_company.settings))}
    (said,) = [log for log in logs if log["event"] == "version_not_registered"]
    assert "`churn models promote 2 --reason REASON` can" in said["consequence"]
