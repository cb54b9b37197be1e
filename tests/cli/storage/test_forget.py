"""``churn forget``."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.suppression.tombstones import all_tombstones
from tests.cli.conftest import Churn
from tests.store.builders import DAY, batch, run

STORE = "sqlite:///store/churn.db"
NAME, OTHER = "Zyxomma-Petiolatum-77", "C000002"


@pytest.fixture
def published(churn: Churn) -> Churn:
    """``churn``, in a working directory whose store holds the two."""
    with open_store(STORE) as store:
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.2])])
    return churn


class Terminal(io.StringIO):
    """A person at the keyboard."""

    def isatty(self) -> bool:
        return True


def names() -> list[str]:
    with open_store(STORE) as store:
        return [one.customer for one in predictions(store, DAY)]


def test_the_erasure_report_states_what_was_removed_and_the_residual_copies_and_names_no_customer(
    published: Churn,
) -> None:
    result = published("forget", NAME, "--yes")
    assert result.code == 0, result.err
    with open_store(STORE) as store:
        [stone] = all_tombstones(store)
    lines = result.out.splitlines()
    assert lines[0].startswith("Erasure report, 20")
    assert f"Customer, by keyed hash: {stone.hash}" in lines
    assert "  predictions deleted: 1" in lines
    assert "Kept: the totals of every run, as they were published." in lines
    assert any(line.startswith("On disk: ") and line.endswith("was rewritten, and its log emptied.") for line in lines)
    assert any("erasures/tombstones.jsonl" in line for line in lines)
    until = lines[lines.index("Not reached from here:") + 1 :]
    assert len(until) >= 5
    assert all(line.startswith("  - ") and ": until " in line for line in until)
    assert NAME not in result.out + result.err
    assert names() == [OTHER]


def test_a_second_erasure_states_when_the_first_was(published: Churn) -> None:
    published("forget", NAME, "--yes")
    result = published("forget", NAME, "--yes")
    assert (result.code, ", first erased on 20" in result.out) == (0, True)
    assert "Nothing of the customer was found" in result.out


def test_machines_get_one_document(published: Churn) -> None:
    printed = json.loads(published("forget", NAME, "--yes", "--json").out)
    assert (printed["whole"], printed["removed"]["predictions"], len(printed["hashes"]), printed["failed"]) == (
        True,
        1,
        1,
        [],
    )
    assert all(set(one) == {"where", "until"} for one in printed["unreached"])
    assert NAME not in json.dumps(printed)


def test_a_person_is_asked_and_may_think_again(published: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer, code, left in (("n\n", 1, [NAME, OTHER]), ("y\n", 0, [OTHER])):
        monkeypatch.setattr(sys, "stdin", Terminal(answer))
        result = published("forget", NAME)
        assert (result.code, names()) == (code, left)
        assert "The store holds of this customer: 1 predictions." in result.out
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert "The store holds nothing under this name" in published("forget", NAME).out


def test_without_a_terminal_it_must_be_said_that_it_is_meant(published: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    result = published("forget", NAME)
    assert (result.code, "--yes" in result.err, names()) == (2, True, [NAME, OTHER])


def test_the_name_may_come_from_standard_input(published: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{NAME}\n"))
    assert published("forget", "-", "--yes").code == 0
    assert names() == [OTHER]


@pytest.mark.parametrize("words", [(), (NAME, "--again"), (" ", "--yes"), ("-", "--yes")])
def test_what_cannot_be_meant_is_wrong_use(
    published: Churn, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert published("forget", *words).code == 2
    assert names() == [NAME, OTHER]


def test_bytes_that_could_not_be_removed_from_the_disk_are_an_error(published: Churn) -> None:
    Path("models/frozen").mkdir(parents=True)
    Path("models/frozen/2026-11-22.frozen").write_bytes(b"no snapshot")
    result = published("forget", NAME, "--yes")
    assert result.code == 1
    assert "Not done: customers cannot be taken out of models/frozen/2026-11-22.frozen" in result.out
    assert names() == [OTHER]  # the rest was still done


def test_the_default_hash_key_is_remarked_and_one_of_your_own_is_not(
    published: Churn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "store.customer_hash_key is the one that comes with the program" in published("forget", OTHER, "--yes").out
    with open_store("sqlite:///own.db"):
        monkeypatch.setenv("CHURN__STORE__URL", "sqlite:///own.db")
        monkeypatch.setenv("CHURN__STORE__TOMBSTONES", "own.jsonl")
        monkeypatch.setenv("CHURN__STORE__CUSTOMER_HASH_KEY", "a key of our own")
        assert "customer_hash_key" not in published("forget", OTHER, "--yes").out


def test_again_shows_the_hash_of_a_customer_who_had_come_back(published: Churn) -> None:
    published("forget", NAME, "--yes")
    assert "No erased customer had come back." in published("forget", "--again").out
    with open_store(STORE) as store:
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.2])])
        [stone] = all_tombstones(store)
    result = published("forget", "--again")
    assert (result.code, f"  {stone.hash}, first erased on 20" in result.out) == (0, True)
    assert "1 had come back" in result.out
    assert names() == [OTHER]
