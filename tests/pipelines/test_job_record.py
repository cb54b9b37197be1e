"""A job leaves a record of what it did, and none where it did not run."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from churn_mlops.config import Settings
from churn_mlops.errors import DataError, NoSuchJobError, StoreBusyError
from churn_mlops.pipelines import job_record
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.store import open_store
from churn_mlops.store.job_records import job_records


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"store": {"url": f"sqlite:///{tmp_path}/churn.db"}})


@recorded("score")
def job(settings: Settings, error: BaseException | None = None) -> str:
    """Does what it is asked to."""
    if error is not None:
        raise error
    return settings.store.url


def test_a_success_and_a_failure_are_recorded_and_nothing_else_changes(settings: Settings) -> None:
    with open_store(settings.store.url) as store:
        assert job(settings) == settings.store.url
        (first,) = job_records(store)
        with pytest.raises(DataError, match="no such table"):
            job(settings, DataError("no such table"))
        (second,) = job_records(store)
    assert (first.name, first.has_succeeded, first.failures) == ("score", True, 0)
    assert (second.has_succeeded, second.failures, second.succeeded_at) == (False, 1, first.ended_at)
    assert job.__doc__ == "Does what it is asked to."


def test_a_job_that_is_killed_leaves_its_beginning(settings: Settings) -> None:
    killed = textwrap.dedent(
        f"""
        import os, signal
        from churn_mlops.config import Settings
        from churn_mlops.pipelines.job_record import recorded

        @recorded("train")
        def job(settings):
            os.kill(os.getpid(), signal.SIGKILL)

        job(Settings.model_validate({{"store": {{"url": {settings.store.url!r}}}}}))
        """
    )
    with open_store(settings.store.url) as store:
        assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == -signal.SIGKILL
        now = datetime.now(UTC)
        [begun], [failed] = job_records(store, now), job_records(store, now + timedelta(days=2))
    assert (begun.name, begun.is_open, begun.failures) == ("train", True, 0)
    assert (failed.is_open, failed.failures) == (False, 1)


@pytest.mark.parametrize("error", [StoreBusyError("another run is at work"), NoSuchJobError("a flat table")])
def test_a_job_that_found_another_in_progress_or_has_nothing_to_do_was_no_try(
    settings: Settings, error: BaseException
) -> None:
    with open_store(settings.store.url) as store:
        with pytest.raises(type(error)):
            job(settings, error)
        assert job_records(store) == []


def test_a_failure_before_there_is_a_store_makes_none(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        job(settings, DataError("no champion"))
    assert list(tmp_path.iterdir()) == []
    emptied = tmp_path / "churn.db"
    emptied.touch()
    with pytest.raises(DataError):
        job(settings, DataError("no champion"))
    assert emptied.read_bytes() == b""  # with tables in it, the next backup would keep nothing, and seem to be one


def test_a_record_that_cannot_be_written_stops_no_job(tmp_path: Path) -> None:
    (tmp_path / "churn.db").write_text("no database")
    settings = Settings.model_validate({"store": {"url": f"sqlite:///{tmp_path}/churn.db"}})
    with capture_logs() as said:
        assert job(settings) == settings.store.url
    assert [(one["event"], one["job"], one["log_level"]) for one in said] == [("job_not_recorded", "score", "warning")]


def test_a_record_does_not_wait_for_ever_for_another_writer(
    postgres_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_record, "WAIT_MS", 20)
    with open_store(postgres_store) as store:
        with store.writing("hang"), capture_logs() as said:
            assert job(Settings.model_validate({"store": {"url": postgres_store}})) == postgres_store
        assert job_records(store) == []
    assert [one["event"] for one in said] == ["job_not_recorded"]
