"""A models folder with deployments, as one is left by a store that is elsewhere: servers work with the folder alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from churn_mlops.deployment import Deployment, StoredBundle
from churn_mlops.errors import BundleError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache

NOTHING: Mapping[str, Any] = {}
START = datetime(2026, 11, 23, 6, tzinfo=UTC)


@dataclass
class Source:
    """Deployments in memory: one a minute."""

    deployments: list[Deployment] = field(default_factory=list)
    bundles: dict[str, StoredBundle] = field(default_factory=dict)

    def deploy(self, bundle: Bundle, version: str, *, provenance: Mapping[str, Any], rollback: bool = False) -> None:
        since = START + timedelta(minutes=len(self.deployments))
        if self.deployments:
            self.deployments[-1] = replace(self.deployments[-1], until=since)
        reason = f"reason {version}"
        self.deployments.append(Deployment(version, bundle.sha256, bundle.model_type, since, reason, rollback))
        self.bundles[bundle.sha256] = StoredBundle(bundle.sha256, bundle.to_bytes(), provenance)

    def history(self) -> tuple[Deployment, ...]:
        return tuple(self.deployments)

    def bundle(self, sha256: str) -> StoredBundle:
        if sha256 not in self.bundles:
            raise BundleError("there is no such bundle")
        return self.bundles[sha256]


def fill_folder(folder: Path, *bundles: Bundle, version: str = "1", provenance: Mapping[str, Any] = NOTHING) -> None:
    """Make ``bundles`` live in ``folder`` one after the other; ``version`` is the first one's, and counts up."""
    source = Source()
    for number, bundle in enumerate(bundles, int(version)):
        source.deploy(bundle, str(number), provenance=provenance)
        BundleCache(folder).follow(source)
