"""A second `churn init` of the same source: the settings that the first one wrote follow the new contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.config.settings import Source
from churn_mlops.pipelines.onboarding.init_settings import InitSettings

PRESENT = Source(url="visits.csv")
HISTORY = InitSettings("visits.csv", as_of="latest", every_days=31)


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The settings that the first `churn init` wrote, of a flat table."""
    path = tmp_path / "config.yaml"
    assert InitSettings("visits.csv").write(path, Source())
    return path


def test_a_table_that_is_found_to_be_a_history_is_read_as_of_its_newest_day(first: Path) -> None:
    assert HISTORY.write(first, PRESENT)
    assert "as_of: latest" in first.read_text()
    assert "every_days: 31" in first.read_text()
    assert not HISTORY.write(first, PRESENT)  # nothing is left to change
    assert HISTORY.advice(first, PRESENT) is None
    assert InitSettings("visits.csv").write(first, PRESENT)
    assert "latest" not in first.read_text()


def test_the_day_of_the_rows_goes_into_the_settings_and_stays_there(first: Path) -> None:
    assert InitSettings("visits.csv", as_of="2024-06-30").write(first, PRESENT)
    assert not InitSettings("visits.csv").write(first, PRESENT)
    assert "2024-06-30" in first.read_text()


@pytest.mark.parametrize("added", ["store: {url: 'sqlite:///mine.db'}\n", "# mine\n"])
def test_settings_that_a_person_changed_are_left_as_they_are_with_what_to_set(first: Path, added: str) -> None:
    first.write_text(first.read_text() + added)
    before = first.read_text()
    assert not HISTORY.write(first, PRESENT)
    assert first.read_text() == before
    assert str(HISTORY.advice(first, PRESENT)).endswith(
        "name this source, and were left as they are: set source.as_of to latest"
    )


def test_settings_of_another_source_are_left_as_they_are(first: Path) -> None:
    before = first.read_text()
    other = InitSettings("other.csv", as_of="latest")
    assert not other.write(first, PRESENT)
    assert first.read_text() == before
    assert "set source.url to other.csv" in str(other.advice(first, PRESENT))
