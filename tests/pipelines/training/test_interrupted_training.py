"""Two trainings in parallel, and what is killed or fails in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog

from churn_mlops.errors import PromotionError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.registry import CHAMPION, provenance_of, set_alias
from churn_mlops.models.tracking import TrackingError, log_run
from churn_mlops.pipelines.deployment import mlflow_aliases as recording
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.deployment.promote import overview, rollback
from churn_mlops.pipelines.training import record as job
from churn_mlops.pipelines.training.report import recorded
from churn_mlops.pipelines.training.train import train
from tests.companies.small import Company


def champion_version(company: Company) -> str | None:
    champion = BundleCache(company.settings.models.folder).champion()
    return None if champion is None else champion.version


def test_a_run_that_another_overtook_is_decided_again(untrained: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(*arguments: Any) -> tuple[str, int]:
        monkeypatch.setattr(job, "log_run", log_run)
        train(untrained.settings)
        return log_run(*arguments)

    monkeypatch.setattr(job, "log_run", overtaken)
    trained = train(untrained.settings)
    assert not trained.decision.promote
    assert trained.decision.sentence == "the same model as the champion, version 1"
    assert [period.version for period in BundleCache(untrained.settings.models.folder).history()] == ["1"]
    assert {v.number: v.aliases for v in overview(untrained.settings)[0]} == {2: ("challenger",), 1: ("champion",)}
    assert provenance_of(tracking(untrained.settings), 2)["verdict"] == trained.decision.sentence
    made = recorded(untrained.settings, 2).report.made
    assert (made.verdict, made.promoted) == (trained.decision.sentence, False)


def test_an_alias_left_behind_by_a_killed_job_is_put_right_by_the_next(own_company: Company) -> None:
    train(own_company.settings)
    set_alias(tracking(own_company.settings), CHAMPION, 2)
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        rollback(own_company.settings, "x")
    assert {v.number: "champion" in v.aliases for v in overview(own_company.settings)[0]} == {1: True, 2: False}


def test_a_version_that_is_live_is_no_error_where_its_alias_cannot_be_moved(
    own_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise TrackingError("MLflow failed (gone)")

    monkeypatch.setattr(recording, "set_alias", refuse)
    with structlog.testing.capture_logs() as logs:
        trained = train(own_company.settings, force="now")
    assert trained.decision.promote
    assert champion_version(own_company) == "2"
    assert logs[-1]["log_level"] == "warning"
    assert (logs[-1]["event"], logs[-1]["alias"], logs[-1]["version"]) == ("mlflow_alias_failed", "champion", 2)


def test_a_models_folder_that_cannot_be_written_is_reported_before_anything_is_fitted(untrained: Company) -> None:
    fits: list[int] = []
    with pytest.raises(PromotionError, match=r"/proc/nope, cannot be written"):
        train(
            untrained.with_settings("models", folder=Path("/proc/nope")).settings,
            progress=lambda done, _: fits.append(done),
        )
    assert fits == []


def test_a_store_that_fails_is_reported_before_anything_is_fitted(untrained: Company) -> None:
    (untrained.folder / "failing.db").write_text("no database" * 100)
    company = untrained.with_settings("store", url=f"sqlite:///{untrained.folder}/failing.db")
    fits: list[int] = []
    with pytest.raises(PromotionError, match="the store, which says what is live, cannot be used"):
        train(company.settings, progress=lambda done, _: fits.append(done))
    assert fits == []
    assert not company.live.exists()
