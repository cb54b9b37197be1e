"""The scoring job: which customers are scored, by which model, in which order, and what the list says to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.proposal.contract_writer import write_contract
from churn_mlops.errors import BundleError, DataError, PromotionError, SourceError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.scoring.score import Scored, score
from churn_mlops.pipelines.training.train import train
from churn_mlops.retention.economics import Economics, action, expected_gain
from tests.companies.small import Company, write_rows

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def scored(company: Company) -> Scored:
    return score(company.settings, TODAY)


def predictor(company: Company) -> ChurnPredictor:
    champion = BundleCache(company.settings.models.folder).champion()
    assert champion is not None
    return ChurnPredictor(champion.bundle)


def names(scored: Scored) -> list[str]:
    return list(scored.customers.column("customer_id").to_pylist())


def scores(scored: Scored) -> dict[str, float]:
    return dict(zip(names(scored), scored.customers.column("score").to_pylist(), strict=True))


# The customers that are scored


def test_only_customers_without_a_label_are_scored(company: Company, scored: Scored) -> None:
    unknown = {row["customer_id"] for row in company.rows() if row["churned"] == ""}
    assert len(names(scored)) == len(unknown)
    assert set(names(scored)) == unknown
    assert not scored.out_of_fold
    assert (scored.version, scored.as_of) == ("1", TODAY)


def test_a_score_in_the_list_is_that_of_the_champion_one_by_one(company: Company, scored: Scored) -> None:
    champion, rows = predictor(company), {row["customer_id"]: row for row in company.rows()}
    for name, value in list(scores(scored).items())[::50]:
        assert champion.score_one(rows[name]) == pytest.approx(value, abs=1e-12)


def test_every_scored_customer_is_counted_by_the_reference_of_the_champion(company: Company, scored: Scored) -> None:
    reference = predictor(company).bundle.reference["features"]
    assert {name: len(counts) for name, counts in scored.feature_counts.items()} == {
        name: len(one["shares"]) for name, one in reference.items()
    }
    assert {sum(counts) for counts in scored.feature_counts.values()} == {len(scored.customers)}


def test_reasons_in_the_list_are_those_of_the_phone_call(company: Company, scored: Scored) -> None:
    champion, rows = predictor(company), {row["customer_id"]: row for row in company.rows()}
    for line in scored.customers.slice(0, 30).to_pylist():
        expected = [reason.text for reason in champion.explain_one(rows[line["customer_id"]], top=3).reasons]
        assert line["reason_1"] == expected[0]


def test_all_customers_of_another_file_are_scored_whatever_their_label(company: Company, tmp_path: Path) -> None:
    rows = company.rows()[:40]
    found = score(company.settings, TODAY, from_address=str(write_rows(tmp_path / "today.csv", rows)))
    assert set(names(found)) == {row["customer_id"] for row in rows}
    assert not found.out_of_fold


def test_another_file_needs_no_label(company: Company, tmp_path: Path) -> None:
    rows = [{name: cell for name, cell in row.items() if name != "churned"} for row in company.rows()[:40]]
    labelled = score(company.settings, TODAY, from_address=str(write_rows(tmp_path / "a.csv", company.rows()[:40])))
    bare = score(company.settings, TODAY, from_address=str(write_rows(tmp_path / "b.csv", rows)))
    assert scores(bare) == scores(labelled)


def test_customers_who_have_left_by_their_label_stand_last_and_get_no_offer(company: Company, tmp_path: Path) -> None:
    generous = company.with_settings("decision", kept_share=0.9, threshold=0.01)
    gone = [row for row in company.rows() if row["churned"] == "yes"][:20]
    others = [row for row in company.rows() if row["churned"] != "yes"][:30]
    found = score(generous.settings, TODAY, from_address=str(write_rows(tmp_path / "all.csv", gone + others)))
    assert (found.left, found.total) == (20, 30)
    assert set(names(found)[30:]) == {row["customer_id"] for row in gone}
    marked = found.customers.slice(30).to_pydict()
    assert marked["left"] == [True] * 20
    assert (set(marked["action"]), set(marked["will_churn"])) == ({"leave_alone"}, {False})
    there = found.active.to_pydict()
    assert there["left"] == [False] * 30
    assert there["action"].count("offer") == found.worth_an_offer > 0
    assert sum(there["will_churn"]) == found.likely > 0


def test_a_list_without_anyone_who_left_has_no_mark(scored: Scored) -> None:
    assert "left" not in scored.customers.column_names
    assert scored.active.equals(scored.customers)


def test_where_all_are_labelled_each_is_scored_by_a_model_that_did_not_see_them(own_company: Company) -> None:
    own_company.rewrite(lambda rows: [row for row in rows if row["churned"]])
    steps: list[tuple[int, int]] = []
    found = score(own_company.settings, TODAY, progress=lambda done, total: steps.append((done, total)))
    in_sample = score(own_company.settings, TODAY, from_address=str(own_company.folder / "customers.csv"))
    assert found.out_of_fold
    assert not in_sample.out_of_fold
    assert steps == [(done, 5) for done in range(1, 6)]
    other, known = scores(found), scores(in_sample)
    assert set(other) == set(known) == {row["customer_id"] for row in own_company.rows()}
    assert np.mean([other[name] != known[name] for name in known]) > 0.99
    assert np.corrcoef([other[name] for name in known], list(known.values()))[0, 1] > 0.95
    assert found.feature_counts == in_sample.feature_counts
    assert scores(score(own_company.settings, TODAY)) == other


def test_an_unknown_level_is_a_warning_and_is_scored_as_none_of_the_known(company: Company, tmp_path: Path) -> None:
    rows = company.rows()[:40]
    rows[3] |= {"payment_method": "pigeon"}
    found = score(company.settings, TODAY, from_address=str(write_rows(tmp_path / "today.csv", rows)))
    assert [problem.rule for problem in found.report.problems] == ["unknown_level"]
    known = {row["payment_method"]: row for row in company.rows()}
    champion = predictor(company)
    others = {champion.score_one({**rows[3], "payment_method": level}) for level in known}
    assert scores(found)[rows[3]["customer_id"]] not in others


# The list


def test_the_list_is_best_first_and_its_numbers_agree_with_it(company: Company, scored: Scored) -> None:
    table = scored.customers.to_pydict()
    assert table["rank"] == list(range(1, len(table["rank"]) + 1))
    assert table["score"] == sorted(table["score"], reverse=True)
    assert all(0 < value < 1 for value in table["score"])
    threshold = company.settings.decision.threshold
    assert table["will_churn"] == [value >= threshold for value in table["score"]]
    assert scored.likely == sum(table["will_churn"])
    assert scored.worth_an_offer == table["action"].count("offer")
    bands = [champion.band(value) for champion in [predictor(company)] for value in table["score"]]
    assert table["risk_band"] == bands


def test_gain_and_action_are_those_of_retention(company: Company, scored: Scored) -> None:
    economics = Economics(**company.settings.decision.economics())
    table = scored.customers.to_pydict()
    assert table["action"] == [action(value, economics) for value in table["score"]]
    assert table["expected_gain"] == [round(expected_gain(value, economics), 2) for value in table["score"]]


def test_offers_go_to_the_best_within_capacity(company: Company, scored: Scored) -> None:
    generous = company.with_settings("decision", kept_share=0.6)
    worth = score(generous.settings, TODAY).worth_an_offer
    assert worth > 7
    for capacity, expected in ((0, 0), (7, 7), (10_000, worth)):
        found = score(generous.with_settings("decision", capacity=capacity).settings, TODAY)
        actions = found.customers.column("action").to_pylist()
        assert actions == ["offer"] * expected + ["leave_alone"] * (len(actions) - expected)
        assert found.worth_an_offer == expected
        assert found.likely == scored.likely


def test_threshold_and_bands_of_the_settings_count_not_those_of_the_training(company: Company) -> None:
    lower = company.with_settings("decision", threshold=0.2, medium_from=0.05, high_from=0.2)
    table = score(lower.settings, TODAY).customers.to_pydict()
    assert table["will_churn"] == [value >= 0.2 for value in table["score"]]
    assert [band == "high" for band in table["risk_band"]] == table["will_churn"]


def test_customers_without_an_id_are_identified_by_their_row_in_the_source(untrained: Company) -> None:
    path = untrained.settings.contract.path
    contract = DataContract.load(path)
    write_contract(contract.model_copy(update={"customer": None}), [], path)
    train(untrained.settings)
    found = score(untrained.settings, TODAY).customers.to_pydict()
    rows, champion = untrained.rows(), predictor(untrained)
    assert set(found["row"]) == {place for place, row in enumerate(rows, 1) if row["churned"] == ""}
    for place, value in list(zip(found["row"], found["score"], strict=True))[::100]:
        assert champion.score_one(rows[place - 1]) == pytest.approx(value, abs=1e-12)


def test_a_customer_column_that_is_called_like_one_of_the_list_is_kept(untrained: Company) -> None:
    path = untrained.settings.contract.path
    path.write_text(path.read_text().replace("customer: customer_id", "customer: rank"))
    untrained.rewrite(lambda rows: [{"rank" if key == "customer_id" else key: row[key] for key in row} for row in rows])
    train(untrained.settings)
    found = score(untrained.settings, TODAY).customers
    assert found.column_names[:3] == ["rank", "customer", "score"]
    assert found.column("customer")[0].as_py().startswith("C0")


# When nothing can be scored


def test_without_a_champion_it_says_how_to_get_one(untrained: Company) -> None:
    said = r"no model is live in .*: train one with `churn train`, or make a recorded version"
    with pytest.raises(PromotionError, match=said):
        score(untrained.settings, TODAY)


def test_a_damaged_champion_scores_no_customer(own_company: Company) -> None:
    bundle = next((own_company.settings.models.folder / "bundles").glob("*.bundle"))
    bundle.write_bytes(bundle.read_bytes()[:-100])
    with pytest.raises(BundleError, match="truncated"):
        score(own_company.settings, TODAY)


def test_a_file_that_violates_the_contract_scores_no_customer(company: Company, tmp_path: Path) -> None:
    rows = [{name: cell for name, cell in row.items() if name != "tenure"} for row in company.rows()[:40]]
    with pytest.raises(DataError, match="tenure: missing column"):
        score(company.settings, TODAY, from_address=str(write_rows(tmp_path / "today.csv", rows)))
    with pytest.raises(SourceError, match=r"none\.csv"):
        score(company.settings, TODAY, from_address=str(tmp_path / "none.csv"))
