"""Erased customers are left out of what jobs read, also when they are erased while a job is at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from churn_mlops.config import Settings, load_settings
from churn_mlops.errors import ConfigError, StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.pipelines.delivery.send_list import send_list
from churn_mlops.pipelines.delivery.webhook import RetryClock
from churn_mlops.pipelines.erasure.erase import forget_all_again, forget_customer
from churn_mlops.pipelines.erasure.suppression import away, suppressed_customers
from churn_mlops.pipelines.outcomes import record_outcomes as maturing
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.pipelines.scoring.score import score
from churn_mlops.pipelines.training.context import training_context
from churn_mlops.pipelines.training.train import train
from churn_mlops.store import Store, open_store
from churn_mlops.store.erasure import forget
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import run_of
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import Tombstone, all_tombstones, mark_of
from tests.companies.daily import DAYS, DailyCompany, write_daily_company
from tests.companies.small import Company, write_rows
from tests.find_customer_bytes import in_tables
from tests.killable_jobs import churn
from tests.pipelines.delivery.webhook_receiver import Receiver, receiving
from tests.store.builders import batch, run

TODAY = date(2026, 11, 23)
KEY = "churn"
BY = "cli:anna"
FIRST, SECOND = DAYS


def names(settings: Settings, day: date) -> list[str]:
    with open_store(settings.store.url) as store:
        return [one.customer for one in predictions(store, day)]


# A flat table


def test_a_run_of_a_flat_table_leaves_an_erased_customer_out_and_all_others_are_as_before(own_company: Company) -> None:
    settings = own_company.settings
    day = run_day(settings).run.as_of
    with open_store(settings.store.url) as store:
        before = predictions(store, day)
    gone = before[3].customer
    forget_customer(settings, gone, by=BY)
    found = run_day(settings)
    assert gone not in found.scored.customers.column("customer_id").to_pylist()
    with open_store(settings.store.url) as store:
        after = predictions(store, day)
    assert [one.customer for one in after] == [one.customer for one in before if one.customer != gone]
    assert {one.customer: one.score for one in after} == {
        one.customer: one.score for one in before if one.customer != gone
    }
    assert found.run.customers == len(before) - 1


def test_a_scored_file_leaves_an_erased_customer_out_too_and_no_message_quotes_them(
    own_company: Company, tmp_path: Path
) -> None:
    rows = own_company.rows()[:40]
    rows[3] |= {"payment_method": "pigeon"}
    file = str(write_rows(tmp_path / "today.csv", rows))
    assert rows[3]["customer_id"] in str(score(own_company.settings, TODAY, from_address=file).report)
    forget_customer(own_company.settings, rows[3]["customer_id"], by=BY)
    found = score(own_company.settings, TODAY, from_address=file)
    assert len(found.customers) == 39
    assert found.report.problems == ()


def test_training_leaves_an_erased_customer_out(own_company: Company) -> None:
    settings = own_company.settings
    labelled = next(row["customer_id"] for row in own_company.rows() if row["churned"])
    forget_customer(settings, labelled, by=BY)
    before = len([row for row in own_company.rows() if row["churned"]])
    found = train(settings)
    assert found.counts.trained_on + found.counts.set_aside == before - 1


def test_while_the_store_is_unavailable_training_knows_erased_customers_by_the_file_alone(own_company: Company) -> None:
    """The store may go away after a run began."""
    erased = own_company.rows()[0]["customer_id"]
    forget_customer(own_company.settings, erased, by=BY)
    url = f"sqlite:///{own_company.folder}/customers.csv/churn.db"  # a file is in the way
    context = training_context(own_company.with_settings("store", url=url).settings)
    assert context.read_erased().among([erased, "another"]) == {erased}


def test_no_customer_is_looked_for_by_the_number_of_their_row(own_company: Company) -> None:
    """If rows have no customer ID, the first row of tomorrow is another customer than that of today."""
    path = own_company.settings.contract.path
    path.write_text(path.read_text(encoding="utf-8").replace("customer: customer_id\n", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="names no column of the customer"):
        forget_customer(own_company.settings, "1", by=BY)


# Tombstones outside of the store


def test_store_and_file_learn_from_each_other(own_company: Company) -> None:
    settings = own_company.settings
    file = TombstoneFile(Path(str(settings.store.tombstones)))
    with open_store(settings.store.url) as store:
        publish(store, run(), [batch(["anna", "berta", "carla"], [0.9, 0.5, 0.2])])
        forget(store, KEY, "anna", by=BY)  # on another machine, which has a file of its own
        assert file.read() == []
        assert suppressed_customers(settings, store).among(["anna", "berta"]) == {"anna"}
        assert file.read() == all_tombstones(store)
    other = own_company.with_settings("store", url=f"sqlite:///{own_company.folder}/new.db").settings
    with open_store(other.store.url) as store:
        publish(store, run(), [batch(["anna", "carla"], [0.9, 0.2])])
        suppressed_customers(other, store)
        assert (all_tombstones(store), in_tables(store, "anna")) == (file.read(), [])
        assert [one.customer for one in predictions(store, run().as_of)] == ["carla"]
    assert away(settings).among(["anna", "carla"]) == {"anna"}


def test_what_was_broken_off_is_done_by_the_next_run(own_company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    settings = own_company.settings
    file = TombstoneFile(Path(str(settings.store.tombstones)))
    listed = run_day(settings)
    gone = listed.scored.customers.column("customer_id")[0].as_py()

    def killed(stone: Tombstone) -> None:
        file.add([stone])
        raise KeyboardInterrupt

    with open_store(settings.store.url) as store:
        with pytest.raises(KeyboardInterrupt):
            forget(store, KEY, gone, by=BY, before_commit=killed)
        assert in_tables(store, gone) == ["predictions"]
    run_day(settings)
    assert "erasures_reapplied" in "".join(capsys.readouterr())
    with open_store(settings.store.url) as store:
        assert (in_tables(store, gone), all_tombstones(store)) == ([], file.read())


def test_if_the_file_cannot_be_written_no_customer_is_erased_and_runs_go_on(own_company: Company) -> None:
    settings = own_company.settings
    run_day(settings)
    gone = score(settings).customers.column("customer_id")[0].as_py()
    Path(str(settings.store.tombstones)).parent.write_text("in the way")
    with pytest.raises(StoreError, match="tombstones"):
        forget_customer(settings, gone, by=BY)
    none = own_company.with_settings("store", tombstones=None).settings
    assert forget_customer(none, gone, by=BY).removed["predictions"] == 1
    assert away(none).among([gone]) == {gone}


def test_again_removes_every_erased_customer_who_is_back(own_company: Company) -> None:
    settings = own_company.settings
    forget_customer(settings, "anna", by=BY)
    with open_store(settings.store.url) as store:
        publish(store, run(), [batch(["anna", "carla"], [0.9, 0.2])])  # by a program that knows of no tombstones
    again = forget_all_again(settings, by=BY)
    assert (again.hashes, again.removed["predictions"], again.whole) == ((customer_hash(KEY, "anna"),), 1, True)
    assert names(settings, run().as_of) == ["carla"]
    assert not forget_all_again(settings, by=BY).found


def test_the_erasure_report_of_a_server_states_how_long_its_log_keeps_the_customer(
    own_company: Company, postgres_store: str
) -> None:
    settings = own_company.with_settings("store", url=postgres_store).settings
    plain = forget_customer(settings, "anna", by=BY)
    rewritten = forget_customer(settings, "anna", by=BY, rewrite=True)
    copies = {one.where: one.until for one in plain.residual_copies}
    assert "checkpoint_timeout is 5min, wal_keep_size 0" in copies["PostgreSQL's write-ahead log"]
    assert "freed pages" in " ".join(copies)
    assert "freed pages" not in " ".join(one.where for one in rewritten.residual_copies)
    assert (plain.whole, rewritten.whole) == (True, True)


# The list that is sent


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as receiver:
        yield receiver


def test_a_list_that_is_sent_later_lacks_the_erased_customer_and_no_other_moves_up(
    own_company: Company, receiver: Receiver
) -> None:
    hook = {"url": receiver.url, "secret": "k" * 16, "allowed_hosts": ["127.0.0.1"], "page_rows": 3}
    given = own_company.settings.model_dump() | {"webhook": hook}
    settings = Settings.model_validate(given | {"decision": {"threshold": 0.15}})
    published = run_day(settings)
    listed = published.scored.customers.column("customer_id").to_pylist()[
        : max(published.run.likely, published.run.worth_an_offer)
    ]
    assert len(listed) > 7
    gone = [listed[place] for place in (1, len(listed) - 1)]
    for name in gone:
        forget_customer(settings, name, by=BY)
    assert send_list(settings, published.run.as_of, RetryClock(lambda seconds: False)) is not None
    sent = [row["customer_id"] for request in receiver.accepted() for row in request.document["customers"]]
    assert sent == [name for name in listed if name not in gone]


# While a run is at work


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> DailyCompany:
    return write_daily_company(tmp_path_factory.mktemp("company"), 300)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    on_server = request.param == "postgresql"
    return str(request.getfixturevalue("postgres_store")) if on_server else f"sqlite:///{tmp_path}/churn.db"


def customer_to_erase(daily: DailyCompany, address: str) -> tuple[Settings, str, int]:
    """A customer whose outcome will be known, the settings, and how many customers the day has."""
    settings = load_settings(daily.config("new", address), {})
    published = run_day(settings, FIRST)
    return settings, published.scored.customers.column("customer_id")[5].as_py(), published.run.customers


def held(store: Store, name: str) -> list[str]:
    """The tables with the customer; the database's own statistics are handled at the end of an erasure."""
    return [table for table in in_tables(store, name) if table != "pg_stats"]


def test_a_customer_erased_while_a_run_computes_is_not_published(
    daily: DailyCompany, address: str, tmp_path: Path
) -> None:
    settings, name, count = customer_to_erase(daily, address)
    arguments = ("--config", daily.config("new", address), "score", "--as-of", SECOND)
    with churn(tmp_path / "printed.txt", *arguments, wait_at="staging") as at_work:
        assert at_work.until("staging"), at_work.text
        assert forget_customer(settings, name, by=BY).removed["predictions"] == 1
        at_work.go_on()
        assert at_work.end() == 0, at_work.text
    assert "run_restarted" in at_work.text
    with open_store(address) as store:
        assert held(store, name) == []
        second = run_of(store, SECOND)
        assert second is not None
        assert len(predictions(store, SECOND)) == second.customers > count - 30


def test_a_customer_erased_while_a_run_is_published_is_not_in_it(
    daily: DailyCompany, address: str, tmp_path: Path
) -> None:
    settings, name, _ = customer_to_erase(daily, address)
    arguments = ("--config", daily.config("new", address), "score", "--as-of", SECOND)
    with churn(tmp_path / "printed.txt", *arguments, wait_at="moving") as at_work:
        assert at_work.until("moving"), at_work.text
        done = threading.Thread(target=forget_customer, args=(settings, name), kwargs={"by": BY})
        done.start()  # waits for the run, which has its turn
        at_work.go_on()
        done.join(60)
        assert at_work.end() == 0, at_work.text
    with open_store(address) as store:
        assert held(store, name) == []
        assert predictions(store, SECOND)


def test_recording_outcomes_removes_customers_who_came_back_though_nothing_is_due(
    daily: DailyCompany, tmp_path: Path
) -> None:
    settings, name, _ = customer_to_erase(daily, f"sqlite:///{tmp_path}/churn.db")
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    file.add([Tombstone(customer_hash(KEY, name), mark_of(KEY), datetime(2026, 11, 1, tzinfo=UTC))])
    settings = settings.model_copy(update={"store": settings.store.model_copy(update={"tombstones": file.path})})
    assert record_outcomes(settings, now=datetime(2026, 8, 2, tzinfo=UTC)) == []
    with open_store(settings.store.url) as store:
        assert in_tables(store, name) == []


def test_a_customer_erased_while_outcomes_are_read_gets_none(
    daily: DailyCompany, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, name, count = customer_to_erase(daily, address)
    read, asked = maturing.labels_of, []

    def erased_after_reading(*arguments: object) -> object:
        asked.append(read(*arguments))  # type: ignore[arg-type]
        rows = asked[-1]
        if len(asked) == 1:
            found = rows.to_pyarrow()
            assert name in found.column("customer_id").to_pylist()
            with open_store(address) as store:
                forget(store, KEY, name, by=BY)
        return rows

    monkeypatch.setattr(maturing, "labels_of", erased_after_reading)
    [outcomes] = record_outcomes(settings)
    assert len(asked) == 2
    assert 0 < outcomes.recorded.new < count + 30
    with open_store(address) as store:
        assert held(store, name) == []
