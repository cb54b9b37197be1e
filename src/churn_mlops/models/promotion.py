"""Which model is live: the gate a challenger must pass, and the folder that serving reads.

The folder holds ``bundles/<sha256>.bundle`` (with its provenance beside it) and ``live.json``: which version was live
from when to when, and why. The last entry without an end is the champion.
"""

from __future__ import annotations

import fcntl
import json
import math
import tempfile
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
from churn_mlops.models.tables import Floats, Places

NOISE = 1.96
ANY = "any"
"""Whichever model is live, none included."""


class ChampionChangedError(PromotionError):
    """Another model went live since the champion was looked at."""


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

    @property
    def figures(self) -> str:
        """The comparison from the challenger's side, as people read it."""
        difference = f"{abs(self.gain):.5f}"
        if float(difference) == 0:
            return f"the same log loss to 5 decimals, standard error {self.error:.5f}"
        return f"log loss {difference} {'better' if self.gain > 0 else 'worse'}, standard error {self.error:.5f}"


def compare(y: Floats, challenger: Floats, rival: Floats, clusters: Places | None = None) -> Comparison:
    """Compare two sets of scores of the same customers by log loss.

    Args:
        y: 1 where the customer left, else 0, shape (rows,).
        challenger: churn probabilities, shape (rows,).
        rival: churn probabilities, shape (rows,).
        clusters: the customer of each row, as a whole number, shape (rows,), where one may have several.
    """
    gains = _losses(y, rival) - _losses(y, challenger)
    if clusters is None:
        return Comparison(float(gains.mean()), float(gains.std(ddof=1) / math.sqrt(len(gains))), len(gains))
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights=gains - gains.mean())
    error = math.sqrt(float(sums @ sums) * len(sums) / max(len(sums) - 1, 1)) / len(gains)
    return Comparison(float(gains.mean()), error, len(gains))


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

    def current(self) -> LivePeriod | None:
        """The period of the champion, None where none ever was.

        Raises:
            PromotionError: ``live.json`` cannot be read.
        """
        return next((period for period in reversed(self.history()) if period.to is None), None)

    def champion(self) -> LiveModel | None:
        """The model that is live, None where none ever was.

        Raises:
            PromotionError, BundleError: the folder or the bundle cannot be trusted.
        """
        period = self.current()
        if period is None:
            return None
        bundle = Bundle.load(self._bundle_path(period.sha256))
        if bundle.sha256 != period.sha256:
            raise BundleError(f"{self._bundle_path(period.sha256)} holds another model than its name says")
        try:
            provenance = json.loads(self._provenance_path(period.sha256).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            provenance = {}
        return LiveModel(period, bundle, provenance if isinstance(provenance, dict) else {})

    def probe(self) -> None:
        """Make sure that the folder can be written, before hours of work depend on it.

        Raises:
            PromotionError: it cannot.
        """
        with self._locked(), tempfile.TemporaryFile(dir=self._bundles):
            pass

    def publish(
        self,
        bundle: Bundle,
        *,
        version: str,
        provenance: Mapping[str, Any],
        reason: str,
        instead_of: str | None = ANY,
    ) -> LivePeriod:
        """Make ``bundle`` the champion: all of it is on disk before the one step that makes it live.

        Args:
            bundle: the model.
            version: its version as people see it.
            provenance: how it was made.
            reason: why it goes live.
            instead_of: SHA-256 of the champion that it was compared with, None where there was none.

        Raises:
            BundleError: the bundle, read back, does not give its own recorded scores.
            ChampionChangedError: another model than ``instead_of`` is live by now.
            PromotionError: the folder cannot be written.
        """
        ChurnPredictor(Bundle.from_bytes(bundle.to_bytes()))
        with self._locked():
            live = self.current()
            if instead_of not in (ANY, live and live.sha256):
                raise ChampionChangedError(
                    f"version {version} was compared with a champion that is live no more: train again"
                )
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

    @property
    def _bundles(self) -> Path:
        return self.folder / "bundles"

    def _bundle_path(self, sha256: str) -> Path:
        return self._bundles / f"{sha256}.bundle"

    def _provenance_path(self, sha256: str) -> Path:
        return self._bundles / f"{sha256}.provenance.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._bundles.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                # Every writer holds the lock, so what is half-written now was left by one that was killed.
                for left in (*self.folder.glob(".*.tmp"), *self._bundles.glob(".*.tmp")):
                    left.unlink(missing_ok=True)
                yield
        except OSError as error:
            raise PromotionError(
                f"the folder of live models, {self.folder}, cannot be written ({error.strerror or error}): make it "
                "writable, or set models.folder to another (CHURN__MODELS__FOLDER)"
            ) from None


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
