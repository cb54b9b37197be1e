"""Python and the libraries: whether they are those that the project declares."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from churn_mlops.config import Settings
from churn_mlops.pipelines.doctor.champion import live_model
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.package import DISTRIBUTION

TREE_TYPES = frozenset({"boosting", "random_forest"})
INSTALL = "install what is locked: `pip install --require-hashes -r requirements.txt`"


def versions_found() -> Iterator[Finding]:
    """Python and every declared library."""
    try:
        about = metadata.metadata(DISTRIBUTION)
        declared = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        advice = "install it (`pip install --no-deps -e .`); until then its versions cannot be checked"
        yield Finding(
            "Python", "warning", f"Python {platform.python_version()}; {DISTRIBUTION} is not installed", advice
        )
        return
    yield _python_found(about["Requires-Python"] or "")
    wanted = [item for item in declared if item.marker is None or item.marker.evaluate()]
    wrong = [fault for item in wanted if (fault := _wrong(item))]
    if wrong:
        yield Finding("libraries", "failed", "; ".join(wrong), INSTALL)
    else:
        yield Finding("libraries", "ok", f"all {len(wanted)} that {DISTRIBUTION} declares are there, within bounds")


def trees_found(settings: Settings) -> Iterator[Finding]:
    """Whether LightGBM can be used, where the champion needs it to score."""
    live = live_model(settings)
    if live is None or live.bundle.model_type not in TREE_TYPES:
        return
    try:
        importlib.import_module("lightgbm")
    except (ImportError, OSError) as error:  # OSError: a library of the system, such as libgomp, is not there
        summary = f"champion {live.version} ({live.bundle.model_type}) needs LightGBM, which cannot be loaded ({error})"
        yield Finding("LightGBM", "failed", summary, INSTALL)
        return
    yield Finding("LightGBM", "ok", f"can be loaded; champion {live.version} ({live.bundle.model_type}) needs it")


def _python_found(wanted: str) -> Finding:
    running = platform.python_version()
    if SpecifierSet(wanted).contains(running, prereleases=True):
        return Finding("Python", "ok", f"{running}, as declared ({wanted})")
    return Finding("Python", "failed", f"{running} is not within {wanted}", "make the environment with another Python")


def _wrong(requirement: Requirement) -> str | None:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed"
    if requirement.specifier.contains(version, prereleases=True):
        return None
    return f"{requirement.name} is {version}, not {requirement.specifier}"
