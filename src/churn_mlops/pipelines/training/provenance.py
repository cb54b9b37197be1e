"""The provenance of a model version: what it takes to repeat the run, and what the run found."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from importlib.metadata import version as version_of
from typing import Any

from churn_mlops import __version__
from churn_mlops.models.evaluate import Estimate
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.leakage import LeakCheck
from churn_mlops.pipelines.training.promotion_gate import PromotionDecision

PACKAGES = ("numpy", "lightgbm", "scikit-learn", "pyarrow", "duckdb", "ibis-framework", "mlflow-skinny")


@dataclass(frozen=True)
class Provenance:
    """How a model version was made.

    Args:
        trained_at: when, ISO in UTC, to the second.
        git_revision: of the working directory, None where it is not under git.
        data_fingerprint: SHA-256 of all rows with a known label.
        seed: of everything random.
        split_mark: of the rule that drew the test set: only versions with the same mark are compared.
        versions: of Python and of the packages that a fit depends on.
        metrics: on the test set.
        decision: why it was promoted or not, in a sentence.
        features: names of the inputs of the model.
        leaks: what the leakage checks found.
        as_of_dates: of a history, the dates trained on; None of a flat table.
        rows_without_label: of a history, how many were left out; None of a flat table.
        backtest: None where there was none.
        no_backtest: why there was none, in a sentence; None of a flat table.
        curves: calibration and gain on the test set, as plain data.
    """

    trained_at: str
    git_revision: str | None
    data_fingerprint: str
    seed: int
    split_mark: str
    versions: Mapping[str, str]
    metrics: Mapping[str, Estimate]
    decision: str
    features: tuple[str, ...]
    leaks: LeakCheck
    as_of_dates: tuple[date, ...] | None
    rows_without_label: int | None
    backtest: Backtest | None
    no_backtest: str | None
    curves: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the record."""
        return {
            "trained_at": self.trained_at,
            "git_revision": self.git_revision,
            "data_fingerprint": self.data_fingerprint,
            "seed": self.seed,
            "set_aside": self.split_mark,
            "versions": dict(self.versions),
            "metrics": {name: asdict(estimate) for name, estimate in self.metrics.items()},
            "verdict": self.decision,
            "leaks": self.leaks.to_dict(),
            "features": list(self.features),
            **self._of_history(),
            **({} if self.curves is None else {"curves": dict(self.curves)}),
            **({"untested": self.no_backtest} if self.backtest is None else {"out_of_time": self.backtest.to_dict()}),
        }

    def _of_history(self) -> dict[str, Any]:
        if self.as_of_dates is None:
            return {}
        return {
            "as_of_dates": [day.isoformat() for day in self.as_of_dates],
            "rows_without_label": self.rows_without_label,
        }


def provenance_of(candidate: Candidate, seed: int, decision: PromotionDecision, now: datetime) -> Provenance:
    """The provenance of ``candidate``, fitted with ``seed`` and recorded at ``now``."""
    data, snapshots = candidate.prepared.data, candidate.prepared.snapshots
    return Provenance(
        trained_at=now.isoformat(timespec="seconds"),
        git_revision=_git_revision(),
        data_fingerprint=data.fingerprint,
        seed=seed,
        split_mark=data.mark,
        versions=_versions(),
        metrics=candidate.metrics,
        decision=decision.sentence,
        features=tuple(candidate.bundle.contract.features),
        leaks=candidate.prepared.leaks,
        as_of_dates=None if snapshots is None else tuple(snapshots.dates),
        rows_without_label=None if snapshots is None else snapshots.unlabelled,
        backtest=candidate.backtest,
        no_backtest=candidate.no_backtest,
    )


def _versions() -> dict[str, str]:
    own = {"churn-mlops": __version__, "python": platform.python_version()}
    return own | {name: version_of(name) for name in PACKAGES}


def _git_revision() -> str | None:
    """Revision of the working directory, None where it is not under git."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603 fixed arguments
    return found.stdout.strip() or None
