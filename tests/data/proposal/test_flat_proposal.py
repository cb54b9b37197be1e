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


def test_repeated_rows_and_later_outcomes_are_reported(public_data: Path) -> None:
    found = propose(
        open_table(str(public_data / "hillstrom" / "hillstrom.csv")), name="mail", label="visit", positive=1
    )
    said = {(finding.column, finding.kind): finding.message for finding in found.findings}
    assert "6,562 rows repeat" in said[None, "repeated_rows"]
    assert "different customers who look alike" in said[None, "repeated_rows"]
    assert reasons(found.contract) == {"conversion": "suspected_leak", "spend": "suspected_leak"}


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


def test_customers_who_repeat_are_reported() -> None:
    ids = ["C1", "C1", None] + [f"D{row}" for row in range(ROWS - 3)]
    found = propose(table_of_frame(BASE.assign(id=ids)), name="shop", customer="id")
    assert {finding.kind for finding in found.findings} >= {"customer_repeated", "customer_missing"}


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


def test_rows_without_a_label_are_reported() -> None:
    label = np.where(LEFT, "Yes", "No").astype(object)
    label[:7] = None
    found = propose(table_of_frame(BASE.assign(left=label)), name="shop", label="left")
    assert any("7 of 400 rows have no label" in finding.message for finding in found.findings)


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


def test_the_assumed_horizon_is_reported() -> None:
    found = propose(table_of_frame(BASE.assign(left=LEFT)), name="t", label="left")
    said = next(finding for finding in found.findings if finding.kind == "horizon")
    assert said.column == "left"
    assert "30 days are assumed: write the days into the label of the contract" in said.message
    assert "horizon_days" not in found.contract.label.model_fields_set
    assert "horizon" not in {finding.kind for finding in looked_at().findings}


def test_many_levels_are_reported_with_how_many_count_as_other() -> None:
    rows = 2000
    frame = pd.DataFrame({"city": [f"c{row % 60}" if row < 1900 else f"r{row % 25}" for row in range(rows)]})
    found = propose_for_frame(frame)
    said = {finding.kind: finding.message for finding in found.findings}
    assert said["levels"].startswith('85 levels; 25 of them stand in fewer than 10 rows and count as one, "other"')
    assert "levels" not in {finding.kind for finding in looked_at().findings}


@pytest.mark.parametrize(
    ("copies", "others", "says"),
    [
        (60, 0, "60 rows are exact copies: remove them"),
        (1, 0, "1 row is an exact copy of an earlier one: remove it"),
        (2, 3, "2 rows are exact copies: remove them; for the others, one row for each customer: keep the right one"),
        (0, 3, "one row for each customer: keep the right one"),
    ],
)
def test_a_customer_who_repeats_in_exact_copies_is_reported(copies: int, others: int, says: str) -> None:
    frame = BASE.assign(id=[f"K-{row}" for row in range(ROWS)])
    again = pd.concat([frame, frame.head(copies), frame.head(others).assign(x=99.0)], ignore_index=True)
    table = table_of_frame(again)
    found = propose(table, name="t", customer="id")
    said = next(finding.message for finding in found.findings if finding.kind == "customer_repeated")
    assert said.endswith(says) or f"; {says}, or name another" in said
    problem = next(each for each in validate(table, found.contract).problems if each.rule == "customer_repeated")
    assert problem.rows == copies + others
    assert problem.advice.startswith(says)


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


def test_a_column_that_may_be_the_label_is_offered_where_none_is_named() -> None:
    status = np.where(LEFT, "Cancelled", "Active")
    messages = {finding.kind: finding.message for finding in looked_at(**{"My Status": status}).findings}
    assert messages["label_unnamed"].endswith("'My Status' may say who left: name it with `--label 'My Status'`")
    churn = np.where(LEFT, "Yes", "No")
    messages = {finding.kind: finding.message for finding in looked_at(status=status, Churn=churn).findings}
    assert "'Churn' or 'status' may say who left: name it with `--label Churn`" in messages["label_unnamed"]
    plain = looked_at(
        partner=churn, paperless=LEFT.astype(int), active=churn, kind=np.where(LEFT, "level 1", "level 0")
    )
    assert "label_unnamed" not in {finding.kind for finding in plain.findings}
    named = propose(table_of_frame(BASE.assign(status=status)), name="t", label="status")
    assert "label_unnamed" not in {finding.kind for finding in named.findings}


def test_a_name_with_blanks_is_offered_as_a_shell_takes_it() -> None:
    found = looked_at(**{"Kunde Nr.": [f"K-{row:05}" for row in range(ROWS)]}).findings
    said = next(finding.message for finding in found if finding.kind == "customer_unnamed")
    assert "`--customer 'Kunde Nr.'`" in said


@pytest.mark.parametrize("customer", ["cust", None])
def test_customers_with_a_row_a_month_are_reported_as_a_history(customer: str | None) -> None:
    panel = pd.DataFrame(
        {"cust": np.repeat(range(200), 4), "month": [f"2026-{1 + row % 4:02}-01" for row in range(800)]}
    )
    panel = panel.assign(bill=RNG.normal(50, 9, 800).round(1), churned=RNG.integers(0, 2, 800))
    found = propose(table_of_frame(panel), name="t", customer=customer, label="churned").findings
    said = next(finding.message for finding in found if finding.kind == "history")
    assert "each 'cust' has several rows, and 'month' dates them" in said
    one = panel.drop_duplicates("cust")
    found = propose(table_of_frame(one), name="t", customer=customer, label="churned").findings
    assert "history" not in {finding.kind for finding in found}


def test_nines_far_from_all_other_numbers_are_asked_about() -> None:
    nps = np.where(RNG.random(ROWS) < 0.2, -99, RNG.integers(0, 11, ROWS))
    found = next(finding for finding in looked_at(nps=nps).findings if finding.kind == "outlying")
    assert "lies far from all others (0 to 10)" in found.message
    assert found.suggestion == {"missing_values": ["-99"]}
    near = looked_at(age=RNG.integers(20, 100, ROWS), far=np.where(RNG.random(ROWS) < 0.1, -50, 7 + LEFT))
    assert "outlying" not in {finding.kind for finding in near.findings}
