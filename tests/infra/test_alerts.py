"""Each alert fires for its cause and for nothing else, by Prometheus's own test of rules, and has its runbook."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from churn_mlops.cli.main import app
from tests.infra.tools import ROOT

RULES = ROOT / "infra/monitoring/alerts.yml"
RUNBOOKS = ROOT / "docs/runbooks"
yaml = YAML(typ="safe", pure=True)
GROUPS: list[dict[str, Any]] = yaml.load(RULES.read_text(encoding="utf-8"))["groups"]
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"] if "alert" in rule
}
REQUESTS = 'churn_requests_total{route="/predict",status="%s"}'
OLD = "0x4400"  # since 1970, where the clock of these tests starts
LIVE, CHAMPION = 'churn_model_live{version="3"}', 'churn_model_promoted_timestamp_seconds{version="%s"}'
NOW = "0+60x%d"
READ = 'churn_store_read_timestamp_seconds{instance="%s"}'
FAILURES = 'churn_job_failures{instance="%s",job_name="%s"}'
ENDED = 'churn_job_ended_timestamp_seconds{instance="a",job_name="%s"}'
Series = dict[str, str]


def lost(value: str, low: str) -> Series:
    return {
        'churn_money_lost_per_month{labels="final"}': value,
        'churn_money_lost_per_month_low{labels="final"}': low,
        'churn_first_list_gain_per_month{labels="final"}': "1000x10",
    }


# name: minutes until it is asked, series for which it fires, series for which it does not.
CASES: dict[str, tuple[int, Series, Sequence[Series]]] = {
    "RequestsFail": (
        100,
        {REQUESTS % 200: "0+100x120", REQUESTS % 500: "0+5x120"},
        [
            {REQUESTS % 200: "0+1x120", REQUESTS % 500: "0x90 1x30"},  # one failure at night, of 60 requests an hour
            {REQUESTS % 200: "0+10000x120", REQUESTS % 503: "0+5x120"},  # half of what is allowed
            {REQUESTS % 200: "0+100x120", REQUESTS % 422: "0+50x120"},  # faults of clients
            {REQUESTS % 200: "0+100x120", 'churn_requests_total{route="/ready",status="503"}': "0+50x120"},
            {REQUESTS % 200: "0+100x120", REQUESTS % 500: "0+5x30 150x90"},  # it is over
        ],
    ),
    "RequestsFailSlowly": (
        1500,
        {REQUESTS % 200: "0+1000x1600", REQUESTS % 500: "0+4x1600"},
        [{REQUESTS % 200: "0+10000x1600", REQUESTS % 500: "0+5x1600"}],
    ),
    "ServerGone": (10, {'up{job="api",instance="a"}': "1x5 0x10"}, [{'up{job="api",instance="a"}': "1x20"}]),
    "NoModel": (
        10,
        {'up{job="api",instance="a"}': "1x20", 'churn_model_live{version="3"}': "1x5 0x15"},
        [
            {'up{job="api",instance="a"}': "1x20", 'churn_model_live{version="3"}': "1x20"},
            {'up{job="api",instance="a"}': "0x20"},  # another alert says so
        ],
    ),
    "StoreUnavailable": (
        10,
        {'churn_store_read_timestamp_seconds{instance="a"}': "0x20"},
        [
            {
                'churn_store_read_timestamp_seconds{instance="a"}': "0x20",
                'churn_store_read_timestamp_seconds{instance="b"}': "0+60x20",
            },
            {'up{job="api",instance="a"}': "_x7 1x20"},  # it has just started
            {'up{job="api",instance="a"}': "0x20"},  # another alert says so
        ],
    ),
    "StoreEmpty": (
        10,
        {"churn_store_read_timestamp_seconds": "0+60x20"},
        [
            {
                "churn_store_read_timestamp_seconds": "0+60x20",
                'churn_run_published_timestamp_seconds{instance="a"}': "0x20",
            },
            {"churn_store_read_timestamp_seconds": "_x7 0+60x20"},  # the list of a new store is on its way
            {'up{job="api",instance="a"}': "0x20"},
        ],
    ),
    "PredictionsNotLogged": (
        15,
        {"churn_answers_dropped_total": "0x10 5x10"},
        [{"churn_answers_dropped_total": "5x20"}],
    ),
    "ChampionRefused": (
        15,
        {'churn_champion_refused_total{reason="slow"}': "0x10 1x10"},
        [
            {'churn_champion_refused_total{reason="slow"}': "1x20", LIVE: "1x20"},  # no store says another version
            {
                'churn_champion_refused_total{reason="slow"}': "1x20",
                LIVE: "1x20",
                CHAMPION % 3: "1x20",
            },  # promoted later
            {
                'churn_champion_refused_total{reason="slow"}': "0x20",
                LIVE: "1x20",
                CHAMPION % 4: "1x20",
            },  # it will be read
        ],
    ),
    "ChampionChanged": (
        61,
        {
            CHAMPION % 3: "0x10 _x60",
            CHAMPION % 4: "_x10 600x60",
            LIVE: "1x12 0x60",
            'churn_model_live{version="4"}': "_x12 1x60",
        },
        [
            {CHAMPION % 3: "0x70", LIVE: "1x70"},
            {'up{job="api",instance="a"}': "1x70"},  # it went live more than an hour ago; no store
            {CHAMPION % 3: "0x10 _x60", CHAMPION % 4: "_x10 600x60", LIVE: "1x70"},  # every server refuses it
            {CHAMPION % 3: "864000x70", LIVE: "1x70"},  # of a clock that was ahead
        ],
    ),
    "WorkerMissing": (
        40,
        {"churn_workers": "1x50", "churn_workers_wanted": "2x50"},  # also where it never was there
        [
            {"churn_workers": "2x50", "churn_workers_wanted": "2x50"},
            {"churn_workers": "2x37 1x2 2x20", "churn_workers_wanted": "2x60"},  # another took its place
            {"churn_workers": "2x30 1x20", "churn_workers_wanted": "2x30 1x20"},  # fewer are wanted
        ],
    ),
    "ScheduleGone": (12, {'up{job="scheduler"}': "1x5 0x10"}, [{'up{job="scheduler"}': "1x20"}]),
    "ListMissing": (
        26 * 60 + 5,
        {"churn_run_published_timestamp_seconds": OLD},
        [{"churn_run_published_timestamp_seconds": "0x1439 86400x200"}],
    ),
    "ListNotSent": (
        20,
        {READ % "a": NOW % 30, FAILURES % ("a", "send"): "1x30", ENDED % "send": "0x30"},
        [
            {READ % "a": NOW % 30, FAILURES % ("a", "send"): "1x10 0x20", ENDED % "send": "0x30"},
            {READ % "a": NOW % 30, FAILURES % ("a", "score"): "1x30", ENDED % "score": "0x30"},
            {READ % "a": NOW % 30, FAILURES % ("a", "send"): "1x30", ENDED % "send": "-94000x30"},  # sent no more
            {
                READ % "a": "-600x30",
                READ % "b": NOW % 30,
                FAILURES % ("a", "send"): "1x30",
                FAILURES % ("b", "send"): "0x30",
            },
        ],
    ),
    "JobFails": (
        70,
        {READ % "a": NOW % 100, FAILURES % ("a", "monitor"): "1x100", ENDED % "monitor": "0x100"},
        [
            {READ % "a": NOW % 100, FAILURES % ("a", "monitor"): "1x50 0x50", ENDED % "monitor": "0x100"},
            {READ % "a": NOW % 100, FAILURES % ("a", "send"): "1x100", ENDED % "send": "0x100"},
            {READ % "a": NOW % 100, FAILURES % ("a", "train"): "1x100", ENDED % "train": "-700000x100"},  # given up
            {
                READ % "a": "-600x100",
                READ % "b": NOW % 100,
                FAILURES % ("a", "score"): "1x100",
                FAILURES % ("b", "score"): "0x100",
            },
        ],
    ),
    "SourceStale": (
        4 * 1440 + 5,
        {"churn_source_newest_row_timestamp_seconds": "0x5800"},
        [{"churn_source_newest_row_timestamp_seconds": "0x1440 86400x4400"}],
    ),
    "BackupMissing": (
        26 * 60 + 5,
        {'churn_job_succeeded_timestamp_seconds{job_name="backup"}': OLD},
        [{'churn_job_succeeded_timestamp_seconds{job_name="score"}': OLD}],
    ),
    "FiguresOld": (
        3 * 1440 + 5,
        {"churn_measured_timestamp_seconds": OLD},
        [{"churn_measured_timestamp_seconds": "0x2879 172800x2000"}],
    ),
    "MoneyLost": (
        5,
        lost("300x10", "140x10"),
        [
            lost("300x10", "-20x10"),  # it may be chance
            lost("300x10", "120x10"),  # of so many weeks, chance alone makes one look like this
            lost("40x10", "20x10"),  # less than 5 %
            {name.replace("final", "expected"): of for name, of in lost("300x10", "140x10").items()},
        ],
    ),
    "Watchdog": (5, {}, []),
}


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not there: `make test` installs it as root (prometheus, prometheus-alertmanager)")
    return found


def rules_of(alert: str) -> list[dict[str, Any]]:
    """The groups with this alert alone, and the records that it asks for: promtool works out each rule every minute."""
    read = set(re.findall(r"churn:[\w:]+", ALERTS[alert]["expr"]))
    kept = [
        group | {"rules": [rule for rule in group["rules"] if rule.get("alert") == alert or rule.get("record") in read]}
        for group in GROUPS
    ]
    assert read <= {rule.get("record") for group in kept for rule in group["rules"]}
    return [group for group in kept if group["rules"]]


def is_firing(alert: str, minutes: int, series: Series, folder: Path, *, fires: bool) -> str:
    """What promtool says against it; empty if it is so."""
    asked = {
        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
        "eval_time": f"{minutes}m",
        "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
    }
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [asked]}
    rules, file = folder / "rules.yml", folder / "test.yml"
    rules.write_text(json.dumps({"groups": rules_of(alert)}))  # JSON is YAML
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_for_its_cause_and_for_nothing_else(alert: str, tmp_path: Path) -> None:
    minutes, cause, others = CASES[alert]
    assert is_firing(alert, minutes, cause, tmp_path, fires=True) == ""
    for series in others:
        assert is_firing(alert, minutes, series, tmp_path, fires=False) == "", series


def test_servers_that_are_no_targets_any_more_are_gone(tmp_path: Path) -> None:
    assert is_firing("ServerGone", 20, {'up{job="api",instance="a"}': "1x5 _x20"}, tmp_path, fires=True) == ""


def test_a_list_that_a_clock_dated_ahead_is_missing(tmp_path: Path) -> None:
    ahead = {"churn_run_published_timestamp_seconds": "260000x20"}
    assert is_firing("ListMissing", 10, ahead, tmp_path, fires=True) == ""
    assert is_firing("ListMissing", 15, ahead, tmp_path, fires=False) == ""


def test_a_champion_that_a_server_refused_at_its_start_is_told_for_as_long_as_it_is_so(tmp_path: Path) -> None:
    series = {'churn_champion_refused_total{reason="broken"}': "1x200", LIVE: "1x200", CHAMPION % 4: "1x200"}
    assert is_firing("ChampionRefused", 150, series, tmp_path, fires=True) == ""


def test_prometheus_and_alertmanager_take_the_files() -> None:
    for command in (
        ("promtool", "check", "rules", "--lint-fatal", RULES),
        ("amtool", "check-config", ROOT / "infra/compose/alertmanager.yml"),
    ):
        done = subprocess.run(
            [program(command[0]), *map(str, command[1:])], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_alert_says_who_acts_what_it_costs_and_where_its_page_is() -> None:
    listed = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    pages = set()
    for name, alert in ALERTS.items():
        assert alert["labels"]["severity"] in {"page", "ticket", "note", "watch"}
        assert alert["labels"]["owner"] in {"service", "jobs"}
        assert set(alert["annotations"]) == {"summary", "runbook", "cost"}
        page = ROOT / alert["annotations"]["runbook"]
        pages.add(page)
        text = page.read_text(encoding="utf-8")
        assert re.search(rf"^# .*\b{name}\b", text)
        assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == ["Meaning", "Cost", "See it", "Fix it"]
        assert f"[{name}]({page.name})" in listed
    assert pages == {*RUNBOOKS.glob("*.md")} - {RUNBOOKS / "README.md"}


def test_every_command_within_a_sentence_is_one_of_the_program() -> None:
    """Those of a block are run by the test of the pages."""
    text = "".join(page.read_text(encoding="utf-8") for page in RUNBOOKS.glob("*.md"))
    commands = [shlex.split(found)[1:] for found in re.findall(r"`(churn [^`]+)`", " ".join(text.split()))]
    assert len(commands) > 8
    for words in commands:
        command: Any = typer.main.get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert not hasattr(command, "commands"), words
        assert {word for word in words if word.startswith("--")} <= known, words
