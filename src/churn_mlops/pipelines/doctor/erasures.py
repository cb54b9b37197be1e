"""Erased customers: whether they can still be recognised, and whether store and file hold the same tombstones."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.store.database.inspect import inspect_store

_CHECK = "erasures"


def erasures_found(settings: Settings) -> Iterator[Finding]:
    """Whether all tombstones are of the key of today; nothing where no customer was ever erased."""
    # Imported here: with it comes what reads sources.
    from churn_mlops.pipelines.erasure.suppression import known_here
    from churn_mlops.store import open_store
    from churn_mlops.store.suppression.tombstones import tombstones

    try:
        here, there = {one.hash for one in known_here(settings)}, frozenset[str]()
        if inspect_store(settings.store.url).is_ready:
            with open_store(settings.store.url) as store:
                there = tombstones(store, settings.store.customer_hash_key).hashes
    except ConfigError as error:
        yield Finding(_CHECK, "failed", "erased customers are not recognised any more", str(error))
        return
    if not here | there:
        return
    summary = f"{len(here | there):,} customers were erased and are suppressed"
    file = settings.store.tombstones
    if lost := len(here - there):
        yield Finding(
            _CHECK, "warning", f"{summary}; the store lacks {lost:,} tombstones", "run `churn forget --again`"
        )
    elif file is not None and not _may_be_written(file):
        advice = "make it writable, or set store.tombstones to another place: a restored backup would bring them back"
        yield Finding(_CHECK, "warning", f"{summary}; {file} cannot be written", advice)
    else:
        yield Finding(_CHECK, "ok", summary)


def _may_be_written(file: Path) -> bool:
    place = file if file.exists() else next(folder for folder in file.absolute().parents if folder.exists())
    return os.access(place, os.W_OK)
