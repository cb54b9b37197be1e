"""The output of ``churn train``: the choice of a type, and the next command."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from churn_mlops.cli import training
from churn_mlops.data.leakage import Canary, LeakageReport, LeakFinding
from churn_mlops.models.evaluate import Estimate
from churn_mlops.models.fitting.type_selection import Excess, as_plain
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.train import Trained
from tests.cli.conftest import Churn
from tests.companies.small import Company

COMPARED = {
    "logistic_regression": Excess(0.42, 0.001, 0.002),
    "random_forest": Excess(0.43, 0.01, 0.002),
    "boosting": Excess(0.419, 0.0, 0.0),
}


def by_auto(company: Company) -> Trained:
    trained = company.trained
    assert trained is not None
    auto = as_plain(COMPARED, "logistic_regression")
    learnt = trained.bundle.training
    bundle = replace(trained.bundle, training={**learnt, "chosen": {**learnt["chosen"], "auto": auto}})
    return replace(trained, bundle=bundle)


def test_the_choice_of_auto_and_its_reason_are_printed(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    training.show(by_auto(company), None)
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "Of all types, logistic_regression is the simplest within one standard error of the best, boosting. Its log "
        "loss is 0.00100 (0.24 %) higher (worse) than that of boosting, the best other." in printed
    )


def test_json_holds_what_auto_compared_and_chose(company: Company) -> None:
    auto = json.loads(json.dumps(training._document(by_auto(company))))["auto"]
    assert (auto["chosen"], list(auto["types"])) == ("logistic_regression", list(COMPARED))
    assert "is the simplest within one standard error" in auto["sentence"]


def test_with_a_configured_type_no_choice_is_reported(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    assert company.trained is not None
    training.show(company.trained, None)
    assert "Of all types" not in capsys.readouterr().out
    assert training._document(company.trained)["auto"] is None


FOUND = (
    LeakFinding("refund", "leavers_only", "is set for churners only, 8.0% of them"),
    LeakFinding("trend", "too_good", "is remarkably strong on its own (AUC 0.91)", sure=False),
)
BLIND = Canary("days until the end", True, False, "is not caught: the leakage checks are blind on so little data")


def leaking(company: Company, *dropped: str) -> Trained:
    assert company.trained is not None
    leaks = replace(company.trained.leaks, report=LeakageReport(FOUND, (BLIND,)), dropped=dropped)
    return replace(company.trained, leaks=leaks)


def test_each_leak_is_named_with_its_sign_and_what_to_do(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    training.show(leaking(company), None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Leak: refund: is set for churners only, 8.0% of them. Worth a look: trend: is remarkably strong" in printed
    assert "The figures above are not to be believed" in printed
    assert "`churn train --strict`" in printed
    assert (
        "a made-up column (days until the end) is not caught: the leakage checks are blind on so little data."
        in printed
    )


def test_a_dropped_leak_is_named_and_the_figures_stand(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    training.show(leaking(company, "refund"), None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Dropped: refund: is set for churners only" in printed
    assert "not to be believed" not in printed


def test_json_holds_the_leaks(company: Company) -> None:
    leaks = json.loads(json.dumps(training._document(leaking(company, "refund"))))["leaks"]
    assert (leaks["set_aside"], leaks["findings"][0]["kind"]) == (["refund"], "leavers_only")


def test_what_to_type_next_works_with_the_settings_that_were_used(churn: Churn, own_company: Company) -> None:
    folder = Path("my settings")
    folder.mkdir()
    config = folder / "churn.yaml"
    config.write_bytes(own_company.config().read_bytes())
    hint = churn("--config", config, "train").out.splitlines()[-1]
    assert hint.endswith(": churn --config 'my settings/churn.yaml' report 2")
    assert churn("--config", config, "report", "2").code == 0


def test_a_metric_that_cannot_be_computed_is_a_dash(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    trained = company.trained
    assert trained is not None
    known = {name: estimate for name, estimate in trained.metrics.items() if name != "calibration_slope"}
    training.show(replace(trained, metrics=known), None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "Calibration slope (1 is right) - cannot be computed" in printed
    assert "None" not in printed


def test_a_finding_that_asks_ends_with_its_question(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    trained = company.trained
    assert trained is not None
    asking = LeakFinding("age", "foresees", "is it written back into the past, as a state of today is?", sure=False)
    stating = LeakFinding("plan", "rewritten", "has been rewritten since", sure=False)
    leaks = replace(trained.leaks, report=LeakageReport((asking, stating), ()))
    training.show(replace(trained, leaks=leaks), None)
    printed = " ".join(capsys.readouterr().out.split())
    assert "as a state of today is? Worth a look: plan: has been rewritten since." in printed


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Estimate(1.2454, 1.22, 1.27), "too low on later dates: for every 100 churners that they expected, 125 were"),
        (Estimate(0.8, 0.7, 0.9), "too high on later dates: for every 100 churners that they expected, 80 were"),
        (Estimate(1.1, 0.98, 1.3), None),
    ],
)
def test_percentages_that_were_wrong_on_later_dates_are_called_so(
    ratio: Estimate, said: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    day = date(2024, 5, 1)
    training.show_backtest(Backtest(day, (day,), 30, 900, 90, {"observed_over_expected": ratio}))
    printed = " ".join(capsys.readouterr().out.split())
    assert (said in printed) if said else ("on later dates" not in printed)
