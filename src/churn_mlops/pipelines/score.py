"""The scoring job: every customer whose label is not known, best first, with reasons and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.data.reading import LABEL, read_snapshot
from churn_mlops.data.sources import open_table
from churn_mlops.data.validation import ValidationReport
from churn_mlops.errors import PromotionError
from churn_mlops.models.explain import wording
from churn_mlops.models.inference import Bands, ChurnPredictor
from churn_mlops.models.promotion import LiveModels
from churn_mlops.models.tables import Floats
from churn_mlops.pipelines.reading import check, open_source
from churn_mlops.retention.economics import Economics, expected_gain

if TYPE_CHECKING:
    from churn_mlops.models.fitting import Progress

REASONS = 3
FOLDS = 5
# Five whole fits for one list: on a large file each chooses its settings on a part of its rows, still inside its fold.
SETTINGS_ROWS = 10_000
OWN_COLUMNS = frozenset({"rank", "score", "risk_band", "will_churn", "action", "expected_gain"})


@dataclass(frozen=True)
class Scored:
    """Customers best first, and the two numbers that people ask for.

    Args:
        customers: one row a customer: rank, customer, score, risk band, will_churn, action, expected gain, reasons.
        likely: how many reach the decision threshold.
        worth_an_offer: how many are worth an offer within capacity.
        out_of_fold: whether each score comes from a model that did not see the customer.
        version: of the champion.
        as_of: the date of the run.
        report: of the validation, with its warnings.
    """

    customers: pa.Table
    likely: int
    worth_an_offer: int
    out_of_fold: bool
    version: str
    as_of: date
    report: ValidationReport


def score(
    settings: Settings, as_of: date, *, from_address: str | None = None, progress: Progress | None = None
) -> Scored:
    """Score the customers of the source whose label is not known, or all those of ``from_address``.

    Where every customer of the source has a label, each is scored by a model of the champion's type that was fitted
    without him.

    Raises:
        PromotionError: no model is live.
        ChurnError: the data cannot be read, or does not keep the champion's contract.
    """
    champion = LiveModels(settings.models.folder).champion()
    if champion is None:
        raise PromotionError(f"no model is live in {settings.models.folder}: train one with `churn train`")
    decision = settings.decision
    predictor = ChurnPredictor(
        champion.bundle,
        threshold=decision.threshold,
        bands=Bands(medium_from=decision.medium_from, high_from=decision.high_from),
    )
    contract = champion.bundle.contract
    table = open_source(settings) if from_address is None else open_table(from_address)
    checked = check(table, contract)
    snapshot = read_snapshot(checked.table, contract)
    rows = np.arange(len(snapshot))
    out_of_fold = False
    if from_address is None and LABEL in snapshot.column_names:
        unknown = snapshot.column(LABEL).is_null().to_numpy()
        out_of_fold = not unknown.any()
        rows = rows if out_of_fold else rows[unknown]
    snapshot = snapshot.take(pa.array(rows))
    if out_of_fold:
        scores, points = _out_of_fold(snapshot, predictor, settings, progress)
    else:
        scores, points = predictor.explain(snapshot)
    customers = _ranked(snapshot, rows + 1, scores, points, predictor, settings)
    return Scored(
        customers,
        likely=int(np.sum(scores >= predictor.threshold)),
        worth_an_offer=customers.column("action").to_pylist().count("offer"),
        out_of_fold=out_of_fold,
        version=champion.version,
        as_of=as_of,
        report=checked.report,
    )


def _out_of_fold(
    snapshot: pa.Table, predictor: ChurnPredictor, settings: Settings, progress: Progress | None
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Scores and points of each customer from a model fitted on the other folds, with all that learns inside."""
    # Imported here: only this needs LightGBM and scikit-learn, and without them a list is there seconds earlier.
    from churn_mlops.models.fitting import FitSettings, stratified_folds
    from churn_mlops.models.train import fit_bundle

    bundle = predictor.bundle
    y = snapshot.column(LABEL).to_numpy().astype(np.float64)
    scores = np.empty(len(y))
    points = np.empty((len(y), len(bundle.contract.features)), dtype=np.int64)
    folds = stratified_folds(y, FOLDS, settings.training.seed)
    for done, (train, held_out) in enumerate(folds):
        part = fit_bundle(
            snapshot.take(pa.array(np.sort(train))),
            y[np.sort(train)],
            bundle.contract,
            bundle.model_type,
            seed=settings.training.seed,
            settings=FitSettings(threads=settings.training.threads, settings_rows=SETTINGS_ROWS),
        )
        scores[held_out], points[held_out] = ChurnPredictor(part).explain(snapshot.take(pa.array(held_out)))
        if progress is not None:
            progress(done + 1, len(folds))
    return scores, points


def _ranked(
    snapshot: pa.Table,
    rows: npt.NDArray[np.int64],
    scores: Floats,
    points: npt.NDArray[np.int64],
    predictor: ChurnPredictor,
    settings: Settings,
) -> pa.Table:
    """The list, best first; a customer without a name is called by his row in the source, counted from 1."""
    contract = predictor.contract
    order = np.argsort(-scores, kind="stable")
    ranked, scores, points = snapshot.take(pa.array(order)), scores[order], points[order]
    gains = np.asarray(expected_gain(scores, Economics(**settings.decision.economics())))
    capacity = settings.decision.capacity
    offered = (gains > 0) & (np.arange(len(scores)) < (len(scores) if capacity is None else capacity))
    names = rows[order] if contract.customer is None else ranked.column(contract.customer)
    # A company may call its customers by a word that the list needs for itself.
    name = "customer" if contract.customer in OWN_COLUMNS else contract.customer or "row"
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(scores) + 1),
        name: names,
        "score": scores,
        "risk_band": [predictor.band(float(value)) for value in scores],
        "will_churn": scores >= predictor.threshold,
        "action": np.where(offered, "offer", "leave_alone"),
        "expected_gain": gains.round(2),
    }
    values = {feature: ranked.column(feature).to_pylist() for feature in contract.features}
    columns |= _reasons(values, points, contract)
    return pa.table(columns)


def _reasons(
    values: Mapping[str, list[Any]], points: npt.NDArray[np.int64], contract: DataContract
) -> dict[str, list[str]]:
    """The largest reasons of each customer, in words; blank where a feature adds nothing."""
    features = list(contract.features)
    wordings = [wording(contract, name) for name in features]
    top = np.argsort(-np.abs(points), axis=1, kind="stable")[:, :REASONS]
    reasons: dict[str, list[str]] = {}
    for place in range(top.shape[1]):
        texts = []
        for row, feature in enumerate(top[:, place].tolist()):
            size = int(points[row, feature])
            texts.append(wordings[feature](values[features[feature]][row], size) if size else "")
        reasons[f"reason_{place + 1}"] = texts
    return reasons
