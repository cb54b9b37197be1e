"""The levels of a company: churn of all customers, and accuracy of those without an offer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from churn_mlops.config import load_settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.errors import ConfigError
from churn_mlops.pipelines.doctor.contract_and_source import contract_found
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.measurements import latest_measurements
from churn_mlops.store.scoring.predictions import predictions
from tests.companies.daily import FEW_FEATURES, write_daily_company

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
DAY = LAST_DAY - timedelta(days=63)
PLAN = "contract_type: {last: plans.contract_type"
TREATED = 40
LEVELS = ", type: category, levels: [month-to-month, one_year, two_year]"


def test_accuracy_by_level_is_of_the_customers_without_an_offer(tmp_path: Path) -> None:
    company = write_daily_company(tmp_path, 4000, FEW_FEATURES.replace(PLAN, PLAN + LEVELS))
    settings = load_settings(company.config("old", f"sqlite:///{tmp_path}/churn.db"), {})
    run_day(settings, DAY, now=NOW)
    record_outcomes(settings, now=NOW)
    with open_store(settings.store.url) as store:
        for one in predictions(store, DAY, limit=TREATED):
            at = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)
            call = NewContact(one.customer, "a" * 64, one.customer, at, "20 % off", "accepted", "person:anna")
            record_contact(store, call, clock=lambda: NOW)
    measured = measure(settings, now=NOW)
    found = {
        name: {one.part: one for one in measured.figures if one.name == name}
        for name in ("churn_by_level", "calibration_by_level", "auc_by_level")
    }
    parts = set(found["churn_by_level"])
    assert parts == {f"contract_type={level}" for level in ("month-to-month", "one_year", "two_year")}
    assert set(found["auc_by_level"]) == set(found["calibration_by_level"]) <= parts
    part = "contract_type=month-to-month"  # where most customers leave, and most of the treated are
    of_all, of_untreated = found["churn_by_level"][part], found["auc_by_level"][part]
    assert (of_all.denominator or 0) - TREATED <= (of_untreated.denominator or 0) < (of_all.denominator or 0)
    calibration = found["calibration_by_level"][part]
    assert calibration.numerator == of_untreated.numerator
    assert calibration.value == pytest.approx(100 * (calibration.numerator or 0) / (calibration.denominator or 1))
    assert {one.rows_as_of for one in found["auc_by_level"].values()} == {DAY}
    again = measure(settings, now=NOW + timedelta(days=1))
    assert [one for one in again.figures if one.name in found] == [one for one in measured.figures if one.name in found]


def test_declared_segments_take_the_place_of_all_features_with_few_levels(tmp_path: Path) -> None:
    payment = "  payment_method: {last: plans.payment_method, type: category, levels: [%s]}\n"
    methods = "electronic_check, mailed_check, bank_transfer, credit_card"
    features = FEW_FEATURES.replace(PLAN, PLAN + LEVELS).rstrip("\n") + "\n" + payment % methods
    company = write_daily_company(tmp_path, 1500, features)
    settings = load_settings(company.config("old", f"sqlite:///{tmp_path}/churn.db"), {})
    run_day(settings, DAY, now=NOW)
    record_outcomes(settings, now=NOW)

    def segments(*declared: str, hours: int) -> set[str]:
        monitoring = settings.monitoring.model_copy(update={"segments": declared})
        measured = measure(settings.model_copy(update={"monitoring": monitoring}), now=NOW + timedelta(hours=hours))
        return {one.part.partition("=")[0] for one in measured.figures if one.name == "churn_by_level"}

    assert segments(hours=0) == {"contract_type", "payment_method"}
    assert segments("payment_method", hours=1) == {"payment_method"}
    assert segments(hours=2) == {"contract_type", "payment_method"}


def test_a_segment_that_cannot_be_one_is_refused_by_the_doctor_and_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "contract.yaml").write_text(FEW_FEATURES)
    config = tmp_path / "config.yaml"
    config.write_text(f"contract: {{path: {tmp_path}/contract.yaml}}\nstore: {{url: sqlite:///{tmp_path}/churn.db}}\n")
    (found,) = contract_found(load_settings(config, {}))
    assert found.status == "ok"
    for declared, message in {
        "contract_typ": "which is no feature of the contract; nearest: 'contract_type'",
        "tenure": "which has 0 declared levels: segments need 2 to 12; declare its `levels` in the contract",
    }.items():
        settings = load_settings(config, {"CHURN__MONITORING__SEGMENTS": declared})
        assert settings.monitoring.segments == (declared,)
        with pytest.raises(ConfigError, match=re.escape(message)):
            measure(settings, now=NOW)
        with pytest.raises(ConfigError, match=re.escape(message)):
            list(contract_found(settings))
    with open_store(settings.store.url) as store:
        assert latest_measurements(store) is None
