"""Which model is live: the gate a challenger must pass, and the folder that serving reads.

The folder holds ``bundles/<sha256>.bundle`` (with its provenance beside it) and ``live.json``: which version was live
from when to when, and why. The last entry without an end is the champion. Where several machines share a store, the
folder of each is joined with it by whoever knows both: see :meth:`LiveModels.adopt` and ``first`` of ``publish``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from churn_mlops.atomic_files import write_atomic
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.file_locks import lock_file
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.deployment_periods import LivePeriod, merged, standing
from churn_mlops.models.inference import ChurnPredictor

__all__ = [
    "ANY",
    "Announce",
    "ChampionChangedError",
    "KeptBundle",
    "LiveModel",
    "LiveModels",
    "LivePeriod",
    "merged",
]

ANY = "any"
"""Whichever model is live, none included."""


class ChampionChangedError(PromotionError):
    """Another model went live since the champion was looked at."""


@dataclass(frozen=True)
class KeptBundle:
    """A bundle as a file's bytes, its hash, and what is known of how it was made."""

    sha256: str
    content: bytes = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def read(self, where: str) -> Bundle:
        """The bundle; ``where`` it came from is told in errors.

        Raises:
            BundleError: it is not to be trusted, or is another than its hash says.
        """
        bundle = Bundle.from_bytes(self.content, where)
        if bundle.sha256 != self.sha256:
            raise BundleError(f"{where} holds another model than its name says")
        return bundle


Announce = Callable[[LivePeriod, KeptBundle], None]


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
            periods = tuple(LivePeriod(**entry) for entry in entries)
            merged(periods)  # their times can be told, and compared
            return periods
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
        kept = self._kept(period.sha256)
        return LiveModel(period, kept.read(str(self._bundle_path(period.sha256))), kept.provenance)

    def kept(self, sha256: str) -> KeptBundle | None:
        """The bundle ``sha256`` of any period, None where it is not here or was altered."""
        try:
            kept = self._kept(sha256)
            kept.read("")
        except BundleError:
            return None
        return kept

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
        first: Announce = lambda period, kept: None,
    ) -> LivePeriod:
        """Make ``bundle`` the champion: all of it is on disk before the one step that makes it live.

        Args:
            bundle: the model.
            version: its version as people see it.
            provenance: how it was made.
            reason: why it goes live.
            instead_of: SHA-256 of the champion that it was compared with, None where there was none.
            first: called when all is on disk, just before that step; where it raises, nothing goes live here.

        Raises:
            BundleError: the bundle, read back, does not give its own recorded scores.
            ChampionChangedError: another model than ``instead_of`` is live by now.
            PromotionError: the folder cannot be written.
        """
        ChurnPredictor(Bundle.from_bytes(bundle.to_bytes()))
        with self._locked():
            self._expect(
                instead_of, f"version {version} was compared with a champion that is live no more: train again"
            )
            self._keep(KeptBundle(bundle.sha256, bundle.to_bytes(), provenance))
            return self._go_live(first, version, bundle.sha256, bundle.model_type, reason)

    def rollback(
        self, reason: str, *, instead_of: str | None = ANY, first: Announce = lambda period, kept: None
    ) -> LivePeriod:
        """Make the version that was live before the champion live again; a second time, the one before that.

        Args:
            reason: why.
            instead_of: SHA-256 of the champion that is to go, so that two people who want rid of it go back one step.
            first: as in :meth:`publish`.

        Raises:
            ChampionChangedError: the champion is another than ``instead_of`` by now.
            PromotionError: there is no earlier version.
            BundleError: the earlier bundle is gone or broken.
        """
        with self._locked():
            self._expect(
                instead_of, "another model went live meanwhile: look at `churn models list`, then decide again"
            )
            stood = standing(self.history())
            if len(stood) < 2:
                raise PromotionError("no other version was live before: there is nothing to roll back to")
            back = stood[-2]
            ChurnPredictor(Bundle.load(self._bundle_path(back.sha256)))
            return self._go_live(first, back.version, back.sha256, back.model_type, reason, rollback=True)

    def adopt(self, periods: Iterable[LivePeriod], bundles: Iterable[KeptBundle]) -> None:
        """Put what was live elsewhere together with what was live here; the last of all periods is the champion's.

        Args:
            periods: known ones change nothing.
            bundles: those of the periods that are to be had here.

        Raises:
            PromotionError: the folder cannot be read or written.
        """
        with self._locked():
            for kept in bundles:
                self._keep(kept)
            here = self.history()
            everywhere = merged(here, periods)
            if everywhere != here:
                self._write(everywhere)

    def _expect(self, instead_of: str | None, otherwise: str) -> None:
        live = self.current()
        if instead_of not in (ANY, live and live.sha256):
            raise ChampionChangedError(otherwise)

    def _go_live(
        self, first: Announce, version: str, sha256: str, model_type: str, reason: str, *, rollback: bool = False
    ) -> LivePeriod:
        history = self.history()
        now = self._clock().astimezone(UTC)
        # Periods are ordered by when they began: one that begins must be the last, whatever the clock says.
        now = max([now, *(period.key[0] + timedelta(milliseconds=1) for period in history)])
        since = now.isoformat(timespec="milliseconds")
        ended = [replace(period, to=period.to or since) for period in history]
        period = LivePeriod(version, sha256, model_type, since, None, reason, rollback)
        first(period, self._kept(sha256))
        self._write([*ended, period])
        return period

    def _write(self, periods: Iterable[LivePeriod]) -> None:
        entries = [asdict(period) for period in periods]
        write_atomic(self.folder / "live.json", json.dumps(entries, indent=1).encode())

    def _keep(self, kept: KeptBundle) -> None:
        write_atomic(self._bundle_path(kept.sha256), kept.content)
        details = json.dumps(dict(kept.provenance), indent=1, sort_keys=True)
        write_atomic(self._provenance_path(kept.sha256), details.encode())

    def _kept(self, sha256: str) -> KeptBundle:
        path = self._bundle_path(sha256)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BundleError(f"the model bundle {path} cannot be read: {error.strerror}") from None
        try:
            provenance = json.loads(self._provenance_path(sha256).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            provenance = {}
        return KeptBundle(sha256, content, provenance if isinstance(provenance, dict) else {})

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
            with lock_file(self.folder / ".lock"):
                # Every writer holds the lock, so what is half-written now was left by one that was killed.
                for left in (*self.folder.glob(".*.tmp"), *self._bundles.glob(".*.tmp")):
                    left.unlink(missing_ok=True)
                yield
        except OSError as error:
            raise PromotionError(
                f"the folder of live models, {self.folder}, cannot be written ({error.strerror or error}): make it "
                "writable, or set models.folder to another (CHURN__MODELS__FOLDER)"
            ) from None
