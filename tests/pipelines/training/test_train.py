"""The training job: what goes live, what does not, and what it says about it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.contract_writer import write_contract
from churn_mlops.errors import BundleError, ConfigError, ContractError, DataError
from churn_mlops.keyed_hash import in_test_set
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.registry import versions
from churn_mlops.models.tracking import TrackingError
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.deployment.promote import overview, promote, rollback
from churn_mlops.pipelines.inputs.open_source import open_source
from churn_mlops.pipelines.training.test_set import SplitRule, split
from churn_mlops.pipelines.training.train import train
from tests.companies.small import Company, Rows


def champion_version(company: Company) -> str | None:
    champion = BundleCache(company.settings.models.folder).champion()
    return None if champion is None else champion.version


def keep_features(company: Company, *names: str) -> None:
    """Narrow the contract to some features; the other columns of the file are unused."""
    path = company.settings.contract.path
    contract = DataContract.load(path)
    features = {name: contract.features[name] for name in names}
    write_contract(contract.model_copy(update={"features": features}), [], path)


def ids_in_test_set(company: Company) -> set[str]:
    ids = [row["customer_id"] for row in company.rows()]
    training = company.settings.training
    return {one for one, tested in zip(ids, in_test_set(ids, training.set_aside_key, 0.2), strict=True) if tested}


def rule_of(company: Company) -> SplitRule:
    training = company.settings.training
    return SplitRule(training.set_aside_share, training.set_aside_key)


# The champion


def test_the_first_model_that_finds_a_signal_goes_live(company: Company) -> None:
    trained = company.trained
    assert trained is not None
    assert trained.decision.promote
    assert trained.decision.signal
    assert trained.decision.sentence == "the first model that finds a signal"
    assert champion_version(company) == "1"
    listed, periods = overview(company.settings)
    assert listed[0].aliases == ("champion",)
    assert [(period.version, period.reason) for period in periods] == [("1", trained.decision.sentence)]
    assert 0.75 < trained.metrics["auc"].value < 0.95
    assert trained.counts.customers == sum(row["churned"] != "" for row in company.rows())


def test_a_run_records_what_it_takes_to_repeat_it(company: Company) -> None:
    assert company.trained is not None
    champion = BundleCache(company.settings.models.folder).champion()
    assert champion is not None
    known = champion.provenance
    assert known["seed"] == company.settings.training.seed
    assert {"churn-mlops", "python", "numpy", "lightgbm"} <= set(known["versions"])
    assert len(known["data_fingerprint"]) == 64
    assert known["metrics"]["auc"]["value"] == company.trained.metrics["auc"].value
    # The key of the hash that draws the test set is a secret.
    assert company.settings.training.set_aside_key not in json.dumps(known["set_aside"])


def test_the_same_data_give_the_same_bundle_which_is_not_promoted_again(own_company: Company) -> None:
    again = train(own_company.settings)
    assert own_company.trained is not None
    assert again.bundle.sha256 == own_company.trained.bundle.sha256
    assert not again.decision.promote
    assert again.decision.sentence == "the same model as the champion, version 1"
    assert champion_version(own_company) == "1"
    assert {v.number: v.aliases for v in overview(own_company.settings)[0]} == {2: ("challenger",), 1: ("champion",)}


def test_the_order_of_rows_changes_neither_the_test_set_nor_what_is_found(own_company: Company) -> None:
    own_company.rewrite(lambda rows: rows[::-1])
    again = train(own_company.settings)
    assert own_company.trained is not None
    assert again.counts.set_aside == own_company.trained.counts.set_aside
    assert again.metrics["auc"].value == pytest.approx(own_company.trained.metrics["auc"].value, abs=0.02)


def test_labels_shuffled_at_random_hold_no_signal_and_nothing_goes_live(untrained: Company) -> None:
    def shuffled(rows: Rows) -> Rows:
        labels = np.random.default_rng(5).permutation([row["churned"] for row in rows])
        return [row | {"churned": str(label)} for row, label in zip(rows, labels, strict=True)]

    untrained.rewrite(shuffled)
    trained = train(untrained.settings)
    assert not trained.decision.signal
    assert not trained.decision.promote
    assert trained.decision.sentence.startswith("no signal")
    assert not untrained.live.exists()
    assert [v.aliases for v in overview(untrained.settings)[0]] == [()]


def test_force_promotes_in_any_case_and_the_reason_is_kept(own_company: Company) -> None:
    trained = train(own_company.settings, force="the board said so")
    assert trained.decision.promote
    assert "promoted by force (the board said so), although: the same model" in trained.decision.sentence
    assert BundleCache(own_company.settings.models.folder).history()[-1].reason == "the board said so"
    assert champion_version(own_company) == "2"


def test_a_champion_beaten_beyond_noise_makes_way(untrained: Company) -> None:
    company = untrained.with_settings("training", set_aside_share=0.5)
    full = company.settings.contract.path.read_bytes()
    keep_features(company, "online_security")
    train(company.settings, force="a beginning")
    company.settings.contract.path.write_bytes(full)
    better = train(company.settings)
    assert better.decision.promote
    assert better.decision.sentence.startswith("beats champion 1 beyond noise")
    assert better.decision.against_champion is not None
    assert better.decision.against_champion.customers == better.counts.set_aside
    assert champion_version(company) == "2"


def test_a_challenger_within_noise_does_not_make_way(own_company: Company) -> None:
    own_company = own_company.with_settings("training", seed=7)
    trained = train(own_company.settings)
    assert not trained.decision.promote
    assert trained.decision.sentence.startswith(("does not beat champion 1 beyond noise", "the same model"))
    assert champion_version(own_company) == "1"


# When two models cannot be compared


def test_a_champion_that_needs_other_columns_is_reported_as_beyond_comparison(own_company: Company) -> None:
    keep_features(own_company, "contract_type", "monthly_charges", "internet_service")
    trained = train(own_company.settings)
    assert not trained.decision.promote
    assert "needs columns that the contract no longer has (tenure, " in trained.decision.sentence
    assert "--force REASON" in trained.decision.sentence


def test_a_champion_that_cannot_read_the_data_of_today_is_reported(own_company: Company) -> None:
    path = own_company.settings.contract.path
    path.write_text(path.read_text().replace("    type: number\n    title: tenure", "    type: category", 1))
    text = path.read_text().replace("    min: 0\n    range: [1, 72]\n", "    levels: [new, old]\n", 1)
    path.write_text(text.replace('    words: "{value} months with us"\n    unit: months\n', "", 1))
    own_company.rewrite(lambda rows: [row | {"tenure": "new" if int(row["tenure"]) < 13 else "old"} for row in rows])
    trained = train(own_company.settings)
    assert not trained.decision.promote
    assert "champion 1 cannot score today's data (tenure" in trained.decision.sentence


def test_with_another_test_set_the_champion_is_not_compared_on_customers_it_was_trained_on(
    own_company: Company,
) -> None:
    company = own_company.with_settings("training", set_aside_key="another")
    trained = train(company.settings)
    assert not trained.decision.promote
    assert "another test set" in trained.decision.sentence


def test_that_mark_survives_a_promotion_by_hand(own_company: Company) -> None:
    train(own_company.with_settings("training", seed=7).settings, force="try it")
    promote(own_company.settings, 1, "by hand")
    champion = BundleCache(own_company.settings.models.folder).champion()
    assert champion is not None
    assert champion.provenance["promoted_by_hand"] == "by hand"
    assert "metrics" in champion.provenance
    trained = train(own_company.with_settings("training", set_aside_key="another").settings)
    assert "another test set" in trained.decision.sentence


def test_a_rollback_moves_the_alias_too(own_company: Company) -> None:
    train(own_company.with_settings("training", seed=7).settings, force="try it")
    assert rollback(own_company.settings, "no good").version == "1"
    assert {v.number: v.aliases for v in overview(own_company.settings)[0]} == {1: ("champion",), 2: ()}


# The test set


def test_customers_stay_in_the_test_set_when_others_come_and_go(company: Company) -> None:
    contract = DataContract.load(company.settings.contract.path)
    snapshot = read_snapshot(open_source(company.settings.source), contract, label="known")
    all_tested, known = ids_in_test_set(company), snapshot.column("customer_id").to_pylist()
    part = snapshot.slice(700)
    expected = sum(name in all_tested for name in known)
    rule = rule_of(company)
    assert len(split(snapshot, contract, rule).test) == expected
    assert len(split(part, contract, rule).test) == sum(name in all_tested for name in known[700:])
    assert 0.15 < expected / len(known) < 0.25


def test_customers_in_the_test_set_are_never_trained_on(own_company: Company) -> None:
    tested = ids_in_test_set(own_company)
    own_company.rewrite(
        lambda rows: [
            row | {"tenure": "1", "total_charges": "99"} if row["customer_id"] in tested else row for row in rows
        ]
    )
    trained = train(own_company.settings)
    assert own_company.trained is not None
    assert trained.bundle.sha256 == own_company.trained.bundle.sha256
    assert trained.metrics["auc"] != own_company.trained.metrics["auc"]


# When nothing can be trained


def nothing_happened(company: Company) -> bool:
    return not company.live.exists() and versions(tracking(company.settings)) == ()


def test_a_stop_of_the_validation_names_every_problem_and_records_nothing(untrained: Company) -> None:
    untrained.rewrite(lambda rows: [rows[0] | {"tenure": "-4"}, rows[1] | {"tenure": "abc"}, *rows[1:]])
    with pytest.raises(DataError, match="does not keep its contract") as caught:
        train(untrained.settings)
    assert "customer_id: customer repeated" in str(caught.value)
    assert str(caught.value).count("tenure") == 2
    assert nothing_happened(untrained)


def test_too_few_churners_are_named_with_what_to_do(untrained: Company) -> None:
    def few(rows: Rows) -> Rows:
        churners = [row for row in rows if row["churned"] == "yes"]
        return [row for row in rows if row["churned"] != "yes"] + churners[:6]

    untrained.rewrite(few)
    with pytest.raises(DataError, match=r"the test set holds \d customers who churned .* bring more customers"):
        train(untrained.settings)
    assert nothing_happened(untrained)


def test_an_unknown_model_type_is_named_with_those_there_are(untrained: Company) -> None:
    with pytest.raises(
        ConfigError, match="'magic': one of auto, logistic_regression, additive_boosting, random_forest, boosting"
    ):
        train(untrained.with_settings("training", model_type="magic").settings)


def test_a_missing_source_or_contract_is_reported(untrained: Company) -> None:
    with pytest.raises(ConfigError, match="no source is configured"):
        train(untrained.with_settings("source", url=None).settings)
    with pytest.raises(ContractError, match="churn init"):
        train(untrained.with_settings("contract", path=untrained.folder / "none.yaml").settings)


def test_a_record_that_cannot_be_reached_is_reported_before_anything_is_fitted(untrained: Company) -> None:
    (untrained.folder / "file").write_text("in the way")
    company = untrained.with_settings("mlflow", uri=f"sqlite:///{untrained.folder}/file/mlflow.db")
    fits: list[int] = []
    with pytest.raises(TrackingError, match=r"mlflow\.uri"):
        train(company.settings, progress=lambda done, _: fits.append(done))
    assert fits == []
    assert not company.live.exists()


def test_a_broken_champion_is_named_with_the_way_out(own_company: Company) -> None:
    bundle = next((own_company.settings.models.folder / "bundles").glob("*.bundle"))
    bundle.write_bytes(bundle.read_bytes()[:1000])
    with pytest.raises(BundleError, match=r"truncated.*churn models promote VERSION"):
        train(own_company.settings)
    promote(own_company.settings, 1, "mend it")
    assert champion_version(own_company) == "1"


def test_rows_without_a_customer_id_are_drawn_by_their_cells(untrained: Company) -> None:
    path: Path = untrained.settings.contract.path
    contract = DataContract.load(path)
    write_contract(contract.model_copy(update={"customer": None}), [], path)
    trained = train(untrained.settings)
    assert 0.15 < trained.counts.set_aside / trained.counts.customers < 0.25
    assert trained.decision.promote


def test_without_customer_ids_another_order_of_rows_gives_the_same_test_set(company: Company) -> None:
    contract = DataContract.load(company.settings.contract.path)
    snapshot = read_snapshot(open_source(company.settings.source), contract, label="known").slice(0, 600)
    nameless = contract.model_copy(update={"customer": None})
    rows = snapshot.drop_columns(["customer_id"])
    rows = pa.concat_tables([rows, rows.slice(0, 200)])  # some repeat
    turned = rows.take(np.random.default_rng(1).permutation(len(rows)))
    rule = rule_of(company)
    one, other = split(rows, nameless, rule), split(turned, nameless, rule)
    assert sorted(map(str, one.test.to_pylist())) == sorted(map(str, other.test.to_pylist()))
    assert one.test_y.sum() == other.test_y.sum()
    assert one.mark == other.mark != split(snapshot, contract, rule).mark


def test_a_champion_without_a_record_of_its_training_set_is_not_compared(own_company: Company) -> None:
    for path in (own_company.settings.models.folder / "bundles").glob("*.provenance.json"):
        path.unlink()
    trained = train(own_company.with_settings("training", seed=7).settings)
    assert not trained.decision.promote
    assert trained.decision.against_champion is None
    assert "champion 1 cannot be compared: there is no record" in trained.decision.sentence
