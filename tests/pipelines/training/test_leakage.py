"""A training run names features that leak, and drops them when asked to."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.leakage.snapshot_archive import SnapshotArchive
from churn_mlops.data.proposal.contract_writer import write_contract
from churn_mlops.errors import DataError
from churn_mlops.models.registry import document_of
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.inputs.open_source import open_source
from churn_mlops.pipelines.training.leakage import LeakCheck, check_history, check_table
from churn_mlops.pipelines.training.snapshots import read_labelled
from churn_mlops.pipelines.training.train import train
from tests.companies.small import Company, Rows

# A flat table


HONEST = ["tenure", "contract_type", "monthly_charges", "internet_service", "online_security"]


@pytest.fixture
def leaky(untrained: Company) -> Company:
    """A company that keeps the refunds of its churners among the features."""

    def refunded(rows: Rows) -> Rows:
        return [{**row, "refund": "12.5" if row["churned"] == "yes" else "0"} for row in rows]

    untrained.rewrite(refunded)
    path = untrained.settings.contract.path
    contract = DataContract.load(path).to_dict()
    features = {name: contract["features"][name] for name in HONEST}
    contract["features"] = {**features, "refund": {"type": "number", "min": 0}}
    write_contract(DataContract.from_dict(contract), [], path)
    return untrained


def looked_at(company: Company, *, strict: bool, only: str | None = None) -> LeakCheck:
    contract = DataContract.load(company.settings.contract.path)
    if only is not None:
        contract = contract.model_copy(update={"features": {only: contract.features[only]}})
    table = open_source(company.settings.source)
    known, unlabelled = (read_snapshot(table, contract, label=label) for label in ("known", "unknown"))
    return check_table(known, unlabelled, contract, strict=strict, seed=1)


def test_a_leak_is_named_and_stays_unless_it_is_asked_for(leaky: Company) -> None:
    found = looked_at(leaky, strict=False)
    assert {finding.feature for finding in found.in_use if finding.sure} == {"refund"}
    assert "refund" in found.contract.features
    assert found.dropped == ()


def test_strict_drops_it_with_the_reason(leaky: Company) -> None:
    found = looked_at(leaky, strict=True)
    assert list(found.contract.features) == HONEST
    excluded = found.contract.set_aside["refund"]
    assert excluded.reason == "suspected_leak"
    assert "on its own it all but decides the label" in excluded.note
    assert not found.in_use


def test_strict_leaves_an_honest_company_as_it_is(company: Company) -> None:
    found = looked_at(company, strict=True)
    assert found.contract == DataContract.load(company.settings.contract.path)
    assert not found.report.findings


def test_where_every_feature_leaks_nothing_is_left_to_learn_from(leaky: Company) -> None:
    with pytest.raises(DataError, match="nothing is left to learn from"):
        looked_at(leaky, strict=True, only="refund")


def test_a_strict_run_learns_without_it_and_records_why(leaky: Company) -> None:
    trained = train(leaky.settings, strict=True)
    assert list(trained.bundle.contract.features) == HONEST
    assert trained.metrics["auc"].value < 0.9
    report = document_of(tracking(leaky.settings), trained.version, "report.json")
    assert {(each["feature"], each["set_aside"]) for each in report["noticed"]} == {("refund", True)}
    provenance = document_of(tracking(leaky.settings), trained.version, "provenance.json")
    assert provenance["leaks"]["set_aside"] == ["refund"]
    assert any(canary["leaks"] and canary["as_it_should"] for canary in provenance["leaks"]["canaries"])


def test_a_model_that_surely_leaks_goes_live_by_force_alone_and_makes_way_for_one_that_does_not(
    leaky: Company,
) -> None:
    refused = train(leaky.settings)
    assert not refused.decision.promote
    assert refused.decision.sentence.startswith(
        "it is shown what was not known at the time (refund), so that no figure"
    )
    forced = train(leaky.settings, force="refunds are paid before")
    assert forced.decision.promote
    honest = train(leaky.settings, strict=True)
    assert honest.decision.promote
    assert honest.decision.sentence == (f"champion {forced.version} was shown what was not known at the time (refund)")
    assert not train(leaky.settings).decision.promote


# A history whose table of use has no recorded time, so that rows written later count as if they had been known

FIRST = date(2023, 1, 1)
TODAY = date(2023, 9, 1)
CONTRACT = HistoryContract.from_dict(
    {
        "name": "club",
        "customer": "member",
        "tables": {"members": {"start": "joined", "end": "quit"}, "visits": {"event_time": "day"}},
        "features": {
            "visits_60d": {"count": "visits", "days": 60},
            "tenure": {"age_of": "members.start", "unit": "days"},
        },
        "label": {"event": "members.end", "horizon_days": 30},
    }
)  # fmt: skip


def club(members: int = 500) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Members and visits; about one in twenty quits each month."""
    rng = np.random.default_rng(4)
    joined = pd.Timestamp(FIRST) - pd.to_timedelta(rng.integers(0, 300, members), unit="D")
    days = rng.exponential(500, members).astype(int) + 60
    quits = pd.Series(pd.Timestamp(FIRST) + pd.to_timedelta(days, unit="D"))
    member = np.char.add("m", np.arange(members).astype(str))
    who = rng.integers(0, members, members * 40)
    day = pd.Timestamp(FIRST) + pd.to_timedelta(rng.integers(0, 400, who.size), unit="D")
    visits = pd.DataFrame({"member": member[who], "day": day})
    return pd.DataFrame({"member": member, "joined": joined, "quit": quits}), visits[visits["day"] < quits[who].values]


def as_of(today: date, members: pd.DataFrame, visits: pd.DataFrame, *, wiped: bool = False) -> dict[str, ir.Table]:
    """The database on a day; where it is ``wiped``, the visits of churned customers are deleted."""
    then = pd.Timestamp(today)
    gone = members["quit"] <= then
    known = visits[visits["day"] <= then]
    if wiped:
        known = known[~known["member"].isin(members["member"][gone])]
    shown = members[members["joined"] <= then].assign(quit=members["quit"].where(gone))
    return {name: ibis.memtable(arrow(frame)) for name, frame in {"members": shown, "visits": known}.items()}


def arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def looked_back(tables: dict[str, ir.Table], today: date, frozen: SnapshotArchive, *, strict: bool) -> LeakCheck:
    snapshots = read_labelled(tables, CONTRACT, today, every_days=30, max_dates=4)
    return check_history(snapshots, tables, CONTRACT, today, frozen, strict=strict, seed=1)


def test_a_history_that_only_grows_replays_what_was_frozen(tmp_path: Path) -> None:
    frozen, (members, visits) = SnapshotArchive(tmp_path / "frozen", "key"), club()
    first = looked_back(as_of(TODAY, members, visits), TODAY, frozen, strict=True)
    assert not first.report.sure
    assert first.frozen is not None
    frozen.keep(first.frozen)
    later = TODAY + timedelta(days=60)
    assert not frozen.rewritten(as_of(later, members, visits), CONTRACT, later)


def test_features_rewritten_for_churners_are_dropped_and_their_table_is_named(tmp_path: Path) -> None:
    frozen, (members, visits) = SnapshotArchive(tmp_path / "frozen", "key"), club()
    first = looked_back(as_of(TODAY, members, visits), TODAY, frozen, strict=True)
    assert first.frozen is not None
    frozen.keep(first.frozen)
    later = TODAY + timedelta(days=60)
    found = looked_back(as_of(later, members, visits, wiped=True), later, frozen, strict=True)
    (rewritten,) = [finding for finding in found.report.findings if finding.kind == "rewritten"]
    assert (rewritten.feature, rewritten.sure) == ("visits_60d", True)
    assert "(table visits)" in rewritten.message
    assert found.history is not None
    assert list(found.history.features) == list(found.contract.features) == ["tenure"]


def test_the_first_that_was_frozen_of_a_date_stays_and_the_oldest_go(tmp_path: Path) -> None:
    frozen = SnapshotArchive(tmp_path / "frozen", "key")
    rows = pd.DataFrame({"member": [f"m{place}" for place in range(50)], "visits_60d": 1.0, "tenure": 2.0})
    table = arrow(rows)
    for day in range(26):
        frozen.keep(frozen.of(table, CONTRACT, TODAY + timedelta(days=day)))
    kept = sorted(path.name for path in frozen.folder.iterdir())
    assert (len(kept), kept[0]) == (24, "2023-09-03.frozen")
    before = (frozen.folder / kept[0]).read_bytes()
    frozen.keep(frozen.of(table.slice(10), CONTRACT, date(2023, 9, 3)))
    assert (frozen.folder / kept[0]).read_bytes() == before


def test_a_broken_frozen_snapshot_is_named_with_what_to_do(tmp_path: Path) -> None:
    frozen, (members, visits) = SnapshotArchive(tmp_path, "key"), club(50)
    (tmp_path / "2023-06-01.frozen").write_bytes(b"half of it")
    with pytest.raises(DataError, match=r"2023-06-01\.frozen cannot be read .* delete it"):
        frozen.rewritten(as_of(TODAY, members, visits), CONTRACT, TODAY)
