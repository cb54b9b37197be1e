"""The public surface is as it was recorded; ``record.py`` says how to record an intended change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Churn, churn
from tests.surface import record as records
from tests.surface import settings, story
from tests.surface.commands import commands

__all__ = ["churn"]


@pytest.mark.parametrize("name", records.RECORDS)
def test_an_interface_is_as_it_was_recorded(name: str, tmp_path: Path) -> None:
    records.check(name, records.RECORDS[name](tmp_path))


def test_a_day_with_the_command_is_as_it_was_recorded(tmp_path: Path, record: Path) -> None:
    records.check("story", story.described(tmp_path, record))


def test_a_changed_interface_is_reported_line_by_line() -> None:
    changed = settings.described()
    changed["serving.port"]["default"] = 8001
    with pytest.raises(AssertionError) as caught:
        records.check("settings", changed)
    lines = str(caught.value).splitlines()
    assert [line for line in lines[2:] if line.startswith(("-", "+")) or line == records.ADVICE] == [
        '-  "default": 8000,',
        '+  "default": 8001,',
        records.ADVICE,
    ]


def test_every_setting_has_its_variable() -> None:
    assert [key for key, setting in settings.described().items() if setting["environment"] is None] == []


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_help_ends_with_0_and_an_unknown_option_with_2(churn: Churn, words: tuple[str, ...]) -> None:
    assert churn(*words, "--help").code == 0
    assert churn(*words, "--no-such-option").code == 2


@pytest.mark.parametrize(
    "words",
    [
        "init --from nowhere.csv", "validate", "train", "report", "score", "mature", "models rollback --reason none",
        "keys revoke 1", "people disable nobody", "serve", "doctor", "status",
    ],
)  # fmt: skip
def test_a_command_that_cannot_do_its_work_ends_with_1(churn: Churn, words: str) -> None:
    assert churn(*words.split()).code == 1
