"""The rows of a known table that count: values that a preset does not know are never left out in silence."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import pyarrow as pa

from churn_mlops.data.presets import KnownTable, recognise
from churn_mlops.data.proposal.billing.kept_tables import KeptTable, kept_table

COLUMNS = ["id", "customer_id", "status", "current_period_end", "canceled_at", "ended_at"]


def kept(status: Sequence[str], **flags: Sequence[str | bool | None]) -> KeptTable:
    data = {name: [f"{name}{place}" for place in range(len(status))] for name in COLUMNS} | {"status": list(status)}
    rows = pa.table(data | {name: list(values) for name, values in flags.items()})
    return kept_table(known([*COLUMNS, *flags]), ibis.duckdb.connect().create_table("subscription", rows))


def known(columns: list[str]) -> KnownTable:
    found = recognise({"subscription": columns})
    assert found is not None
    return found.customers


def test_values_that_the_preset_leaves_out_do_not_count() -> None:
    found = kept(["active", "canceled", "incomplete_expired"])
    assert found.rows.count().to_pyarrow().as_py() == 2
    assert found.counted == {"status": 1}


def test_a_value_that_the_preset_does_not_know_counts_and_is_asked_about() -> None:
    found = kept(["active", "cancelled", "incomplete"])
    assert "cancelled" in found.where["status"]
    assert "cancelled" in found.unused["status"]
    assert "incomplete" not in found.where["status"]


def test_a_status_of_other_words_leaves_no_row_out() -> None:
    found = kept(["live", "dead"])
    assert "status" not in found.where
    assert "no row has one of" in found.unused["status"]


def test_flags_are_kept_as_the_table_writes_them() -> None:
    found = kept(["active"] * 3, livemode=["t", "f", "T"], is_deleted=["0", "1", "0"])
    assert set(found.where["livemode"]) == {"t", "T"}
    assert found.where["is_deleted"] == ("0",)


def test_a_blank_where_rows_may_be_deleted_is_asked_about() -> None:
    found = kept(["active"] * 3, _fivetran_deleted=["true", "false", None])
    assert found.where.keys() == {"status"}
    assert "blank" in found.unused["_fivetran_deleted"]
