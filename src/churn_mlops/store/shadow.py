"""The version in the shadow as the store knows it: who it is, what its scores take, and what its lists would earn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from churn_mlops.store.database.database import Store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import StoredMeasurement, latest_measurements
from churn_mlops.store.scoring.runs import latest_run
from churn_mlops.store.trials import Trial, runs_scored, trials

GAIN = "shadow_gain"


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
        gain: what its lists would earn more than the champion's; None where that was not measured.
    """

    version: str
    trial: Trial | None
    as_of: date
    customers: int
    seconds: float
    runs: int | None
    gain: StoredMeasurement | None


def in_shadow(store: Store) -> InShadow | None:
    """The version in the shadow, None where none scored the newest run beside the version that is live now.

    Raises:
        StoreError: the store fails.
    """
    run, champion = latest_run(store), Deployments(store).current()
    if run is None or run.shadow_version is None or champion is None or run.model_sha256 != champion.sha256:
        return None
    trial = next((one for one in trials(store, 1) if one.until is None and one.sha256 == run.shadow_sha256), None)
    return InShadow(
        run.shadow_version,
        trial,
        run.as_of,
        run.customers,
        run.shadow_seconds or 0.0,
        None if trial is None else runs_scored(store, trial),
        shadow_gain_of(store, run.shadow_version),
    )


def shadow_gain_of(store: Store, version: str) -> StoredMeasurement | None:
    """The gain of a version over the champion, by the newest measurement; None where it is not known.

    Raises:
        StoreError: the store fails.
    """
    measured = latest_measurements(store)
    figures = () if measured is None else measured.figures
    return next((one for one in figures if (one.name, one.part) == (GAIN, version)), None)
