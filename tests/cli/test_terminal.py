"""What all commands print."""

from __future__ import annotations

import pytest

from churn_mlops.cli.terminal import NAME_WIDTH, in_lines


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("campaign_descriptions", ["campaign_", "descriptions"]),
        ("smartphone_notifications_viewed", ["smartphone_", "notifications_", "viewed"]),
        ("Purchase Date", ["Purchase Date"]),
        ("customer_id", ["customer_id"]),
        ("verylongnamewithoutanywords", ["verylongnamewithoutanywords"]),
        ("", [""]),
    ],
)
def test_a_long_name_is_broken_between_its_words_alone(name: str, lines: list[str]) -> None:
    assert in_lines(name).split("\n") == lines
    assert all(len(line.rstrip("_")) <= NAME_WIDTH for line in lines[:-1])
