"""``churn train``, ``churn models``, ``churn score`` and ``churn demo``."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.scoring.runs import latest_run
from tests.cli.conftest import Churn
from tests.companies.small import Company, write_rows
from tests.pipelines.delivery.webhook_receiver import receiving


@pytest.fixture
def config(own_company: Company) -> Path:
    return own_company.config()


def document(text: str) -> Any:
    """JSON as strict readers take it: without NaN and Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_train_says_what_it_did_for_people_and_for_machines(churn: Churn, config: Path) -> None:
    result = churn("--config", config, "train")
    assert result.code == 0
    assert " customers that no version is ever trained on" in result.out
    assert "Log loss (lower is better)" in result.out
    assert "Version 2 was recorded, not promoted: the same model as the champion, version 1." in result.out
    result = churn("--config", config, "train", "--json", "--force", "because")
    trained = document(result.out)
    assert (trained["version"], trained["promoted"], trained["signal"]) == (3, True, True)
    assert set(trained["metrics"]["auc"]) == {"value", "low", "high"}


def test_a_training_that_is_not_due_is_not_done(churn: Churn, config: Path) -> None:
    churn("--config", config, "train")
    said = churn("--config", config, "train", "--if-due").out.replace("\n", " ")
    assert "No training is due: the last training was 0 days ago, and the next is due on" in said
    assert document(churn("--config", config, "train", "--if-due", "--json").out)["is_due"] is False


def test_a_training_that_is_due_is_done(churn: Churn, untrained: Company) -> None:
    said = churn("--config", untrained.config(), "train", "--if-due").out
    assert said.startswith("A training is due: nothing was trained yet.")
    assert "Version 1 is live now" in said


def test_without_a_model_in_the_shadow_a_review_does_nothing(churn: Churn, config: Path) -> None:
    assert churn("--config", config, "models", "review").out == "The store names no live model.\n"
    churn("--config", config, "train")
    assert churn("--config", config, "models", "review").out == "No model is in the shadow.\n"
    found = document(churn("--config", config, "models", "review", "--json").out)
    assert found == {"step": "nothing", "reason": "no model is in the shadow", "live": None}


def test_train_with_warnings_still_prints_json(churn: Churn, own_company: Company) -> None:
    own_company.rewrite(lambda rows: [rows[0] | {"payment_method": "pigeon"}, *rows[1:]])
    for command in ("train", "score"):
        printed = document(churn("--config", own_company.config(), command, "--json").out)
        assert [problem["rule"] for problem in printed["warnings"]] == ["unknown_level"]


def test_warnings_about_another_file_name_the_command_that_shows_them(churn: Churn, own_company: Company) -> None:
    config, rows = own_company.config(), own_company.rows()[:50]
    file = write_rows(own_company.folder / "to day.csv", [rows[0] | {"payment_method": "pigeon"}, *rows[1:]])
    said = churn("--config", config, "score", "--from", str(file)).out.replace("\n", " ")
    assert (
        f"1 warning: `churn validate --from '{file}'` shows it. Scores use the contract as it was at training." in said
    )
    shown = churn("--config", config, "validate", "--from", str(file))
    assert "unknown level" in shown.out
    assert shown.code == 0


def test_an_unknown_model_type_is_named(churn: Churn, config: Path) -> None:
    result = churn("--config", config, "train", "--model-type", "magic")
    assert result.code == 1
    assert "'magic': one of auto, logistic_regression, additive_boosting" in result.err


def test_versions_are_promoted_rolled_back_and_listed(
    churn: Churn, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing to roll back to" in churn("--config", config, "models", "rollback").err
    churn("--config", config, "train", "--model-type", "additive_boosting")
    result = churn("--config", config, "models", "promote", "2", "--reason", "try it")
    assert (result.code, result.out[:36]) == (0, "Version 2 (additive_boosting) is liv")
    result = churn("--config", config, "models", "rollback", "--reason", "no good")
    assert (result.code, result.out[:41]) == (0, "Version 1 (logistic_regression) is live a")
    listed = document(churn("--config", config, "models", "list", "--json").out)
    assert [(v["number"], v["aliases"]) for v in listed["versions"]] == [(2, ["challenger"]), (1, ["champion"])]
    assert [(p["version"], p["reason"]) for p in listed["live"]][1:] == [("2", "try it"), ("1", "no good")]
    shown = churn("--config", config, "models", "list").out
    assert "no good" in shown
    assert "logistic_regression" in shown
    monkeypatch.setenv("COLUMNS", "80")
    assert "logistic_regression" in churn("--config", config, "models", "list").out


def test_promoting_what_is_live_changes_nothing(churn: Churn, own_company: Company) -> None:
    before = own_company.live.read_bytes()
    result = churn("--config", own_company.config(), "models", "promote", "1", "--reason", "sent twice")
    assert result.code == 1
    assert "version 1 is live already, since 20" in result.err
    assert "nothing changed" in result.err
    assert own_company.live.read_bytes() == before


def test_promoting_what_is_not_there_changes_nothing(churn: Churn, own_company: Company) -> None:
    before = own_company.live.read_bytes()
    result = churn("--config", own_company.config(), "models", "promote", "9", "--reason", "x")
    assert result.code == 1
    assert "there is no version 9 of 'churn'" in result.err
    assert own_company.live.read_bytes() == before


def test_where_nothing_is_registered_the_list_says_so(churn: Churn, untrained: Company) -> None:
    assert "No model is registered yet" in churn("--config", untrained.config(), "models", "list").out
    assert document(churn("--config", untrained.config(), "models", "list", "--json").out) == {
        "versions": [],
        "live": [],
    }


def test_what_is_live_is_listed_where_mlflow_has_lost_its_versions(
    churn: Churn, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN__MLFLOW__URI", f"sqlite:///{tmp_path}/empty.db")
    listed = churn("--config", config, "models", "list").out
    assert "MLflow knows no version" in listed
    assert "Versions" not in listed
    assert "the first model that finds a signal" in listed


def test_score_prints_both_numbers_the_top_and_writes_the_list(churn: Churn, company: Company) -> None:
    result = churn("--config", company.config(), "score", "--out", "list.csv")
    assert result.code == 0
    unknown = sum(row["churned"] == "" for row in company.rows())
    assert f" of {unknown:,} customers are likely to churn; " in result.out
    assert " are on the contact list. (model version 1, as of " in result.out
    assert "follow from defaults, not set by you: decision.customer_value 500 USD, decision.offer_cost 50 USD." in (
        result.out
    )
    assert "points" in result.out
    assert f"Wrote {unknown:,} customers to list.csv." in result.out
    assert len(Path("list.csv").read_text().splitlines()) == unknown + 1
    printed = document(churn("--config", company.config(), "score", "--json").out)
    assert printed["customers"] == unknown
    assert len(printed["list"]) == printed["likely_to_churn"]


def test_score_of_a_file_scores_that_file(churn: Churn, company: Company) -> None:
    write_rows(Path("today.csv"), company.rows()[:25])
    printed = document(churn("--config", company.config(), "score", "--from", "today.csv", "--json").out)
    assert (printed["customers"], printed["out_of_fold"]) == (25, False)


def test_score_sends_the_list_once_it_is_published(
    churn: Churn, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = churn("--config", company.config(), "score", "--send")
    assert refused.code == 1
    assert "no webhook is configured" in refused.err
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CHURN__WEBHOOK__SECRET", "k3y-that-signs-what-is-sent")
    with receiving() as receiver:
        monkeypatch.setenv("CHURN__WEBHOOK__URL", receiver.url)
        monkeypatch.setenv("CHURN__WEBHOOK__ALLOWED_HOSTS", "127.0.0.1")
        result = churn("--config", company.config(), "score", "--send")
    assert result.code == 0, result.err
    (request,) = receiver.requests
    sent = request.document["customers"]
    assert f"Sent {len(sent):,} customers to the webhook." in result.out
    assert [row["rank"] for row in sent] == list(range(1, len(sent) + 1))


def test_a_list_that_cannot_be_written_is_an_error(churn: Churn, company: Company) -> None:
    Path("file").write_text("in the way")
    result = churn("--config", company.config(), "score", "--out", "file/list.csv")
    assert (result.code, result.out) == (1, "")
    assert "cannot write file/list.csv" in result.err


@pytest.mark.parametrize("place", ["demo/churn.db", "postgresql"])
def test_the_demo_makes_trains_and_lists_and_the_second_time_only_lists(
    churn: Churn,
    company: Company,
    record: Path,
    place: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = "sqlite:///demo/churn.db"
    if place == "postgresql":
        address = str(request.getfixturevalue("postgres"))
        monkeypatch.setenv("CHURN__STORE__URL", address)
    Path("demo/mlflow").mkdir(parents=True)
    Path("demo/mlflow/mlflow.db").write_bytes(record.read_bytes())
    monkeypatch.setenv("CHURN__TRAINING__MODEL_TYPE", "logistic_regression")
    demo = ("demo", "--customers", "2000", "--months", "9", "--seed", "1", "--last-day", "2026-10-31", "--no-serve")
    first = churn(*demo)
    assert first.code == 0
    assert "Made a company of 2,000 customers, with a history of 9 months, in demo/." in first.out
    assert "in pictures: churn --config demo/config.yaml report 1" in first.out
    assert "Version 1 is live now: the first model that finds a signal." in first.out
    assert f"Published in {place}" in first.out
    assert Path("demo/churn.db").exists() == (place != "postgresql")
    again = churn(*demo)
    assert again.out.startswith("The company in demo/ has its model already.\n")
    assert again.out.splitlines()[1:] == first.out.splitlines()[-len(again.out.splitlines()) + 1 :]
    assert "churn --config demo/config.yaml score" in again.out
    assert churn("--config", "demo/config.yaml", "score").code == 0
    with open_store(address) as store:
        run = latest_run(store)
    assert run is not None
    assert (run.as_of, run.model_version) == (date(2026, 10, 30), "1")
    assert f"1 of {run.customers:,} customers is likely to churn" in again.out


def test_sync_writes_to_the_store_what_this_machine_promoted_without_it(churn: Churn, config: Path) -> None:
    for _ in range(2):
        result = churn("--config", config, "models", "sync")
        assert result.code == 0
        assert "Version 1 (logistic_regression) is live since" in result.out
    result = churn("--config", config, "models", "list", "--json")
    assert [period["version"] for period in document(result.out)["live"]] == ["1"]
