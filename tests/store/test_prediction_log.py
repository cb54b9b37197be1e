"""Answers are kept in groups and come back byte for byte, on both databases."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from churn_mlops.errors import RowsRefusedError, StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.copy import copy_store
from churn_mlops.store.database.schema import ANSWERS
from churn_mlops.store.prediction_log import (
    PredictionRecord,
    answer_before,
    delete_records_before,
    records_of,
    write_records,
)
from tests.store.conftest import Addresses

NOW = datetime(2026, 11, 23, 14, 5, 6, 7, tzinfo=UTC)
ID = "0" * 31 + "a"
ODD = '{"b": 1,"a":  0.1000, "t": "\\u00fc ü \\u0000"}'


def answer(id: str = ID, **changed: object) -> PredictionRecord:
    made = PredictionRecord(id, NOW, date(2026, 11, 23), "3", "f" * 64, "key:crm", None, '{"tenure": 12.0}', ODD)
    return made._replace(**changed)


def test_a_record_is_a_row_of_the_table() -> None:
    assert PredictionRecord._fields == tuple(ANSWERS.c.keys())


def test_an_answer_comes_back_byte_for_byte(store: Store) -> None:
    kept = answer(customer="C'1 é", inputs=ODD)
    write_records(store, [kept])
    assert records_of(store, ID) == [kept]
    assert records_of(store, "f" * 32) == []


def test_times_come_back_in_utc_with_all_their_digits(store: Store) -> None:
    kept = answer(at=NOW.astimezone(timezone(timedelta(hours=-5))))
    write_records(store, [kept, answer("b" * 32, at=NOW.replace(microsecond=0))])
    assert records_of(store, ID)[0].at == NOW
    assert records_of(store, "b" * 32)[0].at == NOW.replace(microsecond=0)


def test_a_group_that_is_given_twice_is_kept_once_as_it_first_was(store: Store) -> None:
    write_records(store, [answer()])
    write_records(store, [answer(caller="other"), answer("b" * 32)])
    assert [one.caller for one in records_of(store, ID)] == ["key:crm"]
    assert len(records_of(store, "b" * 32)) == 1
    write_records(store, [])


def test_a_batch_comes_back_in_its_order_and_no_other_with_it(store: Store) -> None:
    batch = [answer(f"{ID}-{place}", answer=f'{{"n": {place}}}') for place in range(12)]
    others = [answer("0" * 32), answer("0" * 31 + "b"), answer(f"{'0' * 31}b-0")]
    write_records(store, [*reversed(batch), *others])
    assert records_of(store, ID) == batch
    assert records_of(store, f"{ID}-1") == [batch[1]]


@pytest.mark.parametrize("field", ["caller", "answer", "inputs", "customer"])
@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b"], ids=["code 0", "half a character"])
def test_what_no_database_keeps_is_refused_and_nothing_of_its_group_is_kept(
    store: Store, field: str, text: str
) -> None:
    with pytest.raises(RowsRefusedError, match="nothing was written"):
        write_records(store, [answer(), answer("b" * 32, **{field: text})])
    assert records_of(store, ID) == []


def test_a_group_with_a_row_that_breaks_a_rule_is_refused_whole(store: Store) -> None:
    with pytest.raises(RowsRefusedError):
        write_records(store, [answer(), answer("b" * 32, caller=None)])
    assert records_of(store, ID) == []


def test_old_answers_are_deleted(store: Store) -> None:
    write_records(store, [answer(), answer("b" * 32, at=NOW - timedelta(microseconds=1)), answer("c" * 32)])
    assert delete_records_before(store, NOW) == 1
    assert [len(records_of(store, id)) for id in (ID, "b" * 32, "c" * 32)] == [1, 0, 1]


def test_answers_move_to_another_store_unchanged(store: Store, addresses: Addresses) -> None:
    write_records(store, [answer()])
    with open_store(addresses()) as new:
        assert copy_store(store, new)["answers"] == 1
        moved = records_of(new, ID)[0]
    assert (moved.answer, json.loads(moved.inputs)) == (ODD, {"tenure": 12.0})


def test_a_store_that_is_gone_is_reported(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        write_records(store, [answer()])
        (tmp_path / "churn.db").unlink()
        with pytest.raises(StoreError, match="is gone"):
            write_records(store, [answer("b" * 32)])


def test_the_last_answer_of_an_earlier_date_is_found(store: Store) -> None:
    day = date(2026, 11, 23)
    write_records(
        store,
        [
            answer(customer="C1", as_of=day, answer="now"),
            answer(
                "b" * 32, customer="C1", as_of=day - timedelta(days=7), answer="earlier", at=NOW - timedelta(hours=1)
            ),
            answer("c" * 32, customer="C1", as_of=day - timedelta(days=7), answer="later"),
            answer("d" * 32, customer="C1", as_of=day - timedelta(days=9), answer="first"),
            answer("e" * 32, customer="C2", as_of=day - timedelta(days=1), answer="other"),
        ],
    )
    assert answer_before(store, "C1", day) == (day - timedelta(days=7), "later")
    assert answer_before(store, "C1", day - timedelta(days=9)) is None
    assert answer_before(store, "C\x00", day) is None
