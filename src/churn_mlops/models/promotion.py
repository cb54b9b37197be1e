"""Which model is live: the gate a challenger must pass, and the folder that serving reads.

The folder holds ``bundles/<sha256>.bundle`` (with its provenance beside it) and ``live.json``: which version was live
from when to when, and why. The last entry without an end is the champion.
"""

from __future__ import annotations

import fcntl
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from churn_mlops.data.writing import write_whole
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.tables import Floats

NOISE = 1.96


@dataclass(frozen=True)
class Comparison:
    """Challenger against rival on the customers set aside, row for row.

    Args:
        gain: mean log loss of the rival less that of the challenger, nats a customer; above 0 the challenger is better.
        error: standard error of ``gain``.
        customers: how many were compared.
    """

    gain: float
    error: float
    customers: int

    @property
    def beyond_noise(self) -> bool:
        """Whether the challenger is better by more than 1.96 standard errors."""
        return self.gain > NOISE * self.error


def compare(y: Floats, challenger: Floats, rival: Floats) -> Comparison:
    """Compare two sets of scores of the same customers by log loss.

    Args:
        y: 1 where the customer left, else 0, shape (rows,).
        challenger: churn probabilities, shape (rows,).
        rival: churn probabilities, shape (rows,).
    """
    gains = _losses(y, rival) - _losses(y, challenger)
    return Comparison(float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains))), len(gains))


@dataclass(frozen=True)
class LivePeriod:
    """One version's time as champion; times are ISO 8601 in UTC, ``to`` is None while it lasts.

    ``rollback`` says that it began by going back.
    """

    version: str
    sha256: str
    model_type: str
    since: str
    to: str | None
    reason: str
    rollback: bool = False


@dataclass(frozen=True)
class LiveModel:
    """The champion: its period, its bundle, and what is known of how it was made."""

    period: LivePeriod
    bundle: Bundle
    provenance: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Version as people see it, such as "3"."""
        return self.period.version

    @property
    def live_from(self) -> str:
        """Since when it is live, ISO 8601 in UTC."""
        return self.period.since


class LiveModels:
    """The folder of live models on one machine.

    Args:
        folder: made at the first ``publish``.
        clock: tells the time; replaced in tests.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = Path(folder)
        self._clock = clock

    def history(self) -> tuple[LivePeriod, ...]:
        """Every period, the oldest first.

        Raises:
            PromotionError: ``live.json`` cannot be read.
        """
        path = self.folder / "live.json"
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(entries, list):
                raise TypeError("it holds no list")
            return tuple(LivePeriod(**entry) for entry in entries)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError) as error:
            raise PromotionError(
                f"{path} does not tell which model is live ({error}): restore it from a copy"
            ) from None

    def champion(self) -> LiveModel | None:
        """The model that is live, None where none ever was.

        Raises:
            PromotionError, BundleError: the folder or the bundle cannot be trusted.
        """
        live = [period for period in self.history() if period.to is None]
        if not live:
            return None
        period = live[-1]
        bundle = Bundle.load(self._bundle_path(period.sha256))
        if bundle.sha256 != period.sha256:
            raise BundleError(f"{self._bundle_path(period.sha256)} holds another model than its name says")
        try:
            provenance = json.loads(self._provenance_path(period.sha256).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            provenance = {}
        return LiveModel(period, bundle, provenance if isinstance(provenance, dict) else {})

    def publish(self, bundle: Bundle, *, version: str, provenance: Mapping[str, Any], reason: str) -> LivePeriod:
        """Make ``bundle`` the champion: all of it is on disk before the one step that makes it live.

        Raises:
            BundleError: the bundle, read back, does not give its own recorded scores.
        """
        ChurnPredictor(Bundle.from_bytes(bundle.to_bytes()))
        with self._locked():
            bundle.save(self._bundle_path(bundle.sha256))
            details = json.dumps(dict(provenance), indent=1, sort_keys=True)
            write_whole(self._provenance_path(bundle.sha256), details.encode())
            return self._go_live(version, bundle.sha256, bundle.model_type, reason)

    def rollback(self, reason: str) -> LivePeriod:
        """Make the version that was live before the champion live again; a second time, the one before that.

        Raises:
            PromotionError: there is no earlier version.
            BundleError: the earlier bundle is gone or broken.
        """
        with self._locked():
            standing = _standing(self.history())
            if len(standing) < 2:
                raise PromotionError("no other version was live before: there is nothing to roll back to")
            back = standing[-2]
            ChurnPredictor(Bundle.load(self._bundle_path(back.sha256)))
            return self._go_live(back.version, back.sha256, back.model_type, reason, rollback=True)

    def _go_live(self, version: str, sha256: str, model_type: str, reason: str, rollback: bool = False) -> LivePeriod:
        now = self._clock().astimezone(UTC).isoformat(timespec="milliseconds")
        ended = [replace(period, to=period.to or now) for period in self.history()]
        period = LivePeriod(version, sha256, model_type, now, None, reason, rollback)
        entries = [asdict(entry) for entry in (*ended, period)]
        write_whole(self.folder / "live.json", json.dumps(entries, indent=1).encode())
        return period

    def _bundle_path(self, sha256: str) -> Path:
        return self.folder / "bundles" / f"{sha256}.bundle"

    def _provenance_path(self, sha256: str) -> Path:
        return self.folder / "bundles" / f"{sha256}.provenance.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _standing(periods: Iterable[LivePeriod]) -> list[LivePeriod]:
    """The periods without those that were rolled back: the champion is the last, what it replaced stands before it."""
    standing: list[LivePeriod] = []
    for period in periods:
        if period.rollback and standing:
            standing.pop()
        elif not standing or standing[-1].sha256 != period.sha256:
            standing.append(period)
    return standing


def _losses(y: Floats, scores: Floats) -> Floats:
    kept = np.clip(scores, 1e-15, 1 - 1e-15)
    return np.asarray(-(y * np.log(kept) + (1 - y) * np.log1p(-kept)))
