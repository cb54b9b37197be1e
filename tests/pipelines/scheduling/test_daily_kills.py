"""A daily run that is interrupted anywhere: no half-published day, a clear word, and the next run is whole."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from churn_mlops.store import Store, open_store
from churn_mlops.store.scoring.runs import latest_run, run_of
from tests.companies.daily import DAYS, DailyCompany, write_daily_company
from tests.companies.whole_days import Lists, check_nothing_is_left, expected_lists
from tests.killable_jobs import Watched, churn, daily_run

FIRST, SECOND = DAYS
CUSTOMERS = 300
WORD_OF_ANOTHER = r"Error: the lock 'scoring' of the store .* is held by process {pid} on {host} since 20\d\d-"


class Daily(NamedTuple):
    """The company, the lists of its days, and a store of this test."""

    company: DailyCompany
    lists: Lists
    address: str
    output: Path

    def config(self, source: str) -> Path:
        return self.company.config(source, self.address)

    def run(self, source: str, day: object) -> Watched:
        """A whole run."""
        with churn(self.output, "--config", self.config(source), "score", "--as-of", day) as done:
            assert done.end() == 0, done.text
        return done

    def held(self, store: Store) -> list[str | None]:
        check_nothing_is_left(store)
        return [self.lists.held(store, day) for day in DAYS]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> DailyCompany:
    return write_daily_company(tmp_path_factory.mktemp("company"), CUSTOMERS)


@pytest.fixture(scope="module")
def lists(company: DailyCompany, tmp_path_factory: pytest.TempPathFactory) -> Lists:
    return expected_lists(company, tmp_path_factory.mktemp("expected"))


@pytest.fixture(params=["sqlite", "postgresql"])
def daily(request: pytest.FixtureRequest, company: DailyCompany, lists: Lists, tmp_path: Path) -> Daily:
    (tmp_path / "store").mkdir()
    on_server = request.param == "postgresql"
    address = request.getfixturevalue("postgres_store") if on_server else f"sqlite:///{tmp_path}/store/churn.db"
    return Daily(company, lists, address, tmp_path / "printed.txt")


@pytest.fixture
def on_sqlite(company: DailyCompany, lists: Lists, tmp_path: Path) -> Daily:
    (tmp_path / "store").mkdir()
    return Daily(company, lists, f"sqlite:///{tmp_path}/store/churn.db", tmp_path / "printed.txt")


def test_a_run_killed_anywhere_leaves_whole_days_and_the_next_one_heals(daily: Daily) -> None:
    draw = random.Random(5)
    daily.run("old", FIRST)
    with open_store(daily.address) as store:
        for place, step in enumerate(("begun", "staging", "moving", "merging")):
            before = daily.held(store)
            daily.lists.put_long_ago(store)
            source = "old" if before[0] == "new" else "new"
            with daily_run(daily.output, daily.config(source), FIRST) as run:
                assert run.until(step), run.text
                run.kill_after(draw.uniform(0, 0.3 if step == "begun" else 0.01))
            after = daily.held(store)
            assert after in (before, [source, None]), (place, run.last)
            assert daily.lists.long_ago_is_there(store) or after[0] == source
        with daily_run(daily.output, daily.config("new"), SECOND) as run:
            assert run.end() == 0, run.text
        daily.run("new", FIRST)
        assert daily.held(store) == ["new", "new"]
        assert not daily.lists.long_ago_is_there(store)


def test_of_two_parallel_runs_one_publishes_and_the_other_names_it(daily: Daily) -> None:
    arguments = ("--config", daily.config("new"), "score", "--as-of", FIRST)
    with churn(daily.output, *arguments, wait_at="moving") as first:
        assert first.until("moving"), first.text
        with churn(daily.output.with_suffix(".second"), *arguments) as second:
            assert second.end() == 1
        named = WORD_OF_ANOTHER.format(pid=first.process.pid, host=socket.gethostname())
        assert re.search(named, second.text), second.text
        with open_store(daily.address) as store:
            assert latest_run(store) is None
        first.go_on()
        assert first.end() == 0, first.text
    with open_store(daily.address) as store:
        assert daily.held(store) == ["new", None]


def test_a_schedule_that_is_killed_catches_up_when_it_is_started_again(daily: Daily) -> None:
    arguments = ("--config", daily.config("new"), "schedule")
    with churn(daily.output, *arguments, wait_at="moving") as killed:
        assert killed.until("moving"), killed.text
        killed.kill_after(0)
    with open_store(daily.address) as store:
        check_nothing_is_left(store)
        assert latest_run(store) is None
        with churn(daily.output, *arguments) as again:
            assert again.until("waiting"), again.text
            again.process.terminate()
            assert again.end() == 0, again.text
        found = latest_run(store)
        assert found is not None
        assert '"daily_run_succeeded"' in again.text
        with churn(daily.output, *arguments) as third:
            assert third.until("waiting"), third.text
        assert latest_run(store) == found


def test_on_a_full_disk_nothing_is_published_and_an_error_names_it(on_sqlite: Daily) -> None:
    on_sqlite.run("old", FIRST)
    with open_store(on_sqlite.address) as store, store.reading("size") as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    arguments = ("--config", on_sqlite.config("new"), "score", "--as-of", SECOND)
    with churn(on_sqlite.output, *arguments, most_pages=pages) as full:
        assert full.end() == 1, full.text
    assert re.search(rf"^Error: could not publish the predictions of {SECOND} .* disk is full: make", full.text, re.M)
    with open_store(on_sqlite.address) as store:
        assert on_sqlite.held(store) == ["old", None]
    on_sqlite.run("new", SECOND)
    with open_store(on_sqlite.address) as store:
        assert on_sqlite.held(store) == ["old", "new"]


def test_when_the_server_ends_its_sessions_nothing_is_published_and_an_error_names_it(daily: Daily) -> None:
    if daily.address.startswith("sqlite"):
        pytest.skip("a file has no sessions")
    daily.run("old", FIRST)
    for step in ("staging", "moving"):
        arguments = ("--config", daily.config("new"), "score", "--as-of", FIRST)
        with churn(daily.output, *arguments, wait_at=step) as run:
            assert run.until(step), run.text
            with psycopg.connect(daily.address, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            run.go_on()
            assert run.end() == 1
        assert re.search(rf"^Error: could not publish the predictions of {FIRST} in .* reached: start", run.text, re.M)
        with open_store(daily.address) as store:
            assert daily.held(store) == ["old", None]
    daily.run("new", FIRST)


@pytest.mark.parametrize("harm", ["truncated", "overwritten", "deleted", "replaced"])
def test_a_source_that_is_harmed_while_it_is_read_is_reported_or_does_no_harm(on_sqlite: Daily, harm: str) -> None:
    on_sqlite.run("old", FIRST)
    source = on_sqlite.output.with_name("source.duckdb")
    shutil.copy(on_sqlite.company.database("new"), source)
    with churn(
        on_sqlite.output,
        *("--config", on_sqlite.config(str(source)), "score", "--as-of", FIRST),
        wait_at="reading",
    ) as run:
        assert run.until("reading"), run.text
        if harm == "truncated":
            os.truncate(source, 8192)
        elif harm == "overwritten":
            source.write_bytes(bytes(source.stat().st_size))
        elif harm == "deleted":
            source.unlink()
        else:
            shutil.copy(on_sqlite.company.database("old"), source.with_suffix(".other"))
            source.with_suffix(".other").replace(source)
        run.go_on()
        code = run.end()
    with open_store(on_sqlite.address) as store:
        # What was opened stays readable when its name is gone or another's.
        assert on_sqlite.held(store)[0] == ("new" if code == 0 else "old")
        assert run_of(store, SECOND) is None
    if harm in ("truncated", "overwritten"):
        assert code == 1, run.text
        assert re.search(
            rf"^Error: {re.escape(str(source))} could not be read to its end .*; then run again$", run.text, re.M
        ), run.text
        assert "Traceback" not in run.text
    else:
        assert code == 0, run.text
