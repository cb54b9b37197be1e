"""``churn store``: the tables are made, brought up to date and looked at."""

from __future__ import annotations

import json

from churn_mlops.store import migrate_store, open_store
from churn_mlops.store.database.schema import HEAD
from tests.cli.conftest import Churn

STORE = "sqlite:///store/churn.db"


def test_tables_are_made_and_brought_back_and_forward(churn: Churn) -> None:
    assert f"are made, of revision {HEAD}" in churn("store", "migrate").out
    assert f"are of revision {HEAD} already" in churn("store", "migrate").out
    assert "were of revision" in churn("store", "migrate", "--to", "0007").out
    assert json.loads(churn("store", "migrate", "--json").out) == {"before": "0007", "after": HEAD}
    refused = churn("store", "migrate", "--to", "0000")
    assert (refused.code, "there is no revision 0000" in refused.err) == (1, True)


def test_the_status_says_whether_this_version_works_on_the_tables_and_changes_nothing(churn: Churn) -> None:
    assert "is not there yet" in churn("store", "status").out
    open_store(STORE).close()
    fits = churn("store", "status")
    assert (fits.code, f"its tables are of revision {HEAD}" in fits.out) == (0, True)
    migrate_store(STORE, "0007")
    old = churn("store", "status")
    assert (old.code, "then run `churn store migrate`" in " ".join(old.out.split())) == (1, True)
    (found,) = json.loads(churn("store", "status", "--json").out)
    assert (found["check"], found["status"]) == ("store", "failed")


def test_a_command_on_old_tables_changes_nothing_and_names_the_command_that_does(churn: Churn) -> None:
    migrate_store(STORE, "0007")
    refused = churn("keys", "list")
    assert (refused.code, "run `churn store migrate`" in " ".join(refused.err.split())) == (1, True)
    assert migrate_store(STORE) == ("0007", HEAD)
