from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench.outages.replicas import clock_library
from tests.companies.small import Company, settings_in
from tests.infra.alerts.observed import Observed
from tests.infra.alerts.program import Program
from tests.made_once import made_once

Observe = Callable[..., Observed]


@pytest.fixture(scope="package")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    if clock_library() is None:
        pytest.skip("there is no libfaketime: `make test` installs it")
    made = Program(tmp_path_factory.mktemp("program"))
    yield made
    made.close()


@pytest.fixture
def observe(program: Program) -> Iterator[Observe]:
    """Observes the company of a folder, whose clock is some days ahead; its server is stopped at the end."""
    made: list[Observed] = []

    def begin(folder: Path, starts_at: datetime | None = None) -> Observed:
        made.append(Observed(program, folder, (starts_at or days_later()).timestamp()))
        return made[-1]

    yield begin
    for one in made:
        one.stop()


@pytest.fixture(scope="package")
def listed(company: Company, program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with a live model in its store and its list of today, to be copied; today is some days ahead."""

    def make(folder: Path) -> None:
        shutil.copytree(company.folder, folder, ignore=shutil.ignore_patterns("artifacts"), dirs_exist_ok=True)
        write_config(folder)
        Observed(program, folder, days_later().timestamp()).churn("churn score")

    return made_once(tmp_path_factory, "listed", make)


@pytest.fixture
def observed(listed: Path, tmp_path: Path, observe: Observe) -> Observed:
    """A company with a live model in its store and its list of today, observed from now on."""
    folder = tmp_path / "company"
    shutil.copytree(listed, folder)
    write_config(folder)
    return observe(folder)


def write_config(folder: Path) -> None:
    """Name the places in the folder."""
    Company(folder, settings_in(folder)).config()


def days_later() -> datetime:
    """So late that no version is news any more."""
    return datetime.now(UTC) + timedelta(days=5)
