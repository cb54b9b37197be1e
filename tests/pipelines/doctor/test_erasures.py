"""``churn doctor`` on erased customers."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.erasure import forget
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import Tombstone, all_tombstones
from tests.pipelines.doctor.doctor_findings import files, found

STORE = "sqlite:///store/churn.db"


@pytest.fixture(autouse=True)
def _working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def erased(name: str) -> Tombstone:
    with open_store(STORE) as store:
        forget(store, "churn", name, by="cli:anna")
        return next(iter(all_tombstones(store)))


def test_without_erasures_nothing_is_reported() -> None:
    open_store(STORE).close()
    assert "erasures" not in found(None)


def test_suppression_is_reported_and_nothing_is_changed(tmp_path: Path) -> None:
    erased("anna")
    before = {path: content for path, (_, content) in files(tmp_path).items()}
    finding = found(None)["erasures"]
    assert (finding.status, finding.found) == ("ok", "1 customers were erased and are suppressed")
    assert {path: content for path, (_, content) in files(tmp_path).items()} == before


def test_another_key_is_a_failure() -> None:
    erased("anna")
    finding = found(None, {"CHURN__STORE__CUSTOMER_HASH_KEY": "another"})["erasures"]
    assert finding.status == "failed"
    assert "set it to what it was" in finding.advice


def test_a_store_that_lacks_them_as_a_restored_one_is_warned_of() -> None:
    stone = erased("anna")
    for path in Path("store").iterdir():
        path.unlink()
    open_store(STORE).close()
    TombstoneFile(Path("erasures/tombstones.jsonl")).add([stone])
    finding = found(None)["erasures"]
    assert (finding.status, finding.advice) == ("warning", "run `churn forget --again`")
