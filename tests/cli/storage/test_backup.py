"""``churn backup`` and ``churn restore``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.campaigns.notes import add_note, notes_of
from tests.cli.conftest import Churn

STORE = "sqlite:///store/churn.db"


def test_a_store_is_kept_and_restored_by_three_commands(churn: Churn) -> None:
    with open_store(STORE) as store:
        add_note(store, "C1", "wants to leave", by="anna")
    made = churn("backup", "--new-key", "backup.key")
    public = made.out.split()[0]
    assert (made.code, public[:4], Path("backup.key").stat().st_mode & 0o777) == (0, "age1", 0o600)
    Path("config").mkdir(exist_ok=True)
    Path("config/config.yaml").write_text(f"backup: {{recipients: [{public}]}}\n")
    kept = json.loads(churn("backup", "--json").out)
    assert (kept["is_encrypted"], kept["rows"]["customer_notes"]) == (True, 1)
    for path in Path("store").iterdir():
        path.unlink()
    done = churn("restore", kept["path"], "--key", "backup.key")
    assert (done.code, done.out.startswith("Restored ")) == (0, True), done.err
    with open_store(STORE) as store:
        assert [note.text for note in notes_of(store, "C1")] == ["wants to leave"]
    assert "holds rows" in churn("restore", kept["path"], "--key", "backup.key").err
    newest = churn("restore", "--key", "backup.key", "--replace")
    assert (newest.code, kept["path"] in "".join(newest.out.split("\n"))) == (0, True)


def test_what_is_missing_is_named(churn: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no store at sqlite:///store/churn.db" in churn("backup", "--not-encrypted").err
    open_store(STORE).close()
    assert "--new-key FILE" in " ".join(churn("backup").err.split())
    plain = churn("backup", "--not-encrypted")
    assert (plain.code, "it is not encrypted" in plain.out) == (0, True)
    assert "there is no backup nothing.churn" in churn("restore", "nothing.churn").err
    monkeypatch.setenv("CHURN__BACKUP__FOLDER", "empty")
    assert "there is no backup in empty" in churn("restore").err
    Path("backup.key").write_text("here already")
    refused = churn("backup", "--new-key", "backup.key")
    assert (refused.code, Path("backup.key").read_text()) == (1, "here already")
