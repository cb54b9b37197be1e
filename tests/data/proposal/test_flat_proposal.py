"""The findings of the profile of a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.proposal.flat_proposal import Proposal, propose, propose_for_frame
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.validation.validate import validate
from tests.data.proposal.published_shapes import zipf

ROWS = 400
RNG = np.random.default_rng(5)
LEFT = RNG.random(ROWS) < 0.3
BASE = pd.DataFrame({"x": RNG.normal(size=ROWS), "plan": RNG.choice(["a", "b"], ROWS)})


def looked_at(**columns: object) -> Proposal:
    return propose_for_frame(BASE.assign(**columns))


def reasons(contract: DataContract) -> dict[str, str]:
    return {name: why.reason for name, why in contract.set_aside.items()}


def test_telco_is_understood(public_data: Path) -> None:
    table = open_table(str(public_data / "telco" / "telco.csv"))
    found = propose(table, name="telco", customer="customerID", label="Churn")
    assert len(found.contract.features) == 19
    assert not found.contract.set_aside
    assert found.contract.customer == "customerID"
    assert found.contract.label is not None
    assert (found.contract.label.positive, found.contract.label.negative) == ("Yes", "No")
    total = found.contract.features["TotalCharges"]
    assert (total.type, total.min, total.range) == ("number", 0, (18.8, 8684.8))
    assert total.missing == pytest.approx(11 / 7043, abs=1e-6)
    said = {finding.column: finding.message for finding in found.findings}
    assert "11 rows" in said["TotalCharges"]
    assert "exactly those where tenure is 0" in said["TotalCharges"]
    assert "Yes and No" in said["SeniorCitizen"]
    assert found.contract.features["SeniorCitizen"].type == "boolean"
    assert found.contract.features["Partner"].levels == ("No", "Yes")
    assert validate(table, found.contract, need_label=True).problems == ()


def test_end_dates_of_subscriptions_are_suspected(public_data: Path) -> None:
    table = open_table(str(public_data / "ravenstack" / "ravenstack_subscriptions.csv"))
    found = propose(table, name="saas", customer="subscription_id", label="churn_flag")
    assert reasons(found.contract) == {"account_id": "identifier", "start_date": "date", "end_date": "suspected_leak"}


def test_a_long_public_file_is_looked_at(public_data: Path) -> None:
    found = propose(open_table(str(public_data / "online_retail" / "online_retail.parquet")), name="shop")
    said = {(finding.column, finding.kind): finding.message for finding in found.findings}
    assert "5,268" in said[None, "repeated_rows"]
    assert reasons(found.contract)["CustomerID"] == "identifier"
    assert reasons(found.contract)["InvoiceDate"] == "date"


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        ([f"K-{row:05}" for row in range(ROWS)], "identifier"),
        (range(1000, 1000 + ROWS), "identifier"),
        ([f"{row}" for row in range(ROWS)], "identifier"),
        (["same"] * ROWS, "constant"),
        ([3.5] * ROWS, "constant"),
        ([None] * ROWS, "empty"),
        ([" "] * ROWS, "empty"),
        (["NA", " "] * (ROWS // 2), "empty"),
        (pd.date_range("2024-01-01", periods=ROWS), "date"),
        ([f"2024-01-{1 + row % 28:02}" for row in range(ROWS)], "date"),
        ([f"{1 + row % 28}/3/2024 11:30" for row in range(ROWS)], "date"),
        ([f"{1 + row % 28:02}-Jan-2024" for row in range(ROWS)], "date"),
        ([f"January {1 + row % 28}, 2024" for row in range(ROWS)], "date"),
        ([f"{1 + row % 12}/2024" for row in range(ROWS)], "date"),
        ([f"level {row % 80}" for row in range(ROWS)], "many_levels"),
        ([f"the customer wrote us letter {row % 90} in May" for row in range(ROWS)], "free_text"),
        ([f"{row % 300} zones of {row % 7}" for row in range(ROWS)], "identifier"),
        ([f"{row % 90 + 1},250" for row in range(ROWS)], "unclear"),
        ([f"{row % 90} {'MB' if row % 2 else 'GB'}" for row in range(ROWS)], "unclear"),
        ([f"{row % 90}{'K' if row % 2 else 'M'}" for row in range(ROWS)], "unclear"),
        ([f"{row % 90 + 1}{' EUR' if row % 2 else ''}" for row in range(ROWS)], "unclear"),
        ([f"{row % 90},5" if row % 2 else f"{row % 90}.5" for row in range(ROWS)], "unclear"),
        ([f"+{row % 90}.9%" if row % 2 else f"({row % 70}.7%)" for row in range(ROWS)], "unclear"),
        ([f"{row % 90}.9" if row % 2 else f"{row % 70}.7-" for row in range(ROWS)], "unclear"),
        (["only once"] + [None] * (ROWS - 1), "empty"),
        (BASE["x"], "duplicate"),
        (BASE["plan"].map({"a": "alpha", "b": "beta"}), "duplicate"),
        (BASE["plan"].map({"a": 0, "b": 1}), "duplicate"),
    ],
)
def test_a_column_that_teaches_nothing_is_excluded(column: object, reason: str) -> None:
    assert reasons(looked_at(odd=list(column)).contract) == {"odd": reason}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (RNG.normal(size=ROWS), "number"),
        (RNG.choice(10**7, ROWS, replace=False) / 100, "number"),
        (RNG.integers(0, 70, ROWS), "number"),
        ([str(value) for value in RNG.integers(0, 70, ROWS)], "number"),
        (RNG.integers(0, 2, ROWS), "boolean"),
        (RNG.random(ROWS) < 0.5, "boolean"),
        (RNG.choice(["True", "False"], ROWS), "boolean"),
        (RNG.choice(["Yes", "No"], ROWS), "category"),
        (RNG.choice(["1", "2", "x"], ROWS), "category"),
        (pd.Categorical(RNG.choice(["lo", "hi"], ROWS)), "category"),
        (RNG.choice(np.array([1, "a", None, True], dtype=object), ROWS), "category"),
    ],
)
def test_a_column_gets_its_type(column: object, kind: str) -> None:
    found = looked_at(odd=column).contract
    assert found.features["odd"].type == kind


def us(value: float) -> str:
    return f"{value:,.2f}"


WRITTEN = RNG.gamma(2, 900, ROWS) + 0.01
SWAPPED = str.maketrans(",.", ".,")


@pytest.mark.parametrize(
    ("column", "declared"),
    [
        ([us(value) for value in WRITTEN], {"thousands": ","}),
        ([us(value).translate(SWAPPED) for value in WRITTEN], {"decimal": ",", "thousands": "."}),
        (
            [us(value).translate(SWAPPED).replace(".", "\u202f") for value in WRITTEN],
            {"decimal": ",", "thousands": " "},
        ),
        ([us(value).replace(",", "'") for value in WRITTEN], {"thousands": "'"}),
        ([f"{value:,.0f}" for value in WRITTEN], {"thousands": ","}),
        ([f"{value:.2f}".replace(".", ",") for value in WRITTEN], {"decimal": ","}),
        ([f"${us(value)}" for value in WRITTEN], {"thousands": ",", "around": ("$",), "unit": "$"}),
        ([f"{value:.1f} GB" for value in WRITTEN], {"around": ("GB",), "unit": "GB"}),
        ([f"{value % 100:.0f}%" for value in WRITTEN], {"around": ("%",), "unit": "%"}),
        (["1 month", "12 months", "24 months", None] * (ROWS // 4), {"around": ("month", "months"), "unit": "months"}),
        ([f"Rs.{value:.0f}" for value in WRITTEN], {"around": ("Rs.",), "unit": "Rs."}),
        ([f"{value:.0f} widgets" for value in WRITTEN], {"around": ("widgets",), "unit": "widgets"}),
        (["Unknown"] * 300 + ["10", "20.5", "30", "40"] * 25, {"missing_values": ("Unknown",), "missing": 0.75}),
        (["Promo"] * 100 + [f"{value:.1f}" for value in WRITTEN[:300]], {"missing_values": ("Promo",)}),
    ],
)
def test_numbers_as_people_write_them_become_numbers(column: list[str], declared: dict[str, object]) -> None:
    found = looked_at(odd=column)
    feature = found.contract.features["odd"]
    assert feature.type == "number"
    assert {key: getattr(feature, key) for key in declared} == declared
    assert feature.range is not None
    assert feature.range[1] > 20
    assert {finding.kind for finding in found.findings if finding.column == "odd"} & {"notation", "marker"}
    assert validate(table_of_frame(BASE.assign(odd=column)), found.contract).problems == ()


@pytest.mark.parametrize(
    "column",
    [
        RNG.choice(["Plan 1", "Plan 2", "Plan 3"], ROWS),
        RNG.choice(["1-Highest", "2-High", "3-Good"], ROWS),
        RNG.choice(["1 month", "1 year", "2 years"], ROWS),
        RNG.choice(["0", "1", "2", "3+"], ROWS),
        RNG.choice(["1,234", "1,250", "1,999"], ROWS),
        RNG.choice(["Less than $40K", "$40K - $60K"], ROWS),
        RNG.choice(["2G", "3G", "4G", "5G"], ROWS),
        RNG.choice(["800 MB", "2 GB", "5 GB"], ROWS),
        np.where(RNG.random(ROWS) < 0.8, "red", RNG.choice([str(number) for number in range(30)], ROWS)),
    ],
)
def test_levels_with_digits_stay_levels(column: object) -> None:
    assert looked_at(odd=column).contract.features["odd"].type == "category"


def test_a_point_that_may_part_thousands_is_asked_about() -> None:
    found = looked_at(odd=[f"{1 + row % 300}.825" for row in range(ROWS)])
    assert found.contract.features["odd"].range == (1.825, 300.825)
    asked = next(finding for finding in found.findings if finding.column == "odd")
    assert (asked.kind, dict(asked.suggestion)) == ("unclear", {"decimal": ",", "thousands": "."})
    assert not looked_at(odd=[f"0.{row + 100}" for row in range(ROWS)]).findings


@pytest.mark.parametrize(
    ("levels", "rows", "kept"), [(300, 15_000, True), (747, 51_047, True), (40, 300, True), (300, 600, False)]
)
def test_hundreds_of_levels_are_a_category_where_rows_are_enough(levels: int, rows: int, kept: bool) -> None:
    area = [f"area {level}" for level in zipf(np.random.default_rng(1), rows, levels)]
    frame = pd.DataFrame({"x": np.arange(rows) % 7, "area": area})
    found = propose_for_frame(frame)
    assert ("area" in found.contract.features) is kept
    if kept:
        assert len(found.contract.features["area"].levels or ()) > 30
        assert all(len(row["values"]) <= 60 for row in found.overview())


def test_texts_that_mean_missing_are_listed() -> None:
    found = looked_at(income=["NA", "n/a", "?"] + ["12.5", " 7 "] * ((ROWS - 3) // 2) + [""])
    income = found.contract.features["income"]
    assert income.type == "number"
    assert set(income.missing_values) == {"NA", "n/a", "?"}
    assert income.missing == pytest.approx(4 / ROWS)
    assert {finding.kind for finding in found.findings if finding.column == "income"} == {"marker", "missing"}


def test_nearly_a_number_is_reported_with_its_odd_cells() -> None:
    found = looked_at(income=["abc"] + [str(row % 70) for row in range(ROWS - 1)])
    assert "'abc'" in found.contract.set_aside["income"].note


def test_a_number_that_may_be_negative_has_no_minimum() -> None:
    features = looked_at(balance=RNG.normal(size=ROWS), age=RNG.random(ROWS)).contract.features
    assert features["balance"].min is None
    assert features["age"].min == 0


def test_huge_and_infinite_numbers_do_not_stop_the_look() -> None:
    found = looked_at(big=RNG.normal(size=ROWS) * 1e299, odd=[np.inf, 1e308] + [1.0, 2.5] * (ROWS // 2 - 1))
    assert found.contract.features["odd"].range == (1.0, 2.5)
    assert "infinite" in {finding.kind for finding in found.findings}


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (("Yes", "No"), "Yes"),
        ((1, 0), "1"),
        ((True, False), "true"),
        ((1.0, 0.0), "1"),
        (("True.", "False."), "True."),
        (("Churned", "Stayed"), "Churned"),
        (("Attrited Customer", "Existing Customer"), "Attrited Customer"),
        (("churned", "not churned"), "churned"),
        (("1.0", "0.0"), "1.0"),
        (("1", "-1"), "1"),
        (("LEAVE", "STAY"), "LEAVE"),
        (("Churned", "Retained"), "Churned"),
    ],
)
def test_the_value_of_churners_is_found(values: tuple[object, object], positive: str) -> None:
    frame = BASE.assign(left=np.where(LEFT, *np.array(values, dtype=object)))
    contract = propose(table_of_frame(frame), name="shop", label="left").contract
    assert contract.label is not None
    assert contract.label.positive == positive


@pytest.mark.parametrize(("name", "values"), [("retained", ("Yes", "No")), ("left", (1, 2)), ("left", ("A", "B"))])
def test_a_doubtful_value_of_churners_is_asked_for(name: str, values: tuple[object, object]) -> None:
    frame = BASE.assign(**{name: np.where(LEFT, *np.array(values, dtype=object))})
    with pytest.raises(Exception, match="--positive"):
        propose(table_of_frame(frame), name="shop", label=name)


def test_every_column_is_in_the_overview() -> None:
    found = looked_at(odd=["same"] * ROWS)
    assert [(row["column"], row["used_as"]) for row in found.overview()] == [
        ("x", "feature"),
        ("plan", "feature"),
        ("odd", "excluded: constant"),
    ]


def test_an_index_that_pandas_wrote_without_a_name_is_excluded(tmp_path: Path) -> None:
    file = tmp_path / "indexed.csv"
    pd.DataFrame({"plan": ["a", "b"] * 60, "churn": ["yes", "no", "no"] * 40}).to_csv(file)
    proposal = propose(open_table(str(file)), name="t", label="churn")
    assert proposal.contract.set_aside["column_1"].reason == "identifier"
    assert list(proposal.contract.features) == ["plan"]


def test_a_leading_plus_is_a_sign() -> None:
    found = looked_at(odd=[f"{'+' if row % 2 else '-'}{row % 90}.9%" for row in range(ROWS)])
    feature = found.contract.features["odd"]
    assert (feature.type, feature.range, feature.unit) == ("number", (-88.9, 89.9), "%")


def test_numbers_in_parentheses_are_excluded_with_advice() -> None:
    found = looked_at(odd=[f"+{row % 90}.9%" if row % 2 else f"({row % 70}.7%)" for row in range(ROWS)])
    note = found.contract.set_aside["odd"].note
    assert "looks like numbers, some of which are written as in '(9" in note
    assert "with a minus in front" in note


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("serial", [*range(5000, 5000 + ROWS - 1), 5000]),
        ("serial", [None if row % 10 else row // 10 for row in range(ROWS)]),
        ("fax", [None if row % 10 else 30_000_000 + 71 * row for row in range(ROWS)]),
        ("line", [30_000_000 + 71 * (row or 1) for row in range(ROWS)]),
        ("zip", [10_000 + 199 * (row or 1) for row in range(ROWS)]),
        ("Post Code", [10_000 + 199 * row for row in range(ROWS)]),
    ],
)
def test_numbers_that_name_rows_are_reported_though_some_are_blank_or_repeat(name: str, numbers: list[object]) -> None:
    assert reasons(looked_at(**{name: pd.Series(numbers, dtype="Int64")}).contract) == {name: "identifier"}


@pytest.mark.parametrize("rows", [300, 3000])
def test_honest_numbers_that_hardly_repeat_stay_features(rows: int) -> None:
    draw = np.random.default_rng(3)
    honest = pd.DataFrame(
        {
            "income": draw.lognormal(10.8, 0.4, rows).round(-2).astype(int),
            "salary": draw.integers(200, 2_000, rows) * 50,
            "cents": (draw.gamma(2, 3_000, rows) * 100).round().astype(int),
            "premium": draw.permutation(draw.integers(0, 10**7, rows)),
            "days": draw.integers(0, 2 * rows, rows),
            "even": draw.integers(0, rows**2 // 12, rows),
            "calls": draw.poisson(20, rows),
        }
    )
    honest["few"] = honest["income"].where(draw.random(rows) < 0.2).astype("Int64")
    assert not propose_for_frame(honest).contract.set_aside


def test_a_status_is_proposed_as_the_label_and_never_as_a_feature() -> None:
    frame = BASE.assign(status=np.where(LEFT, "Churned", np.where(RNG.random(ROWS) < 0.2, "Joined", "Stayed")))
    found = propose(table_of_frame(frame), name="telco")
    assert reasons(found.contract) == {"status": "suspected_leak"}
    said = {finding.kind: finding.message for finding in found.findings}
    assert said["label_unnamed"].endswith("name it with `--label status --positive Churned`")
    named = propose(table_of_frame(frame), name="telco", label="status", positive="Churned")
    assert named.contract.label is not None
    assert set(named.contract.label.negatives) == {"Stayed", "Joined"}
    asked = {finding.kind: finding.message for finding in named.findings}["label_at_risk"]
    assert "'Joined'" in asked
    assert asked.endswith("take their value out of `negative`")
    assert validate(table_of_frame(frame), named.contract, need_label=True).problems == ()
    assert "status" in looked_at(status=frame.status).contract.features  # of a frame whose label is elsewhere
