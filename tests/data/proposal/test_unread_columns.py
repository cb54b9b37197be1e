"""Every column of every table is accounted for in the proposed contract."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.proposal.unread_columns import columns_read
from tests.data.discovery.accounts import DAY, NONE, accounts, company
from tests.data.proposal.databases import Frames, faulty_shop, shop, shop_with_ends, tables


def _accounts() -> Frames:
    """Accounts with times that nothing reads, and tables that are left out."""
    made = accounts(100)
    trials = np.where(made.some(0.6), made.start + 14 * DAY, NONE)
    frames = company(made, ended_at=made.end, trial_end=trials, updated_at=made.later(made.start, 0, 400), note="x")
    frames["payments"]["invoice_url"] = [f"https://pay/{place}" for place in range(len(frames["payments"]))]
    frames["articles"] = frames["accounts"][["note"]].assign(weight=1.5)
    frames["nothing"] = frames["accounts"].head(0)
    return frames


@pytest.mark.parametrize("build", [shop, faulty_shop, shop_with_ends, _accounts], ids=lambda build: str(build.__name__))
def test_each_column_has_a_role_is_read_or_is_excluded_with_a_reason(build: Callable[[], Frames]) -> None:
    frames = build()
    proposal = propose_history(tables(frames), name="x")
    contract = proposal.contract
    read = columns_read(contract)
    aside = set(contract.set_aside)
    columns = {(table, column) for table, frame in frames.items() if len(frame) for column in frame.columns}
    assert {f"{table}.{column}" for table, column in columns - read} == aside
    assert all(why.note for why in contract.set_aside.values())


def test_a_time_that_is_not_taken_says_what_its_rows_show() -> None:
    aside = propose_history(tables(_accounts()), name="x").contract.set_aside
    assert aside["accounts.trial_end"].note.startswith("not taken for the end: ")
    assert "go on after it" in aside["accounts.trial_end"].note
    assert aside["accounts.updated_at"].note.startswith("not taken for the time when a row was recorded: ")
    assert aside["articles.weight"].note == "its table is left out"
