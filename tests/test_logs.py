"""Logs: one line an event, on standard error, in one shape, without a customer's values."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import structlog

from churn_mlops.logs import _catch_the_rest, _Lines, configure, info_lines


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, lines = list(root.handlers), root.level, (_Lines.threshold, _Lines.as_json)
    yield
    root.handlers, root.level = handlers, level
    _Lines.threshold, _Lines.as_json = lines
    _Lines.json_only = False
    _catch_the_rest(False)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_an_event_is_one_json_line_on_standard_error(capsys):
    configure("info", "json")
    structlog.get_logger().info("model published", version="3", rows=10)
    (event,) = lines(capsys)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "model published", "level": "info", "version": "3", "rows": 10}


def test_a_quote_or_a_line_break_keeps_the_line_whole(capsys):
    configure("info", "json")
    structlog.get_logger().info('say "yes"\nand\tno', text='{"a": 1}\n')
    (event,) = lines(capsys)
    assert (event["event"], event["text"]) == ('say "yes"\nand\tno', '{"a": 1}\n')


def test_events_below_the_level_are_not_shown(capsys):
    configure("warning", "json")
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert [event["event"] for event in lines(capsys)] == ["loud"]


def test_a_library_speaks_in_the_same_shape(capsys):
    configure("info", "json")
    logging.getLogger("some.library").warning("disk %s is full", "a")
    (event,) = lines(capsys)
    assert (event["event"], event["level"]) == ("disk a is full", "warning")


def test_a_library_explains_itself_only_when_debugging(capsys):
    configure("info", "json")
    logging.getLogger("some.library").info("chatter")
    assert lines(capsys) == []
    configure("debug", "json")
    logging.getLogger("some.library").info("chatter")
    assert [event["event"] for event in lines(capsys)] == ["chatter"]


def test_configuring_twice_says_everything_once(capsys):
    configure("info", "json")
    configure("info", "json")
    structlog.get_logger().info("ours")
    logging.getLogger("some.library").warning("theirs")
    assert [event["event"] for event in lines(capsys)] == ["ours", "theirs"]


def test_auto_is_json_where_no_terminal_is(capsys):
    configure("info", "auto")
    structlog.get_logger().info("ready")
    assert lines(capsys)[0]["event"] == "ready"


def test_text_holds_nothing_that_commands_the_terminal(capsys):
    configure("info", "text")
    structlog.get_logger().info("request_answered", caller="proxy:\x1b[2J\u202eanna\x9b")
    assert r"proxy:\x1b[2J\u202eanna\x9b" in capsys.readouterr().err


def test_text_is_for_people(capsys):
    configure("info", "text")
    structlog.get_logger().info("ready", port=8000)
    err = capsys.readouterr().err
    assert "ready" in err
    assert "port=8000" in err
    assert "\x1b" not in err


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    "holder",
    [{"tenure": 4711}, [4711], (4711,), np.array([4711]), ValueError(4711), b"4711"],
    ids=lambda holder: type(holder).__name__,
)
def test_whatever_holds_values_is_written_as_its_type(capsys, form, holder):
    configure("info", form)
    structlog.get_logger().info("scored", row=holder)
    err = capsys.readouterr().err
    assert "4711" not in err
    assert f"<{type(holder).__name__}>" in err


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_local_variables(capsys, form):
    def fail() -> None:
        charges = "4711.50"
        raise RuntimeError(f"a row of {len(charges)} characters")

    configure("info", form)
    try:
        fail()
    except RuntimeError:
        structlog.get_logger().exception("scoring failed")
        logging.getLogger("some.library").exception("theirs failed")
    err = capsys.readouterr().err
    assert err.count("RuntimeError") >= 2
    assert "4711.50" not in err.replace('charges = "4711.50"', "")


def test_plain_values_of_other_libraries_stay_values(capsys):
    configure("info", "json")
    structlog.get_logger().info(
        "done",
        rows=np.int64(3),
        share=np.float64(0.5),
        odd=float("nan"),
        none=None,
        yes=True,
        day=date(2026, 1, 2),
        file=Path("list.csv"),
    )
    (event,) = lines(capsys)
    del event["timestamp"], event["event"], event["level"]
    assert event == {
        "rows": 3,
        "share": 0.5,
        "odd": "nan",
        "none": None,
        "yes": True,
        "day": "2026-01-02",
        "file": "list.csv",
    }


LINES = [
    {"route": "/predict", "status": 200, "ms": 0.123, "request_id": "a1"},
    {"route": '},{"', "caller": '"},{"'},
    {"route": "},{", "caller": "proxy:},{", "route},{": "},{", "last": '},{"route":'},  # ends where a quote follows
    {"route": "\u00fc\ud800", "status": 1},
]


def test_many_lines_together_are_those_that_a_logger_writes(capsys):
    configure("info", "json")
    info_lines("request", [])
    for line in LINES:
        structlog.get_logger().info("request", **line)
    one_by_one = [list(line.items()) for line in lines(capsys)]
    info_lines("request", LINES)
    together = [list(line.items()) for line in lines(capsys)]
    assert [line[:-1] for line in together] == [line[:-1] for line in one_by_one]
    assert all(
        quick[-1][0] == slow[-1][0] == "timestamp" and len(quick[-1][1]) == len(slow[-1][1])
        for quick, slow in zip(together, one_by_one, strict=True)
    )


def test_many_lines_together_keep_to_the_level_and_to_the_form_for_people(capsys):
    configure("warning", "json")
    info_lines("request", LINES)
    configure("info", "text")
    info_lines("request", LINES[:1])
    (line,) = capsys.readouterr().err.splitlines()
    assert "request" in line
    assert "status=200" in line


def test_a_log_without_a_reader_stops_nothing(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    configure("info", "json")
    with os.fdopen(write, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        for _ in range(2):
            structlog.get_logger().info("no one hears this")
            logging.getLogger("some.library").warning("nor this")
            info_lines("request", LINES)
        monkeypatch.undo()
        with suppress(OSError):
            broken.close()
