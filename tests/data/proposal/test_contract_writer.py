"""A contract that is written is read as the same contract, whatever its names and levels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from churn_mlops.data.contract import DataContract, ExcludedColumn, Feature, HistoryContract
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.contract_writer import contract_text, write_contract
from churn_mlops.errors import ContractError

PAGE = Path(__file__).parents[3] / "docs" / "contract.md"
ODD = [
    "yes",
    "no",
    "On",
    "off",
    "null",
    "~",
    "1",
    "1.0",
    "1e3",
    "0x1F",
    "12:30",
    "2024-01-01",
    "- a",
    "a: b",
    "#",
    "{",
    "'",
    '"',
    "@",
]
NAMES = st.one_of(st.sampled_from(ODD), st.text(min_size=1, max_size=8))
LEVELS = st.lists(NAMES.map(str.strip).filter(bool), min_size=1, max_size=9, unique=True)
FEATURES = st.one_of(
    LEVELS.map(lambda levels: Feature(type="category", levels=tuple(levels))),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda low: Feature(type="number", min=low, range=(low, low))),
    NAMES.map(lambda text: Feature(type="boolean", title=text, missing_values=(text.strip(),))),
)


@settings(max_examples=150, deadline=None)
@given(
    features=st.dictionaries(NAMES, FEATURES, min_size=1, max_size=4),
    note=st.text(max_size=30),
    name=st.text(min_size=1),
)
def test_what_is_written_is_read_again(features: dict[str, Feature], note: str, name: str) -> None:
    aside = {
        f"{column}_": ExcludedColumn(reason="by_choice", note=note)
        for column in features
        if f"{column}_" not in features
    }
    contract = DataContract(name=name, features=features, set_aside=aside)
    findings = [Finding(None, "table", note)] + [Finding(column, "odd", note) for column in features]
    text = contract_text(contract, findings)
    assert DataContract.from_dict(YAML(typ="safe", pure=True).load(text)) == contract


@settings(max_examples=20, deadline=None)
@given(st.lists(NAMES.map(str.strip).filter(bool), min_size=30, max_size=60, unique=True))
def test_hundreds_of_levels_stand_in_lines_that_a_person_can_read(odd: list[str]) -> None:
    levels = tuple(dict.fromkeys([*odd, *(f"AREA {area}" for area in range(700))]))
    contract = DataContract(name="t", features={"area": Feature(type="category", levels=levels)})
    text = contract_text(contract)
    assert max(map(len, text.splitlines())) < 200
    assert DataContract.from_dict(YAML(typ="safe", pure=True).load(text)) == contract


def test_what_is_asked_stands_ready_to_be_uncommented() -> None:
    features = {
        "pay": Feature(type="category", levels=("CC", "Credit Card", "yes", "Yes: all")),
        "charge": Feature(type="number", min=0, range=(1.001, 2.5)),
        "odd": Feature(type="number"),
    }
    findings = [
        Finding("pay", "same_levels", "the same?", {"same": {"Credit Card": ["CC"], "yes": ["Yes: all"]}}),
        Finding("charge", "unclear", "thousands?", {"decimal": ",", "thousands": "."}),
        Finding("odd", "unclear", "thousands?", {"decimal": ",", "thousands": "."}),
    ]
    contract = DataContract(name="shop", features=features)
    text = contract_text(contract, findings)
    read = YAML(typ="safe", pure=True).load
    assert DataContract.from_dict(read(text)) == contract
    answered = DataContract.from_dict(read(re.sub(r"# (same|decimal|thousands):", r"\1:", text))).features
    assert answered["pay"].same == {"Credit Card": ("CC",), "yes": ("Yes: all",)}
    assert answered["pay"].levels == ("Credit Card", "yes")
    assert (answered["charge"].decimal, answered["odd"].thousands) == (",", ".")


def test_a_file_is_commented_and_replaced(tmp_path: Path) -> None:
    contract = DataContract(name="shop", features={"age": Feature(type="number", min=0)})
    path = write_contract(
        contract, [Finding("age", "missing", "blank in 3 rows")], tmp_path / "config" / "contract.yaml"
    )
    write_contract(contract, [Finding("age", "missing", "blank in 4 rows")], path)
    assert "  # blank in 4 rows\n  age:" in path.read_text()
    assert DataContract.load(path) == contract
    assert [file.name for file in path.parent.iterdir()] == ["contract.yaml"]


def test_the_example_of_the_page_is_a_contract() -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    contract = DataContract.from_dict(YAML(typ="safe", pure=True).load(found[1]))
    assert set(contract.features) == {"tenure", "monthly_charges", "total_charges", "senior", "contract_type"}


def test_the_page_names_every_key() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for key in [*DataContract.model_fields, *Feature.model_fields]:
        assert f"`{key}`" in text


@pytest.mark.parametrize(
    ("where", "changes"),
    [
        ("features.visits.days", {"features": {"visits": {"count": "visits", "days": 3651}}}),
        (
            "features.visits.ratio.days",
            {"features": {"visits": {"ratio": {"count": "visits", "days": [30, 10**9]}}}},
        ),
        ("label.horizon_days", {"label": {"event": "people.end", "horizon_days": 10**9}}),
        ("label.lead_days", {"label": {"event": "people.end", "lead_days": 10**9}}),
        ("label.reporting_delay_days", {"label": {"event": "people.end", "reporting_delay_days": 10**9}}),
        ("label.inactive.days", {"label": {"inactive": {"events": "visits", "days": 10**9}}}),
    ],
)
def test_no_window_or_delay_of_a_history_is_longer_than_ten_years(where: str, changes: dict[str, Any]) -> None:
    declared = {
        "name": "t",
        "customer": "id",
        "tables": {"people": {"start": "since", "end": "until"}, "visits": {"event_time": "at"}},
        "features": {"visits": {"count": "visits", "days": 3650}},
    }
    HistoryContract.from_dict(declared)
    with pytest.raises(ContractError, match=rf"{where}.*: .*less than or equal to 3650"):
        HistoryContract.from_dict({**declared, **changes})


def test_a_horizon_that_is_not_stated_is_asked_for_and_not_written() -> None:
    label = {"column": "left", "positive": "yes", "negative": "no"}
    features = {"age": {"type": "number"}}
    text = contract_text(DataContract.from_dict({"version": 1, "name": "t", "label": label, "features": features}))
    assert "as in `horizon_days: 90`" in text
    assert "horizon_days" not in YAML().load(text)["label"]
    stated = {"version": 1, "name": "t", "label": label | {"horizon_days": 30}, "features": features}
    text = contract_text(DataContract.from_dict(stated))
    assert "as in" not in text
    assert YAML().load(text)["label"]["horizon_days"] == 30
