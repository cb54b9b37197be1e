"""The demo company is reproducible, keeps its contract, and has the causes its page describes."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from churn_mlops.data.contract import DataContract
from tests.companies.flat import demo_columns, demo_hazard, write_demo

EXAMPLE = {
    "tenure": [12],
    "monthly_charges": [65.50],
    "total_charges": [786.00],
    "contract_type": ["month-to-month"],
    "payment_method": ["electronic_check"],
    "internet_service": ["fiber_optic"],
    "tech_support": ["no"],
    "online_security": ["no"],
}


@pytest.fixture(scope="module")
def company():
    return demo_columns(100_000, seed=7)


def test_same_seed_gives_the_same_bytes_and_another_seed_other_bytes(tmp_path: Path):
    first, again, other = (write_demo(tmp_path / name, 300, seed) for name, seed in [("a", 1), ("b", 1), ("c", 2)])
    assert first.customers.read_bytes() == again.customers.read_bytes()
    assert first.contract.read_bytes() == again.contract.read_bytes() == other.contract.read_bytes()
    assert first.customers.read_bytes() != other.customers.read_bytes()


def test_writing_leaves_the_two_files_and_nothing_else(tmp_path: Path):
    write_demo(tmp_path, 10)
    write_demo(tmp_path, 20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["contract.yaml", "customers.csv"]


def test_no_customers_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="at least 1"):
        write_demo(tmp_path, 0)


def test_every_cell_keeps_the_contract(tmp_path: Path, company):
    contract = DataContract.load(write_demo(tmp_path, 50).contract)
    assert list(contract.features) == list(EXAMPLE)
    assert list(company) == [contract.customer, *EXAMPLE, contract.label.column]
    for name, feature in contract.features.items():
        if feature.type == "category":
            assert set(company[name]) == set(feature.levels)
        else:
            low, high = feature.range
            assert company[name].min() >= low >= feature.min
            assert company[name].max() <= high
    assert set(company["churned"]) == {"yes", "no", ""}
    assert len(set(company["customer_id"])) == 100_000


def test_file_holds_the_columns_and_money_in_cents(tmp_path: Path):
    lines = write_demo(tmp_path, 5).customers.read_text().splitlines()
    assert lines[0] == ",".join(["customer_id", *EXAMPLE, "churned"])
    assert len(lines) == 6
    assert all(len(line.split(",")[2].split(".")[1]) == 2 for line in lines[1:])


def test_about_five_percent_churn_and_a_quarter_is_not_known_yet(company):
    known = company["churned"] != ""
    assert 0.74 < known.mean() < 0.76
    assert 0.046 < (company["churned"][known] == "yes").mean() < 0.054


def test_example_customer_is_at_high_risk_and_such_customers_are_rare(company):
    assert demo_hazard(EXAMPLE)[0] == pytest.approx(0.78, abs=0.01)
    assert 0.01 < (demo_hazard(company) > 0.5).mean() < 0.02


def test_truth_ranks_customers_well_but_not_perfectly(company):
    known = company["churned"] != ""
    auc = roc_auc_score(company["churned"][known] == "yes", demo_hazard(company)[known])
    assert 0.85 < auc < 0.90


@pytest.mark.parametrize(
    ("column", "safer"),
    [
        ("contract_type", "one_year"),
        ("internet_service", "dsl"),
        ("payment_method", "credit_card"),
        ("tech_support", "yes"),
        ("online_security", "yes"),
        ("monthly_charges", 40.0),
        ("tenure", 40),
    ],
)
def test_each_cause_raises_the_hazard_of_the_example(column, safer):
    assert demo_hazard(EXAMPLE | {column: [safer]})[0] < demo_hazard(EXAMPLE)[0]


def test_month_to_month_matters_more_on_fiber():
    def log_odds(**changes):
        hazard = demo_hazard(EXAMPLE | {name: [value] for name, value in changes.items()})[0]
        return np.log(hazard / (1 - hazard))

    on_fiber = log_odds() - log_odds(contract_type="one_year")
    on_dsl = log_odds(internet_service="dsl") - log_odds(internet_service="dsl", contract_type="one_year")
    assert on_fiber - on_dsl == pytest.approx(0.8)


def test_no_internet_means_no_extras_and_totals_follow_tenure(company):
    offline = company["internet_service"] == "no"
    assert set(company["tech_support"][offline]) == set(company["online_security"][offline]) == {"no"}
    ratio = company["total_charges"] / (company["tenure"] * company["monthly_charges"])
    assert 0.03 < np.log(ratio).std() < 0.05


def test_causes_come_together(company):
    monthly = company["contract_type"] == "month-to-month"
    by_check = company["payment_method"] == "electronic_check"
    assert by_check[monthly].mean() > by_check[~monthly].mean() + 0.1
    assert np.median(company["tenure"][monthly]) < np.median(company["tenure"][~monthly]) - 6
