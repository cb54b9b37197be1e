"""What all commands print."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from churn_mlops.cli.terminal import (
    NAME_WIDTH,
    PATIENCE,
    complain,
    in_lines,
    print_json,
    remark,
    say,
    table,
    visible_id,
    waiting,
)
from churn_mlops.data.findings import Problem
from churn_mlops.visible_text import visible

HOSTILE = "C1\x1b[2J\x9b31m\r\u202eevil\u2066\u200b\U000e0041\ud800é"
ESCAPED = r"C1\x1b[2J\x9b31m\r\u202eevil\u2066\u200b\U000e0041\ud800é"


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


def test_nothing_that_commands_the_terminal_or_turns_text_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    say(HOSTILE)
    remark("ok", HOSTILE)
    complain(HOSTILE)
    table(None, ["customer"], [[HOSTILE]])
    printed = capsys.readouterr()
    assert (printed.out + printed.err).replace("\n", "").count(ESCAPED) == 4
    print_json({"customer": HOSTILE})
    document = capsys.readouterr().out
    assert json.loads(document) == {"customer": HOSTILE}
    assert {sign for sign in printed.out + printed.err + document if not sign.isprintable()} == {"\n"}


def test_a_customer_id_stays_on_its_line_and_plain_text_as_it_is() -> None:
    assert visible_id("C1\nError: all is lost") == r"C1\nError: all is lost"
    assert visible("é 客 مرحبا C:\\x\nnext") == "é 客 مرحبا C:\\x\nnext"
    problem = Problem("warning", "tenure", "below_min", 1, (("C1\n\u202e", "-1"),), "correct it")
    assert str(problem) == r"warning: tenure: below min: 1 row (first: C1\n\u202e, '-1'); correct it"


@pytest.mark.parametrize(("lasts", "terminal", "shown"), [(3.0, True, True), (1.0, True, False), (3.0, False, False)])
def test_long_work_shows_on_a_terminal_that_it_goes_on(lasts: float, terminal: bool, shown: bool) -> None:
    assert 1.0 < PATIENCE < 3.0
    written, now = io.StringIO(), [0.0]
    with waiting("Reading the data", Console(file=written, force_terminal=terminal), lambda: now[0]):
        now[0] = lasts
    assert ("Reading the data" in written.getvalue()) is shown
