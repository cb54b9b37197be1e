"""Which value of a label is that of churners."""

from __future__ import annotations

import pytest

from churn_mlops.data.profiling.label_values import may_be_label, option_of_label, read_label
from churn_mlops.data.profiling.name_signals import affirms_leaving
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.errors import ContractError


def label(name: str, *values: str) -> ColumnProfile:
    top = tuple((value, 50) for value in values)
    return ColumnProfile(name=name, kind="text", type="string", rows=100, distinct=len(top), top=top)


@pytest.mark.parametrize(
    "name",
    [
        "churn", "Churn?", "churned", "churn_flag", "is_churn", "Customer Churn", "churnLabel", "target_churn",
        "Exited", "left", "has_left", "is_lost", "cancelled", "Attrition_Flag", "left_in_next_30_days", "unsubscribed",
        "churn_value", "customer_left", "telco_churn_2024",
    ],
)  # fmt: skip
def test_a_yes_means_left_where_the_name_speaks_of_leaving(name: str) -> None:
    assert affirms_leaving(name)
    assert read_label(label(name, "1", "0")).label.positive == "1"
    assert read_label(label(name, "No", "Yes")).label.positive == "Yes"


@pytest.mark.parametrize(
    "name",
    [
        "subscribed", "paying", "enrolled", "alive", "survived", "repurchased", "logged_in_next_30d", "still_customer",
        "playing_after_6_months", "target", "y", "purchase", "renewed", "active", "visit", "label", "status", "outcome",
        "retained", "IsActiveMember", "not_churned", "no_churn", "churn_prevented", "saved_from_churn", "left_review",
        "ticket_closed", "survived_churn", "churn_offer_accepted", "stayed_or_left",
    ],
)  # fmt: skip
@pytest.mark.parametrize("values", [("1", "0"), ("Yes", "No"), ("true", "false")])
def test_a_yes_under_any_other_name_is_asked_about(name: str, values: tuple[str, str]) -> None:
    with pytest.raises(ContractError, match=f"`--positive {values[0]}` or `--positive {values[1]}`"):
        read_label(label(name, *values))


@pytest.mark.parametrize("name", ["status", "outcome", "y", "subscription"])
def test_a_value_that_says_left_itself_is_taken_under_any_name(name: str) -> None:
    assert read_label(label(name, "Active", "Cancelled")).label.positive == "Cancelled"
    assert read_label(label(name, "not churned", "churned")).label.positive == "churned"


def test_the_answer_to_the_question_is_taken() -> None:
    assert read_label(label("subscribed", "1", "0"), positive=0).label.positive == "0"
    assert read_label(label("renewed", "Yes", "No"), positive="No").label.negative == "Yes"


def test_the_answer_may_write_a_number_in_another_way_than_the_column() -> None:
    assert read_label(label("target", "0.0", "1.0"), positive="1").label.positive == "1.0"
    assert read_label(label("target", "0", "1"), positive="1.0").label.positive == "1"
    with pytest.raises(ContractError, match="never holds '2'"):
        read_label(label("target", "0.0", "1.0"), positive="2")


def test_a_value_is_offered_as_a_shell_takes_it() -> None:
    with pytest.raises(ContractError, match="`--positive 'level 1'` or `--positive A`"):
        read_label(label("y", "level 1", "A"))


def test_a_flag_that_may_speak_of_leaving_may_be_the_label_though_it_is_asked_about() -> None:
    assert may_be_label(label("status", "1", "0"))
    assert not may_be_label(label("partner", "Yes", "No"))
    assert not may_be_label(label("active", "Yes", "No"))


def test_all_values_but_that_of_churners_are_of_customers_who_stayed() -> None:
    status = label("Customer Status", "Stayed", "Churned", "Joined")
    found = read_label(status, positive="Churned")
    assert found.label.negatives == ("Stayed", "Joined")
    assert (found.left, found.stayed, found.of_stayed) == (50, 100, (("Stayed", 50), ("Joined", 50)))
    with pytest.raises(ContractError, match="as in `--positive Churned`: all others count as stayed"):
        read_label(status)
    with pytest.raises(ContractError, match="leave the cell blank where 'Unknown' stands"):
        read_label(label("Status", "Stayed", "Churned", "Unknown"), positive="Churned")
    with pytest.raises(ContractError, match="make it two"):
        read_label(label("Segment", *"ABCDEFG"), positive="A")


def test_a_status_of_several_values_may_be_the_label_where_one_of_them_is_plainly_left() -> None:
    status = label("Customer Status", "Stayed", "Churned", "Joined")
    assert may_be_label(status)
    assert option_of_label(status) == "--label 'Customer Status' --positive Churned"
    assert option_of_label(label("churn", "Yes", "No")) == "--label churn"
    assert may_be_label(label("custstat", "Active", "Churned", "New"))
    assert may_be_label(label("Statut", "actif", "résilié", "en attente"))
    assert not may_be_label(label("plan", "basic", "closed", "open"))
    assert not may_be_label(label("status", "yes", "no", "perhaps"))
    assert not may_be_label(label("status", "lost", "closed", "open"))


@pytest.mark.parametrize(
    ("name", "left", "stayed"),
    [
        ("Gekündigt", "ja", "nein"), ("ist_gekuendigt", "1", "0"), ("résilié", "oui", "non"), ("baja", "sí", "no"),
        ("cliente_cancelou", "sim", "não"), ("disdetta", "si", "no"), ("opgezegd", "ja", "nee"),
        ("Status", "gekündigt", "aktiv"), ("estado", "Baja", "Activo"), ("statut", "Résilié", "Actif"),
        ("stato", "cessato", "attivo"), ("status", "opgezegd", "actief"), ("Status", "gekündigt", "nicht gekündigt"),
    ],
)  # fmt: skip
def test_a_label_is_recognised_in_other_languages(name: str, left: str, stayed: str) -> None:
    column = label(name, stayed, left)
    assert may_be_label(column)
    assert read_label(column).label.positive == left


@pytest.mark.parametrize("name", ["aktiv", "activo", "Kündigungsfrist", "ungekündigt"])
def test_a_yes_that_is_no_leaving_in_another_language_is_asked_about(name: str) -> None:
    assert not may_be_label(label(name, "ja", "nein"))
    with pytest.raises(ContractError, match="--positive"):
        read_label(label(name, "ja", "nein"))
