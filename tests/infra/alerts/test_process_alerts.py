"""A server that refuses the new model, and one that lacks a process."""

from __future__ import annotations

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from churn_mlops.pipelines.training.train import train
from tests.companies.small import Company, settings_in
from tests.infra.alerts.course import TARGET
from tests.infra.alerts.observed import Observed, fix_of


def change_a_byte(database: Path, sha256: str) -> None:
    """As a disk does that grows old."""
    with closing(sqlite3.connect(database)) as store, store:
        ((content,),) = store.execute("SELECT content FROM bundles WHERE sha256 = ?", (sha256,))
        changed = content[:-100] + bytes([content[-100] ^ 1]) + content[-99:]
        store.execute("UPDATE bundles SET content = ? WHERE sha256 = ?", (changed, sha256))


def test_a_model_whose_bytes_changed_after_its_promotion_is_refused(observed: Observed) -> None:
    company = Company(observed.folder, settings_in(observed.folder)).with_settings("training", set_aside_share=0.3)
    second = train(company.settings)
    observed.serve(models__folder="of-the-server")
    observed.pass_minutes(2)
    observed.expect()
    observed.signal(signal.SIGSTOP)
    observed.churn("churn models promote 2 --reason better")
    change_a_byte(observed.folder / "churn.db", second.bundle.sha256)
    observed.signal(signal.SIGCONT)
    observed.until(lambda: observed.shown("churn_champion_refused_total") == 1, "the server has looked at it")
    observed.pass_minutes(5)
    observed.expect("ChampionRefused", reason="broken")
    observed.pass_minutes(58)
    observed.expect("ChampionRefused", reason="broken")
    observed.churn(fix_of("champion-refused", "churn models rollback"), models__folder="of-another-machine")
    observed.pass_minutes(63)
    observed.expect()
    observed.check()


def test_a_process_that_is_killed_whenever_it_starts_is_missing_until_fewer_are_wanted(observed: Observed) -> None:
    observed.serve(serving__workers="2")
    observed.pass_minutes(2)
    observed.expect()
    with observed.short_of_memory():
        observed.until(lambda: observed.shown("churn_workers ") == 1, "one is gone")
        observed.pass_minutes(7)
        observed.expect("WorkerMissing", **TARGET)
        observed.pass_minutes(70)
        observed.expect("WorkerMissing", **TARGET)
        observed.serve(serving__workers="1")
    observed.pass_minutes(2)
    observed.expect()
    observed.check()
