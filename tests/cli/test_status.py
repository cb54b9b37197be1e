"""``churn status``, for people and for machines."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text, update

from churn_mlops.store import open_store
from churn_mlops.store.database.schema import RUNS
from churn_mlops.store.job_records import record_job
from tests.cli.conftest import Churn
from tests.companies.small import Company


def test_a_sound_company_has_nothing_to_act_on(churn: Churn, own_company: Company) -> None:
    assert churn("--config", own_company.config(), "score").code == 0
    result = churn("--config", own_company.config(), "status")
    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[-1] == "0 to act on now, 0 within days."
    assert all(line.startswith("ok      ") for line in lines[:-1])
    assert {line[8:].partition(":")[0] for line in lines[:-1]} == {"list", "model", "job score"}
    assert "published less than a minute ago; " in result.out


def test_a_failed_job_is_named_with_its_cost_and_its_runbook(churn: Churn, own_company: Company) -> None:
    config = own_company.config()
    assert churn("--config", config, "score").code == 0
    ended = datetime.now(UTC) - timedelta(hours=3)
    with open_store(own_company.settings.store.url) as store:
        record_job(store, "mature", ended, ended, has_succeeded=False)
        record_job(store, "send", ended, ended, has_succeeded=False)
    result = churn("--config", config, "status")
    first, second = result.out.splitlines()[:2]
    assert result.code == 1
    assert first.startswith("page    job send: failed 3 hours ago")
    assert second == (
        "ticket  job mature: failed 3 hours ago, in 1 try; it never succeeded. It costs: no outcomes, so the accuracy "
        "on the dashboard stays as it is. See docs/runbooks/job-fails.md (JobFails)."
    )
    document = json.loads(churn("--config", config, "status", "--json").out)
    assert document["ok"] is False
    assert [line["urgency"] for line in document["lines"]][:2] == ["page", "ticket"]


def test_an_old_list_says_what_a_day_without_one_costs(churn: Churn, own_company: Company) -> None:
    config = own_company.config()
    assert churn("--config", config, "score").code == 0
    with open_store(own_company.settings.store.url) as store, store.writing("make it old") as connection:
        connection.execute(update(RUNS).values(finished_at=datetime.now(UTC) - timedelta(hours=27)))
    result = churn("--config", config, "status")
    assert result.code == 1
    assert "published 27 hours ago. It costs: " in result.out
    assert " USD a day, the expected gain of a list. See docs/runbooks/list-missing.md (ListMissing)." in result.out


def test_a_store_that_cannot_be_written_is_a_page_while_all_is_read(
    churn: Churn, own_company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = own_company.config()
    assert churn("--config", config, "score").code == 0
    monkeypatch.setattr(os, "access", lambda _place, mode, **_: not mode & os.W_OK)  # root may write anything
    result = churn("--config", config, "status")
    assert result.code == 1
    assert re.match(
        r"page    store: it cannot be written: \S+\.db may not be written\. It costs: no contact is recorded, and no "
        r"list is published\. See docs/runbooks/store-unavailable\.md\.\nok      list: ",
        result.out,
    )


def test_a_lost_store_is_a_page_and_is_not_made_again(churn: Churn, tmp_path: Path) -> None:
    result = churn("status")
    assert result.code == 1
    said = (
        "page    store: there is none in sqlite:///store/churn.db; there is no config/config.yaml here (--config names "
    )
    assert said in result.out
    Path("config").mkdir()
    Path("config/config.yaml").touch()
    assert "page    store: there is none in sqlite:///store/churn.db. It costs: " in churn("status").out
    assert not (tmp_path / "store").exists()


def test_a_store_that_cannot_be_reached_is_a_page_without_its_password(
    churn: Churn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN__STORE__URL", "postgresql://me:hunter2@127.0.0.1:1/churn")
    result = churn("status")
    assert result.code == 1
    assert result.out.startswith("page    store: ")
    assert "(StoreUnavailable)." in result.out
    assert "hunter2" not in result.out + result.err


def test_a_row_that_something_else_wrote_is_said_and_not_shown(churn: Churn, own_company: Company) -> None:
    config = own_company.config()
    assert churn("--config", config, "score").code == 0
    with (
        open_store(own_company.settings.store.url) as store,
        store.writing("write text in place of JSON") as connection,
    ):
        connection.execute(text("UPDATE scoring_runs SET warnings = 'secret'"))
    result = churn("--config", config, "status")
    assert (result.code, result.err) == (1, "")
    assert result.out.startswith("page    store: a row cannot be understood (")
    assert "secret" not in result.out
