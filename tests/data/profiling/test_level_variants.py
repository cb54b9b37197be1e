"""Levels that seem to mean the same are asked about, and silly questions are not asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.profiling.level_variants import seeming_same
from churn_mlops.data.proposal.flat_proposal import propose_for_frame
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.data.validation.validate import validate
from churn_mlops.errors import ContractError
from churn_mlops.features import FeatureEngineer


def asked(*levels: str) -> dict[str, list[str]]:
    return seeming_same([(level, 100 - place) for place, level in enumerate(levels)])


@pytest.mark.parametrize(
    ("levels", "question"),
    [
        (("CC", "Credit Card", "Debit Card"), {"Credit Card": ["CC"]}),
        (("COD", "Cash on Delivery", "UPI"), {"Cash on Delivery": ["COD"]}),
        (("Phone", "Mobile Phone", "Computer"), {"Mobile Phone": ["Phone"]}),
        (("credit_card", "Credit card", "CREDIT-CARD"), {"credit_card": ["CREDIT-CARD", "Credit card"]}),
        (("Month-to-month", "month to month", "One year"), {"Month-to-month": ["month to month"]}),
        (("Yes", "YES", "No"), {"Yes": ["YES"]}),
        (("Y", "N", "yes", "no"), {"Y": ["yes"], "N": ["no"]}),
        (("yes", "No", "N", "y", "Y"), {"yes": ["Y", "y"], "No": ["N"]}),
        (("true", "f", "false"), {"f": ["false"]}),
        (("CC", "credit card", "Credit Card"), {"credit card": ["CC", "Credit Card"]}),
    ],
)
def test_levels_that_seem_to_mean_the_same_are_asked_about(levels: tuple[str, ...], question: object) -> None:
    assert asked(*levels) == question


@pytest.mark.parametrize(
    "levels",
    [
        ("Yes", "No", "No internet service", "No phone service"),
        ("N", "No", "S", "E"),
        ("Y", "N", "No phone service"),
        ("Y", "no"),
        ("1-Highest", "2-High", "3-Good"),
        ("A", "a", "B", "A+", "A-"),
        ("1-5", "15", "1.5", "10-20", "1020", "<5", ">5", "60", "60+"),
        ("DSL", "Fiber optic", "Electronic check", "Mailed check", "Credit card (automatic)"),
        ("Married", "Not Married", "Employed", "Self-employed", "High", "Very high"),
        ("Virginia", "West Virginia", "York", "New York", "Card", "Credit Card", "Debit Card"),
        ("Graduate", "Post-Graduate", "College", "Some college", "Premium", "Premium Plus"),
        ("c1", "c 2", "c10", "c1 0"),
    ],
)
def test_no_silly_question_is_asked(levels: tuple[str, ...]) -> None:
    assert asked(*levels) == {}


def test_only_a_person_joins_levels_and_then_all_read_them_as_one() -> None:
    frame = pd.DataFrame({"pay": ["CC", "Credit Card", " CC", "UPI"] * 50, "x": np.arange(200) % 7})
    found = propose_for_frame(frame)
    assert found.contract.features["pay"].levels == ("CC", "Credit Card", "UPI")
    question = next(finding for finding in found.findings if finding.kind == "same_levels")
    assert "'Credit Card' (50 rows) and 'CC' (100 rows)" in question.message
    declared = found.contract.to_dict()
    declared["features"]["pay"] |= question.suggestion
    answered = DataContract.from_dict(declared)
    assert answered.features["pay"].levels == ("Credit Card", "UPI")
    assert DataContract.from_dict(answered.to_dict()) == answered
    table = table_of_frame(frame)
    assert validate(table, answered).problems == ()
    assert (
        read_snapshot(table, answered)["pay"].to_pylist() == ["Credit Card", "Credit Card", "Credit Card", "UPI"] * 50
    )
    engineer = FeatureEngineer(answered).fit(frame)
    assert engineer.transform([{"pay": "CC"}, {"pay": "Credit Card"}, {"pay": "cc"}])[:, 0].tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ({"type": "category", "levels": ["a"], "same": {"b": ["c"]}}, "'b', which is not among `levels`"),
        ({"type": "category", "levels": ["a", "b"], "same": {"a": ["c"], "b": ["c"]}}, "joins 'c' twice"),
        ({"type": "category", "levels": ["a", "b"], "same": {"a": ["b"], "b": ["c"]}}, "'b', which is not among"),
        ({"type": "category", "levels": ["a"], "same": {"a": [" "]}}, "blank"),
        ({"type": "category", "levels": ["a"], "same": {"a": ["NA"]}, "missing_values": ["NA"]}, "`missing_values`"),
        ({"type": "category", "levels": ["a"], "same": "b"}, "same"),
        ({"type": "number", "same": {"a": ["b"]}}, "belong to a category"),
        ({"type": "category", "levels": ["a"], "decimal": ","}, "belong to a number"),
        ({"type": "number", "decimal": ",", "thousands": ","}, "both ','"),
        ({"type": "number", "decimal": ";"}, "decimal"),
        ({"type": "number", "thousands": "_"}, "thousands"),
        ({"type": "number", "around": ["1st"]}, "without digits"),
        ({"type": "number", "around": ["-"]}, "plus, minus"),
        ({"type": "number", "around": [","]}, "sign within numbers"),
        ({"type": "number", "around": "$"}, "around"),
    ],
)
def test_an_answer_that_means_nothing_is_refused(feature: dict[str, object], says: str) -> None:
    with pytest.raises(ContractError, match=r"features\.x") as caught:
        DataContract.from_dict({"name": "t", "features": {"x": feature}})
    assert says in str(caught.value)
