"""The scoring job: every active customer, best first, with what to do, and with reasons at the top of the list.

In a flat table a customer without a label is active; in a history the snapshot holds the active customers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.config import Settings
from churn_mlops.config.settings import Training
from churn_mlops.data.contract import AS_OF, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.days_since import with_days_since
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.snapshot.date_range import newest_row
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.errors import ConfigError, DataError, PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.feature_counts import FeatureCounts
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.pipelines.deployment.deploy import champion as champion_of
from churn_mlops.pipelines.deployment.shadow import ShadowScores, SnapshotBy
from churn_mlops.pipelines.erasure.suppression import away, table_without, tables_without
from churn_mlops.pipelines.inputs.as_of import as_of_date, day_of_table, not_loaded
from churn_mlops.pipelines.inputs.open_source import check, open_history, open_source
from churn_mlops.pipelines.inputs.renewal import no_renewal
from churn_mlops.pipelines.scoring.flagged_share import flagged_far_above
from churn_mlops.pipelines.scoring.households import households_in
from churn_mlops.pipelines.scoring.list_table import list_table
from churn_mlops.pipelines.scoring.reasons import Explainer
from churn_mlops.retention.decision import rule_of
from churn_mlops.retention.ranking import Ranking, rank_customers
from churn_mlops.store.suppression.tombstones import Tombstones

if TYPE_CHECKING:
    from churn_mlops.models.fit_settings import Progress

FOLDS = 5
# Five whole fits for one list: on a large file each chooses its settings on a part of its rows, still inside its fold.
SETTINGS_CELLS = 200_000


@dataclass(frozen=True)
class Scored:
    """Customers best first, and two totals.

    Args:
        customers: one row a customer: rank, customer, score, risk band, will_churn, action, expected gain, reasons.
        likely: how many reach the decision threshold.
        worth_an_offer: how many are worth an offer within the capacity: the length of the contact list.
        out_of_fold: whether each score comes from a model that did not see the customer.
        version: of the champion.
        as_of: the date of the run.
        report: of the validation, with its warnings.
        champion: the model that scored.
        total: how many customers who are still there were scored; ``customers`` are only the first of them where Spark
            did it.
        left: how many have left already, by the label in the source: the last of ``customers``.
        households: the household by customer ID, where the contract names the column.
        payment_failed: IDs of customers whose payment failed, where the settings name the feature.
        newest_row: day of the newest row of the source, None for a flat table.
        feature_counts: by feature, the scored customers in each cell of the champion's reference; customers who have
            left count too, as in training.
        shadow: the scores of the model in the shadow, by rank; None where there is none.
        explainer: gives the reasons of further customers; None with Spark.
    """

    customers: pa.Table
    likely: int
    worth_an_offer: int
    out_of_fold: bool
    version: str
    as_of: date
    report: ValidationReport
    champion: LiveModel
    total: int
    left: int = 0
    households: Mapping[str, str] = field(default_factory=dict)
    payment_failed: frozenset[str] = frozenset()
    newest_row: date | None = None
    feature_counts: FeatureCounts = field(default_factory=dict)
    shadow: ShadowScores | None = None
    explainer: Explainer | None = None

    @property
    def customer_column(self) -> str:
        """The column of ``customers`` that names the customer."""
        return str(self.customers.column_names[1])

    @property
    def active(self) -> pa.Table:
        """The customers who are still there, best first: the ones who are published."""
        return self.customers.slice(0, len(self.customers) - self.left)


def score(
    settings: Settings,
    as_of: date | None = None,
    *,
    now: datetime | None = None,
    from_address: str | None = None,
    suppressed: Tombstones | None = None,
    score_shadow: Callable[[LiveModel, SnapshotBy], ShadowScores | None] = lambda champion, snapshot_by: None,
    progress: Progress | None = None,
) -> Scored:
    """Score the active customers of the source, or all those of ``from_address``.

    If every customer of a flat source has a label, each is scored by a model of the champion's type that was fitted
    without them. Customers who have left by their label come last, marked, and get no offer.

    Args:
        settings: what to read, and how to decide.
        as_of: the as-of date; that of ``source.as_of`` when left out. A flat table is what it is today.
        now: the present, with a time zone: nothing recorded later counts.
        from_address: a flat file or database with the champion's features, instead of the source.
        suppressed: customers that are left out; asked of the store when None.
        score_shadow: gives the scores of the model in the shadow, for the champion and the snapshot of a contract.
        progress: called with (fits done, fits in all), where models are fitted.

    Raises:
        PromotionError: no model is live.
        ChurnError: the data cannot be read, or does not keep the champion's contract.
    """
    champion = live_model(settings)
    predictor = ChurnPredictor(champion.bundle)
    suppressed = away(settings) if suppressed is None else suppressed
    with read_whole(from_address or settings.source.url):
        found = _rows(settings, champion.bundle, as_of, now or datetime.now(UTC), from_address, suppressed)
    scores, counts = predictor.score_and_count(found.snapshot)
    points = None
    if found.out_of_fold:
        scores, points = _out_of_fold(found.snapshot, predictor, settings.training, progress)
    rule = rule_of(settings.decision)
    ranking = rank_customers(scores, rule, found.left)
    flagged = flagged_far_above(scores, champion.bundle.reference["scores"], rule.threshold)
    with read_whole(from_address or settings.source.url):
        shadow = score_shadow(champion, found.snapshot_by or (lambda history: found.snapshot))
    left, explainer = int(ranking.left.sum()), Explainer(found.snapshot, ranking.order, predictor, points)
    return Scored(
        _list(found, ranking, explainer),
        likely=ranking.totals.likely,
        worth_an_offer=ranking.totals.on_contact_list,
        out_of_fold=found.out_of_fold,
        version=champion.version,
        as_of=found.as_of,
        report=replace(found.report, problems=(*found.report.problems, *flagged)),
        champion=champion,
        total=ranking.totals.customers - left,
        left=left,
        households=found.households,
        newest_row=found.newest_row,
        payment_failed=found.failed_payments(settings.decision.payment_failed, predictor.contract.customer),
        feature_counts=counts,
        shadow=None if shadow is None else shadow.in_order(ranking.order),
        explainer=explainer,
    )


def live_model(settings: Settings) -> LiveModel:
    """The champion.

    Raises:
        PromotionError: no model is live.
        BundleError: the model that is live cannot be read.
    """
    champion = champion_of(settings)
    if champion is None:
        raise PromotionError(
            f"no model is live in {settings.models.folder}: train one with `churn train`, or make a recorded version "
            "of `churn models list` live with `churn models promote`"
        )
    return champion


def run_date(
    settings: Settings, tables: Mapping[str, ir.Table], history: HistoryContract, as_of: date | None, now: datetime
) -> date:
    """The as-of date of a run: ``as_of``, or that of the settings.

    Raises:
        ConfigError: it lies ahead.
    """
    today = now.astimezone(ZoneInfo(history.time_zone)).date()
    day = as_of or as_of_date(settings.source.as_of, tables, history, today)
    if day > today:
        raise ConfigError(f"the as-of date {day} lies ahead: today is {today} in {history.time_zone}")
    return day


def no_customers(day: date) -> DataError:
    """The error of a snapshot without rows."""
    return DataError(f"there was no active customer on {day}: check the source, or give another --as-of")


@dataclass(frozen=True)
class _Rows:
    """The customers to score, typed by the champion's contract, and the row of each in the source, from 1."""

    snapshot: pa.Table
    places: npt.NDArray[np.int64]
    as_of: date
    report: ValidationReport
    out_of_fold: bool = False
    households: Mapping[str, str] = field(default_factory=dict)
    newest_row: date | None = None
    snapshot_by: SnapshotBy | None = None

    def failed_payments(self, feature: str | None, customer: str | None) -> frozenset[str]:
        """IDs of the customers whose ``feature`` is above 0, or true.

        Raises:
            ConfigError: the model knows no such feature.
        """
        if feature is None or customer is None:
            return frozenset()
        if feature not in self.snapshot.column_names:
            raise ConfigError(f"decision.payment_failed names {feature!r}, which is no feature of the live model")
        failed = pc.fill_null(pc.greater(pc.cast(self.snapshot.column(feature), pa.float64()), 0.0), False)
        return frozenset(map(str, self.snapshot.column(customer).filter(failed).to_pylist()))

    @property
    def left(self) -> npt.NDArray[np.bool_] | None:
        """Whether each customer has left already, by their label; None where there are no labels."""
        if LABEL not in self.snapshot.column_names:
            return None
        return np.asarray(pc.fill_null(pc.equal(self.snapshot.column(LABEL), 1), False))


def _rows(
    settings: Settings,
    bundle: Bundle,
    as_of: date | None,
    now: datetime,
    from_address: str | None,
    suppressed: Tombstones,
) -> _Rows:
    contract = bundle.contract
    if bundle.history is not None and from_address is None:
        return _of_history(settings, bundle, bundle.history, as_of, now, suppressed)
    table = open_source(settings.source) if from_address is None else open_table(from_address)
    day = as_of or day_of_table(settings.source.as_of, contract, now.astimezone().date())
    table = with_days_since(table, contract, AsOf(day))
    # Before the validation, which quotes customers.
    checked = check(table_without(table, contract, suppressed), contract)
    snapshot = read_snapshot(checked.table, contract)
    rows, out_of_fold = np.arange(len(snapshot)), False
    if from_address is None and LABEL in snapshot.column_names:
        unknown = snapshot.column(LABEL).is_null().to_numpy()
        out_of_fold = not unknown.any()
        rows = rows if out_of_fold else rows[unknown]
    snapshot = snapshot.take(pa.array(rows))
    households = households_in(table, contract.customer, contract.household)
    return _Rows(snapshot, rows + 1, day, checked.report, out_of_fold, households)


def _of_history(
    settings: Settings,
    bundle: Bundle,
    history: HistoryContract,
    as_of: date | None,
    now: datetime,
    suppressed: Tombstones,
) -> _Rows:
    """The snapshot of one date, made like the champion's training data."""
    tables = tables_without(open_history(settings.source, history), history, suppressed)
    day = run_date(settings, tables, history, as_of, now)
    today = now.astimezone(ZoneInfo(history.time_zone)).date()
    newest = newest_row(tables, history, today)
    missing = not_loaded(tables, history, day, today, newest)
    snapshot = read_history(tables, history, [day], known_until=now).drop_columns([AS_OF])
    if not len(snapshot):
        raise no_customers(day)
    report = check(ibis.memtable(snapshot), bundle.contract).report
    report = replace(report, problems=(*report.problems, *missing, *no_renewal(tables, history)))
    households = households_in(tables[history.customers], history.customer, history.household)

    def snapshot_by(other: HistoryContract) -> pa.Table:
        if other == history:
            return snapshot
        own = tables_without(open_history(settings.source, other), other, suppressed)
        return read_history(own, other, [day], known_until=now).drop_columns([AS_OF])

    places = np.arange(1, len(snapshot) + 1)
    return _Rows(snapshot, places, day, report, False, households, newest, snapshot_by)


def _list(found: _Rows, ranking: Ranking, explainer: Explainer) -> pa.Table:
    contract = explainer.predictor.contract
    customers: Any = found.places[ranking.order]
    if contract.customer is not None:
        customers = found.snapshot.column(contract.customer).take(pa.array(ranking.order))
    top = explainer.reasons(np.arange(ranking.totals.explained))
    return list_table(ranking, customers, contract.customer, top)


def _out_of_fold(
    snapshot: pa.Table, predictor: ChurnPredictor, training: Training, progress: Progress | None
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Scores and points of each customer, from a model that was fitted on the other folds from the start."""
    # Imported here: only this needs LightGBM and scikit-learn, and without them a list is there seconds earlier.
    from churn_mlops.models.fitting.inputs import FitSettings, stratified_folds
    from churn_mlops.models.train import fit_bundle

    bundle = predictor.bundle
    y = snapshot.column(LABEL).to_numpy().astype(np.float64)
    scores = np.empty(len(y))
    points = np.empty((len(y), len(bundle.contract.features)), dtype=np.int64)
    folds = stratified_folds(y, FOLDS, training.seed)
    for done, (train, held_out) in enumerate(folds):
        part = fit_bundle(
            snapshot.take(pa.array(np.sort(train))),
            y[np.sort(train)],
            bundle.contract,
            bundle.model_type,
            seed=training.seed,
            settings=FitSettings(
                learning_rate=training.learning_rate,
                settings_cells=min(SETTINGS_CELLS, training.settings_cells),
                threads=training.threads,
            ),
        )
        scores[held_out], points[held_out] = ChurnPredictor(part).explain(snapshot.take(pa.array(held_out)))
        if progress is not None:
            progress(done + 1, len(folds))
    return scores, points
