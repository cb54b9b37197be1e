"""Sites on both kinds of store, and on SQLite alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipelines.backup.site import Site, filled


@pytest.fixture
def here(tmp_path: Path) -> Site:
    """A site whose store is a file; it holds something of each kind."""
    return filled(tmp_path / "site", f"sqlite:///{tmp_path}/site.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """A site on each kind of store."""
    if request.param == "sqlite":
        return request.getfixturevalue("here")  # type: ignore[no-any-return]
    return filled(tmp_path / "site", str(request.getfixturevalue("postgres_store")))
