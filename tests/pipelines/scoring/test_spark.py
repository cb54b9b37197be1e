"""A company scored on Spark: the same scores, the same list and the same totals as in one process."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet
import pytest

from churn_mlops.config import Settings
from churn_mlops.data.sources.spark import spark_running
from churn_mlops.errors import ConfigError, DataError
from churn_mlops.pipelines.erasure.erase import forget_customer
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring import spark as spark_scoring
from churn_mlops.pipelines.scoring.publish import Published, run_day
from churn_mlops.pipelines.scoring.score import score
from churn_mlops.pipelines.scoring.spark import run_name
from churn_mlops.pipelines.training.train import train
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.assignments import assignments_in
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.scoring.feature_counts import feature_counts_of
from churn_mlops.store.scoring.outcomes import scored_outcomes
from churn_mlops.store.scoring.predictions import Prediction, predictions
from churn_mlops.store.scoring.runs import run_of
from tests.companies.history import copy_small_company, latest_recorded_time

pytest.importorskip("pyspark", reason="scoring on Spark needs pyspark")
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")

# Two partitions that stay two, so that ranks have to be counted across them.
OPTIONS = (
    "spark.sql.shuffle.partitions=2&spark.sql.adaptive.coalescePartitions.enabled=false&spark.driver.memory=1g"
    # Compiling takes longer than so few rows do.
    "&spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1%20-XX:%2BUseSerialGC"
    "&spark.sql.codegen.wholeStage=false&spark.sql.codegen.factoryMode=NO_CODEGEN"
)
CAPACITY = 150
BATCH = 100


@dataclass(frozen=True)
class Both:
    """A company on Spark and in one process, with a store each.

    Attributes:
        now: the time after its last row.
        day: a past day.
        active: how many customers are active on that day.
        forgotten: one of them, who is erased before the runs, and whom the source still holds.
    """

    here: Settings
    spark: Settings
    now: datetime
    day: date
    tables: Path
    active: int
    forgotten: str


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, small_history: Path, record: Path) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("spark")
    company = copy_small_company(small_history, folder, record)
    now = latest_recorded_time(company) + timedelta(days=1)
    tables = folder / "tables"
    tables.mkdir()
    with duckdb.connect(str(company.source.url), read_only=True) as connection:
        for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
            connection.execute(f"COPY ({rows_of(name)}) TO '{tables / name}.parquet'")
    decision = {"threshold": 0.08, "capacity": CAPACITY, "customer_value": 5000.0}
    here = changed(company, source={"url": str(tables), "as_of": "latest"}, decision=decision)
    address = f"spark://local[2]{tables}?{OPTIONS}"
    spark = changed(
        here,
        source={"url": address, "as_of": "latest"},
        store={"url": f"sqlite:///{folder / 'spark.db'}", "tombstones": str(folder / "spark.jsonl")},
        scoring={"output": str(folder / "scores")},
    )
    few = changed(company, training=company.training.model_dump() | {"snapshots": 2})
    train(few, today=date(2030, 1, 1), force="the tests need a model")
    day = now.date() - timedelta(days=90)
    customers = score(here, day, now=now).customers.column("customer_id")
    forgotten = customers[3].as_py()
    for settings in (here, spark):
        forget_customer(settings, forgotten, by="cli:anna")
    with spark_running(address):
        yield Both(here, spark, now, day, tables, len(customers), forgotten)


@pytest.fixture(scope="module")
def expected(both: Both) -> Published:
    return run_day(both.here, both.day, now=both.now)


@pytest.fixture(scope="module")
def published(both: Both) -> Iterator[Published]:
    for left_behind in (f"{both.day}/20200101T000000.000000Z", "2020-01-01/20200101T000000.000000Z"):
        (Path(str(both.spark.scoring.output)) / left_behind).mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spark_scoring, "BATCH_ROWS", BATCH)  # so that the list takes several
        yield run_day(both.spark, both.day, now=both.now)


def rows_of(table: str) -> str:
    """The rows of ``table``, a few with a level that is new: it is warned of, and no more."""
    if table != "plans":
        return f"FROM {table}"
    new = "CASE WHEN ends_with(customer_id, '77') THEN 'by post' ELSE tech_support END"
    return f"SELECT * REPLACE ({new} AS tech_support) FROM plans"


def changed(settings: Settings, **sections: dict[str, object]) -> Settings:
    return Settings.model_validate(settings.model_dump() | sections)


def stored(settings: Settings, as_of: date) -> list[Prediction]:
    with open_store(settings.store.url) as store:
        return predictions(store, as_of)


def scores_of(settings: Settings, published: Published) -> pa.Table:
    (run,) = (Path(str(settings.scoring.output)) / str(published.run.as_of)).iterdir()
    return parquet.read_table(run)


def test_every_customer_has_the_score_of_the_run_in_one_process(
    both: Both, expected: Published, published: Published
) -> None:
    scores = scores_of(both.spark, published)
    assert scores.column_names == ["customer", "as_of", "score", "risk_band", "will_churn", "expected_gain"]
    found = {row.pop("customer"): row for row in scores.to_pylist()}
    wanted = {
        one.customer: {
            "as_of": one.as_of,
            "score": one.score,
            "risk_band": one.risk_band,
            "will_churn": one.will_churn,
            "expected_gain": one.expected_gain,
        }
        for one in stored(both.here, expected.run.as_of)
    }
    assert found == wanted


def test_the_list_with_its_reasons_is_that_of_the_run_in_one_process(
    both: Both, expected: Published, published: Published
) -> None:
    found = stored(both.spark, published.run.as_of)
    assert len(found) == max(expected.run.likely, CAPACITY)
    assert len(found) > BATCH
    assert found == stored(both.here, expected.run.as_of)[: len(found)]
    assert published.scored.customers == expected.scored.customers.slice(0, BATCH)


def test_the_totals_are_of_all_customers(expected: Published, published: Published) -> None:
    for name in ("as_of", "customers", "likely", "worth_an_offer", "model_version", "newest_row"):
        assert getattr(published.run, name) == getattr(expected.run, name), name
    # Spark's rows have no order, so that the first row of a problem is another one.
    found, wanted = ([text.partition(" (")[0] for text in one.run.warnings] for one in (published, expected))
    assert found == wanted != []
    assert published.run.worth_an_offer == CAPACITY
    assert published.scored.total == published.run.customers > len(published.scored.customers)


def test_the_features_are_counted_as_in_one_process(both: Both, expected: Published, published: Published) -> None:
    kept = []
    for settings, run in ((both.here, expected), (both.spark, published)):
        with open_store(settings.store.url) as store:
            kept.append(feature_counts_of(store, run.run))
    assert kept[0] == kept[1]
    assert {sum(counts) for counts in kept[1].values()} == {published.run.customers}


def test_an_erased_customer_whom_the_source_still_holds_is_not_scored(both: Both, published: Published) -> None:
    assert published.run.customers == both.active - 1
    assert both.forgotten not in scores_of(both.spark, published).column("customer").to_pylist()
    assert both.forgotten not in [one.customer for one in stored(both.spark, both.day)]


def test_scores_that_are_not_needed_any_more_are_gone(both: Both, published: Published) -> None:
    output = Path(str(both.spark.scoring.output))
    assert [day.name for day in output.iterdir()] == [str(published.run.as_of)]
    (run,) = (output / str(published.run.as_of)).iterdir()
    assert run.name == run_name(published.run.started_at)


def test_outcomes_of_the_list_mature_from_spark_as_from_one_process(
    both: Both, expected: Published, published: Published
) -> None:
    found = []
    for settings in (both.here, both.spark):
        (outcomes_of_day,) = record_outcomes(settings, now=both.now)
        assert outcomes_of_day.recorded.new == len(stored(settings, both.day))
        with open_store(settings.store.url) as store:
            (part,) = scored_outcomes(store, both.day)
        found.append(dict(zip(part.customer, part.left, strict=True)))
    here, spark = found
    assert any(spark.values())
    assert spark == {one.customer: here[one.customer] for one in stored(both.spark, both.day) if one.customer in here}


def test_data_that_say_stop_publish_nothing(both: Both, published: Published, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        for file in both.tables.iterdir():
            rows = f"SELECT * FROM '{file}'"
            if file.stem == "plans":
                rows = f"SELECT * REPLACE (-monthly_charges AS monthly_charges) FROM '{file}'"
            connection.execute(f"COPY ({rows}) TO '{tmp_path / file.name}'")
    broken = changed(
        both.spark,
        source={"url": f"spark://local[2]{tmp_path}?{OPTIONS}"},
        scoring={"output": str(tmp_path / "scores")},
    )
    with pytest.raises(DataError, match="monthly_charges: below min: "):
        run_day(broken, both.day, now=both.now + timedelta(hours=2))
    with open_store(both.spark.store.url) as store:
        run = run_of(store, both.day)
    assert run is not None
    assert run.started_at == published.run.started_at
    assert not (tmp_path / "scores").exists()


def test_it_says_where_all_scores_should_go(both: Both) -> None:
    with pytest.raises(ConfigError, match=r"scoring\.output is not set"):
        run_day(changed(both.spark, scoring={"output": None}), now=both.now)


def test_an_erased_customer_is_in_no_file_of_scores_and_the_others_are_as_before(
    both: Both, published: Published, tmp_path: Path
) -> None:
    scores = Path(str(both.spark.scoring.output))
    shutil.copytree(scores, tmp_path / "scores")
    address = f"sqlite:///{tmp_path / 'store.db'}"
    own = changed(
        both.spark,
        store={"url": address, "tombstones": str(tmp_path / "tombstones.jsonl")},
        scoring={"output": str(tmp_path / "scores")},
        models={"folder": both.spark.models.folder},
    )
    files = parquet.read_table(tmp_path / "scores" / str(published.run.as_of))
    gone = published.scored.customers.column("customer_id")[7].as_py()
    others = files.filter(pc.not_equal(files["customer"], gone))
    report = forget_customer(own, gone, by="cli:anna")
    assert (report.removed["score_files"], report.whole) == (1, True)
    assert parquet.read_table(tmp_path / "scores" / str(published.run.as_of)).equals(others)
    # Spark reads what was rewritten, though it keeps checksums of what it wrote.
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    assert session is not None
    assert session.read.parquet(f"file://{tmp_path / 'scores' / str(published.run.as_of)}/*").count() == len(others)


def test_a_campaign_gives_the_arms_and_offers_of_the_run_in_one_process(both: Both, published: Published) -> None:
    day, found = both.day + timedelta(days=1), []
    terms = {"offer": "20 % off", "offer_cost": 50.0, "script": "Thank you.", "created_by": "cli:anna"}
    new = NewCampaign("Spring", starts_on=day, control_share=0.3, explore_share=0.0, capacity=10, ends_on=day, **terms)
    for settings in (both.here, both.spark):
        with open_store(settings.store.url) as store:
            id = create_campaign(store, new).id
        shown = run_day(settings, day, now=both.now + timedelta(hours=1)).scored
        listed = [one for one in stored(settings, day) if one.will_churn or one.action == "offer"]
        with open_store(settings.store.url) as store:
            arms = assignments_in(store, id, limit=1000)
        control = {one.customer for one in arms if one.arm == "control"}
        assert not control & set(shown.customers.column("customer_id").to_pylist())
        found.append(([(one.customer, one.action, one.why_not, one.campaign_id) for one in listed], arms))
    assert found[0] == found[1]
    offers = [action for _, action, _, _ in found[0][0]].count("offer")
    assert (offers, {one.arm for one in found[0][1]}) == (10, {"treated", "control"})
