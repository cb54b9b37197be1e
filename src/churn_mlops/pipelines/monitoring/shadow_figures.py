"""The figure that compares champion and shadow, by what became of the customers that both scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import CHURNED, HistoryContract
from churn_mlops.data.contract.history_label import HistoryLabel
from churn_mlops.data.snapshot.final_labels import labels_of
from churn_mlops.data.sources.database import read_whole
from churn_mlops.deployment import Deployment
from churn_mlops.monitoring import ListTerms, Measurement, PairedRows, shadow_gain
from churn_mlops.pipelines.deployment.shadow import Shadow
from churn_mlops.pipelines.inputs.as_of import loaded_until
from churn_mlops.pipelines.monitoring.run_rows import paired_rows, treatment_around, unseen_share, weekly_runs
from churn_mlops.store import Store
from churn_mlops.store.scoring.run_scores import runs_since
from churn_mlops.store.scoring.runs import Run

WEEKS = 9
"""Most weeks whose scores are compared."""
FEWEST_DAYS = 7
"""Days of the horizon that are over before it is looked who has left: earlier there are hardly any."""
MOST_UNSEEN = 0.05
"""Largest share of the champion's list that had an offer, without a control group: the champion's best choices are not
seen then and the other list keeps its own, so of two models that are equally good the one in the shadow looks better.
At this share its list seems to earn some 3 % more, which is less than a change back takes."""


@dataclass(frozen=True)
class ShadowFigures:
    """The comparison of champion and shadow.

    Args:
        settings: source and decision.
        store: the store.
        contract: of the history.
        label: of the contract.
        read_tables: opens the tables of the source.
        now: the present, with a time zone.
    """

    settings: Settings
    store: Store
    contract: HistoryContract
    label: HistoryLabel
    read_tables: Callable[[], Mapping[str, ir.Table]]
    now: datetime

    def figure(self, shadow: Shadow, champion: Deployment, terms: ListTerms) -> Measurement:
        """The money that the lists of ``shadow`` would earn more than those of the champion.

        Args:
            shadow: the model in the shadow.
            champion: its deployment. Runs from before it do not count: a person who makes a version live again decided
                against them.
            terms: by which a list earns.
        """
        since = self._today - timedelta(weeks=WEEKS + 1, days=self.label.final_after)
        both = [
            run
            for run in runs_since(self.store, since)
            if (run.model_sha256, run.shadow_sha256) == (champion.sha256, shadow.sha256)
            and run.finished_at >= champion.since
        ]
        pairs = [self._pair(run, terms) for run in weekly_runs(both, WEEKS)]
        return shadow_gain(shadow.version, [pair for pair in pairs if pair is not None], terms)

    def _pair(self, run: Run, terms: ListTerms) -> PairedRows | None:
        """The scores of both in a run; None where it is too early to look who has left, or offers hide it."""
        days = self.label.days if run.matured_at is not None else self._days_over(run)
        if days < min(FEWEST_DAYS, self.label.days):
            return None
        around = treatment_around(
            self.store, run, follow_days=self.settings.decision.follow_days, final_after=self.label.final_after
        )
        if unseen_share(self.store, run, around, terms) > MOST_UNSEEN:
            return None
        so_far = None if run.matured_at is not None else self._left_so_far(run, days)
        return paired_rows(self.store, run, around, so_far, days / self.label.days)

    def _days_over(self, run: Run) -> int:
        """Days of the horizon whose ends the source knows; none of inactivity, which shows at the end alone."""
        if self.label.inactive is not None:
            return 0
        first = run.as_of + timedelta(days=self.label.lead_days)
        return min(self.label.days, (self._known_until - first).days - 1 - self.label.reporting_delay_days)

    def _left_so_far(self, run: Run, days: int) -> dict[str, bool | None]:
        shorter = self.contract.model_copy(update={"label": self.label.model_copy(update={"horizon_days": days})})
        with read_whole(self.settings.source.url):
            rows = labels_of(self._tables, shorter, run.as_of).to_pyarrow()
        names, left = rows.column(self.contract.customer).to_pylist(), rows.column(CHURNED).to_pylist()
        return {name: None if text is None else text == "yes" for name, text in zip(names, left, strict=True)}

    @cached_property
    def _tables(self) -> Mapping[str, ir.Table]:
        return self.read_tables()

    @cached_property
    def _today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.contract.time_zone)).date()

    @cached_property
    def _known_until(self) -> date:
        return loaded_until(self.settings.source.as_of, self._tables, self.contract, self._today)
