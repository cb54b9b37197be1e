"""The record of runs and versions: whether MLflow answers, and agrees with what is live."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from churn_mlops.config import Settings
from churn_mlops.database_urls import scrubbed, shown
from churn_mlops.errors import ChurnError, PromotionError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.reachability import SECONDS, check_reachable


def record_found(settings: Settings) -> Iterator[Finding]:
    """Whether MLflow can be reached, and its alias `champion` is at the version that is live."""
    uri = settings.mlflow.uri
    where = shown(uri) if "://" in uri else uri
    place = sqlite_file(uri) or (
        Path(uri.removeprefix("file://")) if "://" not in uri or uri.startswith("file:") else None
    )
    if place is not None and not _has_record(place):
        yield Finding("MLflow", "ok", f"no record in {place} yet; `churn train` makes it")
        return
    try:
        check_reachable(uri)
        number = _champion_in_record(settings)
    except (ChurnError, OSError) as error:
        said = scrubbed(str(error), uri)
        yield Finding("MLflow", "failed", f"{where} ({said})", "start its server, or correct mlflow.uri")
        return
    yield _agreeing(where, number, settings)


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite address, None for any other address."""
    return Path(uri.removeprefix("sqlite:///").partition("?")[0]) if uri.startswith("sqlite:///") else None


def _has_record(place: Path) -> bool:
    """Whether there is a folder, or a database with tables. MLflow would make them, and here nothing is made."""
    if not place.is_file():
        return place.is_dir()
    try:
        with closing(sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.Error:
        return True  # no database at all: MLflow says so in its own words


def _champion_in_record(settings: Settings) -> int | None:
    # Imported here: MLflow takes seconds, and while it has no record yet the checks need not wait for it.
    from churn_mlops.models.registry import CHAMPION, named
    from churn_mlops.pipelines.deployment.mlflow_aliases import tracking

    return named(tracking(settings), CHAMPION, SECONDS)


def _agreeing(where: str, number: int | None, settings: Settings) -> Finding:
    try:
        live = BundleCache(settings.models.folder).current()
    except PromotionError:
        return Finding("MLflow", "ok", f"{where} answers")  # the check of the champion reports what is live
    if live is None and number is None:
        return Finding("MLflow", "ok", f"{where} answers; no version is champion")
    if live is None or str(number) != live.version:
        named = "no version" if number is None else f"version {number}"
        summary = f"{where} calls {named} champion, but {f'version {live.version}' if live else 'none'} is live"
        if live is None:
            advice = f"`churn models promote {number} --reason ...` makes them agree"
        else:
            advice = "`churn models list` makes them agree; a version that MLflow lost stays live"
        return Finding("MLflow", "warning", summary, advice)
    return Finding("MLflow", "ok", f"{where} answers; its champion is the version that is live, {live.version}")
