"""The figures that need labels: accuracy of each week, what was estimated before, money, and churn by segment."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.contract.history_label import HistoryLabel
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.spark import is_spark
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.monitoring import (
    EarlierErrors,
    ListGain,
    ListTerms,
    Measurement,
    ScoredRows,
    accuracy,
    earlier_errors,
    estimates_held,
    expected_accuracy,
    expected_money_lost,
    joined,
    measured_by,
    money_lost,
    week_gain,
)
from churn_mlops.monitoring.estimates import EXPECTED
from churn_mlops.monitoring.measurement import too_little
from churn_mlops.monitoring.money.list_gain import ERRORS_OF_95, MEASURED_BY, NO_CONTROL_GROUP, WAIT
from churn_mlops.pipelines.deployment.deploy import champion
from churn_mlops.pipelines.deployment.shadow import shadow_of
from churn_mlops.pipelines.inputs.open_source import open_history
from churn_mlops.pipelines.monitoring.run_rows import (
    Treatment,
    treatment_around,
    unseen_share,
    untreated_rows,
    weekly_runs,
)
from churn_mlops.pipelines.monitoring.segments import churn_of_segments, segment_features
from churn_mlops.pipelines.monitoring.shadow_figures import MOST_UNSEEN, ShadowFigures
from churn_mlops.pipelines.monitoring.shadow_requests import requests_in_shadow
from churn_mlops.retention.decision import rule_of
from churn_mlops.store import Store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import POOLED_WEEKS, MeasuredDay, StoredMeasurement
from churn_mlops.store.scoring.run_scores import runs_since
from churn_mlops.store.scoring.runs import Run, latest_run

WEEKS = 26
MONEY_WEEKS = 104
GROWTH_STEP = 1.05
"""By so much a company grows before the weeks of its lists are measured again, where the capacity limits them."""
_ACCURACY = ("auc", "log_loss", "calibration", "top_decile_calibration", "top_decile_lift")
_LEVELS = ("churn_by_level", "calibration_by_level", "auc_by_level")
_SEGMENTS = ("churn_by_band", "churn_by_cohort", *_LEVELS)
_OFFERS_COUNT = "An offer acts for"
_CAME_TRUE = tuple(f"expected_{name}" for name in EXPECTED)


@dataclass(frozen=True)
class LabelledFigures:
    """Figures that need labels.

    Args:
        settings: source, decision and model.
        store: the store.
        contract: of the history.
        label: of the contract.
        before: what was measured last; a figure whose labels were not looked at since is taken from there.
    """

    settings: Settings
    store: Store
    contract: HistoryContract
    label: HistoryLabel
    before: MeasuredDay | None
    _read: dict[int, ScoredRows] = field(default_factory=dict)

    def all(self) -> list[StoredMeasurement]:
        """Accuracy of each week and of the newest final ones, estimates, money, and churn by segment."""
        newest = latest_run(self.store)
        if newest is None:
            return []
        runs = weekly_runs(runs_since(self.store, newest.as_of - timedelta(weeks=WEEKS + 1)), WEEKS)
        final = [run for run in runs if run.matured_at is not None]
        weeks: dict[date, list[StoredMeasurement]] = {}
        for run in final:
            weeks[run.as_of] = self._week(run, self._earlier(weeks, run))
        found = [*self._pooled(final[-POOLED_WEEKS:]), *(money := self._money())]
        for run in runs:
            if run.matured_at is None:
                found += self._week(run, self._earlier(weeks, run))
        found += self._money_expected(newest, money)
        found += [figure for week in weeks.values() for figure in week]
        return [*found, *stored([_held(weeks.values())], None), *self._segments(final[-1])] if final else found

    def _pooled(self, runs: list[Run]) -> list[StoredMeasurement]:
        """Accuracy of the newest final weeks together."""
        known = self._pooled_before(runs)
        if known or not runs:
            return known
        return stored(accuracy(joined([self._rows(run) for run in runs])), None)

    def _pooled_before(self, runs: list[Run]) -> list[StoredMeasurement]:
        """The earlier figures of the same weeks together, where the labels of none were looked at since."""
        if self.before is None or not all(self._is_unchanged(run) for run in runs):
            return []
        if self.before.pooled_dates != [run.as_of for run in runs]:
            return []
        return [one for one in self.before.figures if one.name in _ACCURACY and not one.part]

    def _rows(self, run: Run) -> ScoredRows:
        if run.id not in self._read:
            if len(self._read) == POOLED_WEEKS:  # the weeks that several figures need are read one after the other
                del self._read[next(iter(self._read))]
            self._read[run.id] = untreated_rows(self.store, run, self._around(run))
        return self._read[run.id]

    def _around(self, run: Run) -> Treatment:
        days = self.settings.decision.follow_days
        return treatment_around(self.store, run, follow_days=days, final_after=self.label.final_after)

    def _week(self, run: Run, earlier: EarlierErrors) -> list[StoredMeasurement]:
        """The accuracy of a week, and beside it what was estimated; before its labels are final the estimate alone."""
        names = (*_ACCURACY, *_CAME_TRUE)
        known = self._kept(run, lambda one: one.part == str(run.as_of) and one.name in names)
        if {one.name for one in known} >= set(names):
            return known
        rows, part = self._rows(run), str(run.as_of)
        if run.matured_at is None:
            return stored(expected_accuracy(rows, part, earlier), run.as_of)
        came_true = accuracy(rows, part)
        estimates = [replace(one, name=f"expected_{one.name}") for one in expected_accuracy(rows.final, part, earlier)]
        return stored([*came_true, *estimates], run.as_of)

    def _earlier(self, weeks: Mapping[date, Sequence[StoredMeasurement]], run: Run) -> EarlierErrors:
        """The errors of the estimates whose labels were final at a run, and that of the backtest of its model."""
        errors = {day: _errors(figures) for day, figures in weeks.items()}
        backtest = self._provenance.get(run.model_sha256, {}).get("out_of_time") or {}
        return earlier_errors(errors, run.as_of, self.label.final_after, backtest.get("estimate_errors"))

    def _money(self) -> list[StoredMeasurement]:
        """The gain of each week's lists of the live model by final labels, and the loss between first and newest.

        None of a source on Spark: the store has only the customers of its lists, and who is not among them is a part
        of the gain of a customer.
        """
        if self._live is None or is_spark(self.settings.source.url):
            return []
        live, since = self._live.deployment.sha256, _first_unseen(self._live.provenance, self.label.days)
        of_model = [run for run in runs_since(self.store, since) if run.model_sha256 == live]
        final = [run for run in weekly_runs(of_model, MONEY_WEEKS) if run.matured_at is not None]
        now = of_model[-1].customers if of_model else 0
        size = self._size(now)
        weeks = [(run, self._week_gain(run, self._terms(run.customers, size))) for run in final]
        gains = [_list_gain(run, gain, now) for run, gain in weeks if gain.value is not None]
        lost = money_lost(gains, self.label.days)
        if gains and (final[-1].as_of - gains[-1].as_of).days >= self.label.days:  # nothing is known of the newest
            lost = [too_little(one.name, "", weeks[-1][1].next_step) for one in lost]
        return [*stored(lost, _date_of(final)), *(gain for _, gain in weeks)]

    def _week_gain(self, run: Run, terms: ListTerms) -> StoredMeasurement:
        """The gain of the lists of a week; the earlier figure where neither its labels nor the terms changed since."""
        part = str(run.as_of)
        for known in self._kept(run, lambda one: (one.name, one.part, one.is_final) == ("list_gain", part, True)):
            if known.next_step in (WAIT, self._measured_by(terms)):
                return known
        if self._hides_its_list(run, terms):
            return stored([too_little("list_gain", part, NO_CONTROL_GROUP)], run.as_of)[0]
        found = week_gain(self._rows(run), terms, part)
        if found.value is not None:
            found = replace(found, next_step=self._measured_by(terms))
        return stored([found], run.as_of)[0]

    def _measured_by(self, terms: ListTerms) -> str:
        """The next step of a week's gain: by which terms it was measured, and whose labels count."""
        return f"{measured_by(terms)} {self._offers_count}"

    @property
    def _offers_count(self) -> str:
        days = self.settings.decision.follow_days
        return f"{_OFFERS_COUNT} {days} day{'' if days == 1 else 's'}."

    def _hides_its_list(self, run: Run, terms: ListTerms) -> bool:
        """Whether offers without a control group took the customers of a list: the others would stand for it."""
        return unseen_share(self.store, run, self._around(run), terms) > MOST_UNSEEN

    def _money_expected(self, newest: Run, known: Sequence[StoredMeasurement]) -> list[StoredMeasurement]:
        """The loss that the scores of the newest list expect against the first lists."""
        if self._live is None or newest.model_sha256 != self._live.deployment.sha256:
            return []
        if newest.matured_at is not None or is_spark(self.settings.source.url):
            return []
        then = next(((one.value, one.low) for one in known if one.name == "list_gain_then"), (None, None))
        terms = self._terms(newest.customers, self._size(newest.customers))
        if self._hides_its_list(newest, terms):
            return []
        return stored(expected_money_lost(*then, self._rows(newest), terms, str(newest.as_of)), newest.as_of)

    def shadow(self, now: datetime) -> list[StoredMeasurement]:
        """The gain of the model in the shadow over the live one; nothing where there is none."""
        newest = latest_run(self.store)
        if newest is None or self._live is None:
            return []
        live = self._live.deployment.sha256
        shadow = shadow_of(self.store, self.settings, live, now)
        if shadow is None:
            return []
        figures = ShadowFigures(self.settings, self.store, self.contract, self.label, self._open_tables, now)
        gain = figures.figure(shadow, self._live.deployment, self._terms(newest.customers))
        threshold = self.settings.decision.threshold
        requests = requests_in_shadow(self.store, shadow, live, threshold, now) if shadow.is_challenger else []
        return stored([gain, *requests], newest.as_of)

    @cached_property
    def _live(self) -> LiveModel | None:
        """The live model; None where there is none, or no one says which it is."""
        try:
            return champion(self.settings)
        except (BundleError, PromotionError):
            return None

    @cached_property
    def _provenance(self) -> dict[str, Mapping[str, Any]]:
        return Deployments(self.store).provenance()

    def _terms(self, customers: int, size: float | None = None) -> ListTerms:
        """The terms for so many customers: a list reaches the share of them that the capacity is of ``size``."""
        economics, capacity = rule_of(self.settings.decision).economics, self.settings.decision.capacity
        count = max(1, customers)
        most = None if capacity is None else capacity * self.label.days * (count / (size or count))  # new ones each day
        return ListTerms(economics.gain_from_leaver, economics.cost_of_stayer, most, self.label.days, count)

    def _size(self, customers: int) -> float:
        """About as many customers as there are; a step is left only where the company is beyond the next one.

        All weeks reach the same share of their customers, so that a company that grows is no model that changed.
        """
        low = GROWTH_STEP ** math.floor(math.log(max(1, customers), GROWTH_STEP))
        near = sorted((low, low * GROWTH_STEP), key=lambda size: abs(size - customers))
        figures = () if self.before is None else self.before.figures
        known = {one.next_step for one in figures if one.name == "list_gain" and one.is_final}
        return next((size for size in near if self._measured_by(self._terms(customers, size)) in known), near[0])

    def _segments(self, run: Run) -> list[StoredMeasurement]:
        by = segment_features(self.contract, self.settings.monitoring.segments)
        known = self._kept(run, lambda one: one.rows_as_of == run.as_of and one.name in _SEGMENTS)
        tables = self._tables()
        if known and (
            tables is None or set(by) == {one.part.partition("=")[0] for one in known if one.name in _LEVELS}
        ):
            return known
        with read_whole(self.settings.source.url):
            found = churn_of_segments(self.store, run, tables, self.contract, by, lambda: self._rows(run))
            return stored(found, run.as_of)

    def _tables(self) -> dict[str, ir.Table] | None:
        """The tables of the source; None on Spark, where a second look at all customers costs too much."""
        address = self.settings.source.url
        return None if address is None or is_spark(address) else self._open_tables()

    def _open_tables(self) -> dict[str, ir.Table]:
        return open_history(self.settings.source, self.contract)

    def _kept(self, run: Run, wanted: Callable[[StoredMeasurement], bool]) -> list[StoredMeasurement]:
        """The earlier figures of a run whose labels were not looked at since."""
        return [one for one in self.before.figures if wanted(one)] if self.before and self._is_unchanged(run) else []

    def _is_unchanged(self, run: Run) -> bool:
        """Whether the labels of a run were not looked at since the last measurement, and the same rows count."""
        if self.before is None or run.checked_at is None or not self._same_rows_count:
            return False
        return run.checked_at <= self.before.measured_at

    @cached_property
    def _same_rows_count(self) -> bool:
        """Whether an offer acted for as many days at the last measurement; one without a week's gain did not say."""
        figures = () if self.before is None else self.before.figures
        said = [one.next_step for one in figures if one.name == "list_gain" and one.next_step.startswith(MEASURED_BY)]
        return all(step.endswith(self._offers_count) for step in said if step != MEASURED_BY)


def stored(found: Iterable[Measurement], rows_as_of: date | None) -> list[StoredMeasurement]:
    """Figures as the store keeps them, with the as-of date of the predictions behind them."""
    return [StoredMeasurement(**asdict(one), rows_as_of=rows_as_of) for one in found]


def _held(weeks: Iterable[Sequence[StoredMeasurement]]) -> Measurement:
    """How many of the weeks' estimates hold what came true."""
    held = []
    for week in weeks:
        values = {one.name: one for one in week}
        true, estimate = values.get("auc"), values.get("expected_auc")
        if true is not None and true.value is not None and estimate is not None and estimate.low is not None:
            held.append(estimate.low <= true.value <= (estimate.high or 0.0))
    return estimates_held(sum(held), len(held))


def _errors(week: Sequence[StoredMeasurement]) -> dict[str, float]:
    """The error of each estimate, by metric: the value that came true less the estimate."""
    values = {one.name: one.value for one in week}
    pairs = {name: (values.get(name), values.get(f"expected_{name}")) for name in EXPECTED}
    return {name: true - said for name, (true, said) in pairs.items() if true is not None and said is not None}


def _list_gain(run: Run, gain: StoredMeasurement, customers: int) -> ListGain:
    """The gain of a week, stated for as many customers as there are now: a company that grows is no better model."""
    value, low, high = (end or 0.0 for end in (gain.value, gain.low, gain.high))
    times = customers / max(1, run.customers)
    return ListGain(run.as_of, times * value, times * (high - low) / 2 / ERRORS_OF_95)


def _first_unseen(provenance: Mapping[str, Any], horizon_days: int) -> date:
    """The first as-of date whose labels share no day with those of training: on earlier ones a model looks too good."""
    dates = provenance.get("as_of_dates")
    return date.fromisoformat(max(dates)) + timedelta(days=horizon_days) if dates else date.min


def _date_of(runs: Sequence[Run]) -> date | None:
    return runs[-1].as_of if runs else None
