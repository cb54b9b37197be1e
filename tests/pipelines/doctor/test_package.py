"""``churn doctor`` says when the package is older than the models that are live, or another than its installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops import __version__
from churn_mlops.config import Settings
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.doctor import package
from churn_mlops.pipelines.doctor.package import package_found
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from tests.companies.small import Company


@pytest.fixture(autouse=True)
def _is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the code was installed, whatever the environment of the tests has."""
    monkeypatch.setattr(package.metadata, "version", lambda name: __version__)


def test_a_live_model_of_this_version_or_of_an_earlier_one_is_fine(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for here in (__version__, "99.0"):
        monkeypatch.setattr(package.metadata, "version", lambda name, here=here: here)
        (finding,) = package_found(company.settings, here)
        assert (finding.check, finding.status) == ("package", "ok")
        assert finding.found.startswith(f"churn-mlops {here};")


def test_a_live_model_of_a_newer_version_is_named_with_the_way_on(company: Company) -> None:
    (finding,) = package_found(company.settings, "0.0.9")
    assert finding.status == "warning"
    made = f"champion 1 in {company.settings.models.folder} was made by churn-mlops {__version__}"
    assert finding.found.startswith(f"this is churn-mlops 0.0.9, and {made}")
    assert "docs/upgrading.md" in str(finding)


def test_a_champion_that_only_the_store_has_is_looked_at_too(company: Company, tmp_path: Path) -> None:
    ours = BundleCache(company.settings.models.folder)
    settings: Settings = company.with_settings("store", url=f"sqlite:///{tmp_path}/churn.db").settings
    with open_store(settings.store.url) as store:
        Deployments(store).adopt(ours.history(), [one for each in ours.history() if (one := ours.bundle(each))])
    empty = settings.models.model_copy(update={"folder": tmp_path / "models"})
    (finding,) = package_found(settings.model_copy(update={"models": empty}), "0.0.9")
    assert f"champion 1 in the store was made by churn-mlops {__version__}" in finding.found


def test_an_installation_of_another_version_is_reported(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package.metadata, "version", lambda name: "0.0.1")
    (finding,) = package_found(company.settings)
    assert (finding.status, "its installation is 0.0.1" in finding.found) == ("warning", True)
