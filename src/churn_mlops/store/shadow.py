"""The version in the shadow as the store knows it: who it is, what its scores take, and what its lists would earn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from churn_mlops.store.database.database import Store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import StoredMeasurement, latest_measurements
from churn_mlops.store.scoring.runs import latest_run
from churn_mlops.store.trials import Trial, runs_scored, trials

GAIN = "shadow_gain"
REFUSED, CHANGED, MILLISECONDS = "shadow_refused", "shadow_changed", "shadow_milliseconds"


@dataclass(frozen=True)
class InShadow:
    """The version that scored the newest run beside the champion.

    Args:
        version: as people see it.
        trial: its trial; None where it is the version that the champion replaced.
        as_of: the date of the newest run.
        customers: how many it scored in that run.
        seconds: the time that this took.
        runs: dates that it scored since its trial began; None where there is no trial.
        figures: of the newest measurement, by name: `GAIN`, and of a version on trial `REFUSED`, `CHANGED` and
            `MILLISECONDS`.
    """

    version: str
    trial: Trial | None
    as_of: date
    customers: int
    seconds: float
    runs: int | None
    figures: Mapping[str, StoredMeasurement]

    @property
    def gain(self) -> StoredMeasurement | None:
        """The gain of its lists over those of the champion, None where that was not measured."""
        return self.figures.get(GAIN)

    @property
    def refused(self) -> StoredMeasurement | None:
        """The requests that it would refuse, None where that was not measured."""
        return self.figures.get(REFUSED)

    @property
    def changed(self) -> StoredMeasurement | None:
        """The requests that it would answer with another verdict, None where that was not measured."""
        return self.figures.get(CHANGED)

    @property
    def milliseconds(self) -> StoredMeasurement | None:
        """The time of an answer, None where that was not measured."""
        return self.figures.get(MILLISECONDS)


def in_shadow(store: Store) -> InShadow | None:
    """The version in the shadow, None where none scored the newest run beside the version that is live now.

    A version that came back by a rollback has none but a challenger: no other would come back in its place.

    Raises:
        StoreError: the store fails.
    """
    run, champion = latest_run(store), Deployments(store).current()
    if run is None or run.shadow_version is None or champion is None or run.model_sha256 != champion.sha256:
        return None
    trial = next((one for one in trials(store, 1) if one.until is None and one.sha256 == run.shadow_sha256), None)
    if trial is None and champion.rollback:
        return None
    return InShadow(
        run.shadow_version,
        trial,
        run.as_of,
        run.customers,
        run.shadow_seconds or 0.0,
        None if trial is None else runs_scored(store, trial),
        shadow_figures(store, run.shadow_version, champion.since if trial is None else trial.since),
    )


def shadow_figures(store: Store, version: str, since: datetime) -> dict[str, StoredMeasurement]:
    """The figures of a version in the shadow by name, of the newest measurement.

    Args:
        store: the store.
        version: in the shadow.
        since: when its trial began, or when the champion went live; a figure that was measured earlier is of another
            pair of versions.

    Raises:
        StoreError: the store fails.
    """
    measured = latest_measurements(store)
    figures = () if measured is None or measured.measured_at < since else measured.figures
    wanted = (GAIN, REFUSED, CHANGED, MILLISECONDS)
    return {one.name: one for one in figures if one.name in wanted and one.part == version}
