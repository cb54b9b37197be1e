"""The demo takes a store that the environment names, and never mixes with another company."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError, StoreVersionError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.onboarding.demo_places import SNAPSHOTS, check_places, demo_settings
from churn_mlops.store import migrate_store, open_store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.companies.small import Company
from tests.store.builders import batches, run

STORE = ("store.url",)
GIVEN = Settings.model_validate(
    {"store": {"url": "sqlite:///shop.db"}, "training": {"snapshots": 7}, "source": {"url": "shop.csv"}}
)


def test_all_places_are_in_its_folder_unless_the_environment_names_the_store() -> None:
    own = demo_settings(GIVEN, Path("demo"))
    assert (own.store.url, own.source.url, own.training.snapshots) == (
        "sqlite:///demo/churn.db",
        "demo/company.duckdb",
        SNAPSHOTS,
    )
    taken = demo_settings(GIVEN, Path("demo"), ("store.url", "training.snapshots"))
    assert (taken.store.url, taken.training.snapshots) == ("sqlite:///shop.db", 7)
    assert (taken.source.url, taken.store.tombstones) == (
        "demo/company.duckdb",
        Path("demo/erasures/tombstones.jsonl"),
    )


def test_a_place_of_what_it_makes_itself_is_refused_by_name() -> None:
    with pytest.raises(ConfigError) as refused:
        demo_settings(GIVEN, Path("demo"), ("models.folder", "source.url", "store.url"))
    assert "no CHURN__SOURCE__URL and no CHURN__MODELS__FOLDER: unset them" in str(refused.value)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, company: Company, tmp_path: Path) -> Settings:
    """The settings of a company with a live model, with an empty store that the environment names."""
    on_server = request.param == "postgresql"
    address = str(request.getfixturevalue("postgres_store")) if on_server else f"sqlite:///{tmp_path}/given.db"
    return company.with_settings("store", url=address).settings


def test_an_empty_store_is_taken_and_so_is_one_that_has_keys_alone(settings: Settings) -> None:
    check_places(settings, STORE, is_kept=False)
    with open_store(settings.store.url) as store:
        make_key(store, "crm", "agent", by="test")
    check_places(settings, STORE, is_kept=False)


def test_an_empty_database_gets_its_tables(company: Company, postgres: str) -> None:
    settings = company.with_settings("store", url=postgres).settings
    check_places(settings, STORE, is_kept=False)
    with open_store(postgres) as store:
        assert latest_run(store) is None


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_store_of_another_company_is_refused_and_stays_as_it_is(settings: Settings, is_kept: bool) -> None:
    with open_store(settings.store.url) as store:
        published = publish(store, run(), batches(3))
    with pytest.raises(ConfigError, match=r"holds rows already .*scoring_runs.*CHURN__STORE__URL"):
        check_places(settings, STORE, is_kept=is_kept)
    with open_store(settings.store.url) as store:
        assert latest_run(store) == published


def test_the_tables_of_another_company_are_not_brought_to_another_revision(settings: Settings) -> None:
    migrate_store(settings.store.url, "0007")
    with pytest.raises(StoreVersionError, match="older version of churn"):
        check_places(settings, STORE, is_kept=False)
    assert inspect_store(settings.store.url).tables.revision == "0007"


def test_the_store_of_the_same_company_is_taken_again_and_not_for_a_new_one(settings: Settings) -> None:
    ours = BundleCache(settings.models.folder)
    bundles = [stored for one in ours.history() if (stored := ours.bundle(one))]
    with open_store(settings.store.url) as store:
        Deployments(store).adopt(ours.history(), bundles)
        publish(store, run(), batches(3))
    check_places(settings, STORE, is_kept=True)
    with pytest.raises(ConfigError, match="neither deletes nor mixes"):
        check_places(settings, STORE, is_kept=False)


def test_a_record_of_mlflow_that_has_versions_is_refused_for_a_new_company(settings: Settings) -> None:
    check_places(settings, ("mlflow.uri",), is_kept=True)
    with pytest.raises(ConfigError, match=r"has versions of the model churn already.*CHURN__MLFLOW__MODEL_NAME"):
        check_places(settings, ("mlflow.uri",), is_kept=False)
