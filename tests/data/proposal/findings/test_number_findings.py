"""Numbers that are flags, below zero, or far from all others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.proposal.flat_proposal import Proposal, propose, propose_for_frame
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.validation.validate import validate

ROWS = 400
RNG = np.random.default_rng(5)
BASE = pd.DataFrame({"x": RNG.normal(size=ROWS), "plan": RNG.choice(["a", "b"], ROWS)})


def looked_at(**columns: object) -> Proposal:
    return propose_for_frame(BASE.assign(**columns))


def test_what_is_declared_for_a_flag_reads_every_row_of_it() -> None:
    flags = {
        "boolean": ["1.0 0.0", "1 0", "1.00 0.00", "TRUE FALSE", "True False"],
        "category": ["1,0 0,0", "1GB 0GB", "1% 0%", "Y N", "T F", "on off"],
        "number": ["+1 0", "1e0 0", "1. 0."],
    }
    columns = {f"{kind}_{place}": pair.split() for kind, pairs in flags.items() for place, pair in enumerate(pairs)}
    gaps = {name: [None if row % 9 == 0 else two[row % 5 // 3] for row in range(ROWS)] for name, two in columns.items()}
    gaps = {name: cells[7 * place :] + cells[: 7 * place] for place, (name, cells) in enumerate(gaps.items())}
    table = table_of_frame(BASE.assign(**gaps))
    contract = propose(table, name="t").contract
    assert not contract.set_aside
    types = {name: feature.type for name, feature in contract.features.items() if name in columns}
    assert types == {name: name.split("_")[0] for name in columns}
    assert validate(table, contract).problems == ()


def test_an_age_of_zero_far_below_all_others_is_asked_about() -> None:
    ages = np.where(RNG.random(ROWS) < 0.27, 0, RNG.integers(18, 80, ROWS))
    found = next(finding for finding in looked_at(age=ages).findings if finding.kind == "outlying")
    assert "0 in " in found.message
    assert "lies far from all others (18 to 79): if it means missing" in found.message
    assert found.suggestion == {"missing_values": ["0"]}
    honest = looked_at(
        visits=RNG.poisson(1, ROWS),
        tenure=RNG.integers(0, 72, ROWS),
        spend=np.where(RNG.random(ROWS) < 0.3, 0, RNG.integers(100, 90_000, ROWS)),
        steps=np.where(RNG.random(ROWS) < 0.3, 0, RNG.integers(1, 9, ROWS) * 50),
    )
    assert "outlying" not in {finding.kind for finding in honest.findings}


def test_a_few_amounts_below_zero_are_reported() -> None:
    amounts = RNG.gamma(2, 20, ROWS).round(2)
    amounts[:7] = -12.5
    found = looked_at(paid=amounts, balance=RNG.normal(size=ROWS), many=RNG.permutation(40_000)[:ROWS]).findings
    assert [(one.column, one.message) for one in found if one.kind == "negative"] == [
        (
            "paid",
            "7 of 400 numbers are below zero, down to -12.5: refunds, corrections or faults? If they cannot be, "
            "correct them and set `min: 0`",
        )
    ]


@pytest.mark.parametrize("most", [400, 2_000])
def test_a_lone_number_below_zero_among_days_is_asked_about(most: int) -> None:
    days = np.where(np.arange(4_000) % 5, -1, np.arange(4_000) % most)
    frame = pd.DataFrame({"x": RNG.normal(size=4_000), "pdays": np.where(days == -1, -1, days * 5)})
    (found,) = (one for one in propose_for_frame(frame).findings if one.kind in ("outlying", "negative"))
    assert found.message.startswith("-1 in 3,200 of 4,000 rows is the only number below zero: does it mean missing")
    assert found.suggestion == {"missing_values": ["-1"]}


def test_several_numbers_below_zero_and_codes_of_a_direction_are_no_sentinels() -> None:
    honest = looked_at(change=RNG.integers(-20, 20, ROWS), direction=RNG.integers(-1, 2, ROWS))
    assert "outlying" not in {finding.kind for finding in honest.findings}


def test_numbers_below_zero_that_are_not_written_plainly_are_read() -> None:
    found = looked_at(written=[f"-{row % 50},5" if row % 9 == 0 else f"{row % 50},5" for row in range(ROWS)])
    assert found.contract.features["written"].decimal == ","
