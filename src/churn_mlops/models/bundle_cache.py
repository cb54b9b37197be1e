"""The models folder of one machine: a cache of bundles by their hash, and a copy of what the store last said is live.

``bundles/<sha256>.bundle`` is a bundle, with its provenance beside it. ``live.json`` lists which version was live from
when to when, and why; the last entry is the champion. The folder alone is enough to serve: without a store, and while
the store is unavailable.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from churn_mlops.atomic_files import write_atomic
from churn_mlops.deployment import Deployment, StoredBundle, active_history
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.file_locks import lock_file
from churn_mlops.models.bundle import Bundle


class DeploymentSource(Protocol):
    """Says which model was live when, and holds the bundles: the store."""

    def history(self) -> tuple[Deployment, ...]:
        """Every deployment, the oldest first."""

    def bundle(self, sha256: str) -> StoredBundle:
        """The bundle with this hash; raises BundleError where there is none that can be trusted."""


@dataclass(frozen=True)
class LiveModel:
    """The champion: its deployment, its bundle, and how it was made."""

    deployment: Deployment
    bundle: Bundle
    provenance: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Version as people see it, such as "3"."""
        return self.deployment.version

    @property
    def live_from(self) -> str:
        """Since when it is live, ISO 8601 in UTC."""
        return self.deployment.live_from


def read_model(deployment: Deployment, stored: StoredBundle, where: str) -> LiveModel:
    """The model of ``deployment``; errors name ``where`` its bundle comes from.

    Raises:
        BundleError: the bundle cannot be trusted, or is another than its hash says.
    """
    bundle = Bundle.from_bytes(stored.content, where)
    if bundle.sha256 != deployment.sha256:
        raise BundleError(f"{where} holds another model than its name says")
    return LiveModel(deployment, bundle, stored.provenance)


class BundleCache:
    """The models folder of one machine.

    Args:
        folder: made when it first follows a source.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def history(self) -> tuple[Deployment, ...]:
        """Every deployment that the store last reported, the oldest first.

        Raises:
            PromotionError: ``live.json`` cannot be read.
        """
        path = self.folder / "live.json"
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(entries, list):
                raise TypeError("it holds no list")
            return tuple(Deployment.from_entry(entry) for entry in entries)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise PromotionError(f"{path} does not say which model is live ({error}): restore it from a copy") from None

    def current(self) -> Deployment | None:
        """The deployment of the champion, None where none ever was.

        Raises:
            PromotionError: ``live.json`` cannot be read.
        """
        return next(reversed(self.history()), None)

    def champion(self) -> LiveModel | None:
        """The champion, None where none ever was.

        Raises:
            PromotionError, BundleError: the folder or the bundle cannot be trusted.
        """
        current = self.current()
        return None if current is None else self._read(current)

    def bundle(self, deployment: Deployment) -> StoredBundle | None:
        """The bundle of ``deployment``, None where it is not here or was altered."""
        with suppress(BundleError):
            self._read(deployment)
            return self._stored(deployment.sha256)
        return None

    def follow(self, source: DeploymentSource) -> None:
        """Copy from ``source`` what is live, with the bundles of the champion and of the version a rollback goes to.

        Bundles come first and ``live.json`` last, so a process killed in between leaves the folder whole.

        Raises:
            PromotionError: the folder cannot be written, even where there is nothing to write.
            StoreError: the source fails.
        """
        with self._locked():  # asked under the lock: a slower process never overwrites newer history by older
            deployments = source.history()
            for deployment in active_history(deployments)[-2:]:
                with suppress(BundleError):  # damaged there: what needs it, reports it
                    stored = source.bundle(deployment.sha256)
                    if self.bundle(deployment) != stored:
                        self._put(stored)
            if deployments:
                entries = [deployment.to_entry() for deployment in deployments]
                write_atomic(self.folder / "live.json", json.dumps(entries, indent=1).encode())

    def _read(self, deployment: Deployment) -> LiveModel:
        return read_model(deployment, self._stored(deployment.sha256), str(self._bundle_path(deployment.sha256)))

    def _put(self, stored: StoredBundle) -> None:
        write_atomic(self._bundle_path(stored.sha256), stored.content)
        details = json.dumps(dict(stored.provenance), indent=1, sort_keys=True)
        write_atomic(self._provenance_path(stored.sha256), details.encode())

    def _stored(self, sha256: str) -> StoredBundle:
        path = self._bundle_path(sha256)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BundleError(f"the model bundle {path} cannot be read: {error.strerror}") from None
        try:
            provenance = json.loads(self._provenance_path(sha256).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            provenance = {}
        return StoredBundle(sha256, content, provenance if isinstance(provenance, dict) else {})

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
            with lock_file(self.folder / ".lock"), tempfile.TemporaryFile(dir=self._bundles):
                # Every writer holds the lock, so a half-written file was left by a writer that was killed.
                for left in (*self.folder.glob(".*.tmp"), *self._bundles.glob(".*.tmp")):
                    left.unlink(missing_ok=True)
                yield
        except OSError as error:
            raise PromotionError(
                f"the folder of live models, {self.folder}, cannot be written ({error.strerror or error}): make it "
                "writable, or set models.folder to another (CHURN__MODELS__FOLDER)"
            ) from None
