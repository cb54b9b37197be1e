"""The package itself: whether its code, its installation and the models that are live are of versions that fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from packaging.version import InvalidVersion, Version

from churn_mlops import __version__
from churn_mlops.config import Settings
from churn_mlops.errors import StoreError
from churn_mlops.pipelines.doctor.champion import live_model
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.store import open_store
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.deployments import Deployments

DISTRIBUTION = "churn-mlops"
UPGRADE = "upgrade every program that shares the store; docs/upgrading.md has the order"


def package_found(settings: Settings, here: str = __version__) -> Iterator[Finding]:
    """Whether the live models were made by this version or an earlier one, and the installation is of this code.

    Args:
        settings: of the sections ``models`` and ``store``.
        here: the version of the code.
    """
    newer = [f"{what} was made by {DISTRIBUTION} {made}" for what, made in _made_by(settings) if _is_newer(made, here)]
    installed = _installed()
    if newer:
        yield Finding("package", "warning", f"this is {DISTRIBUTION} {here}, and {'; '.join(newer)}", UPGRADE)
    elif installed not in (None, here):
        summary = f"the code is {DISTRIBUTION} {here}, its installation is {installed}"
        yield Finding("package", "warning", summary, "install it again, so that its libraries are those of the code")
    else:
        yield Finding("package", "ok", f"{DISTRIBUTION} {here}; no live model is of a newer version")


def _made_by(settings: Settings) -> Iterator[tuple[str, str]]:
    """The live models, of this machine and of the store, and the version of the package that made each."""
    live = live_model(settings)
    if live is not None and (made := _version_in(live.provenance)):
        yield f"champion {live.version} in {settings.models.folder}", made
    try:
        if not inspect_store(settings.store.url).is_ready:
            return
        with open_store(settings.store.url) as store:
            deployments = Deployments(store)
            current, made_with = deployments.current(), deployments.provenance()
    except StoreError:
        return  # said by the check of the store
    if current is not None and (made := _version_in(made_with.get(current.sha256, {}))):
        yield f"champion {current.version} in the store", made


def _version_in(provenance: Mapping[str, Any]) -> str | None:
    versions = provenance.get("versions")
    made = versions.get(DISTRIBUTION) if isinstance(versions, dict) else None
    return made if isinstance(made, str) else None


def _is_newer(made: str, here: str) -> bool:
    try:
        return Version(made) > Version(here)
    except InvalidVersion:
        return False


def _installed() -> str | None:
    """The version of the installation, None where there is none; another check speaks of that."""
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
