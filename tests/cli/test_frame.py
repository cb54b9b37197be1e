"""Rules of every command: its help, its exit code, its errors, its page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from churn_mlops import __version__
from churn_mlops.cli.main import app
from churn_mlops.models.registry import versions
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.training import fit as job
from tests.cli.conftest import Churn
from tests.companies.small import Company

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMAND = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in (group or get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield (*words, name)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example_of_itself(churn: Churn, words: tuple[str, ...]) -> None:
    result = churn(*words, "--help")
    assert result.code == 0
    assert f"Example: churn {' '.join(words)}" in result.out


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_command_has_its_place_on_the_page(words: tuple[str, ...]) -> None:
    assert f"## churn {' '.join(words)}\n" in PAGE.read_text(encoding="utf-8")


def test_the_page_names_every_option_that_a_command_has_not_in_vain(churn: Churn) -> None:
    page = PAGE.read_text(encoding="utf-8")
    helps = " ".join(churn(*words, "--help").out for words in commands()) + churn("--help").out
    named = {word.strip("`,.;:|()[]") for word in page.split() if word.lstrip("`(").startswith("--")}
    assert {option for option in named if option not in helps} == set()


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_option_stands_beside_its_command_on_the_page(words: tuple[str, ...]) -> None:
    head, *sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    (section,) = (text for text in sections if text.startswith(f"churn {' '.join(words)}\n"))
    command = get_command(app)
    for word in words:
        command = command.commands[word]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    untold = [
        option.opts
        for option in options
        if not any(name in head + section for name in option.opts + option.secondary_opts)
    ]
    assert untold == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["train", "--nonsense"],
        ["init"],
        ["models", "promote", "1"],
        ["models", "promote", "one", "--reason", "x"],
        ["demo", "--customers", "3"],
        ["score", "--out", "list.txt"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_says_why(churn: Churn, arguments: list[str]) -> None:
    result = churn(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert "Error" in result.err


def test_without_a_command_the_commands_are_listed(churn: Churn) -> None:
    result = churn()
    assert "validate" in result.out + result.err
    assert result.code == 2


def test_the_version_is_printed(churn: Churn) -> None:
    result = churn("--version")
    assert (result.code, result.out) == (0, f"churn-mlops {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validate"], "config/contract.yaml"),
        (["score"], "no model is live in models: train one with `churn train`"),
        (["serve", "--port", "0"], "no model is live in models"),
        (["init", "--from", "none.csv"], "none.csv"),
        (["--config", "none.yaml", "train"], "there is no settings file none.yaml"),
    ],
    ids=["validate", "score", "serve", "init", "config"],
)
def test_what_fails_ends_with_1_and_a_sentence(
    churn: Churn, arguments: list[str], message: str, tmp_path: Path
) -> None:
    result = churn(*arguments)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("Error: ")
    assert message in result.err
    assert list(tmp_path.iterdir()) == []


def test_a_job_in_the_image_that_only_serves_says_where_it_runs(churn: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyrage", None)
    result = churn("backup", "--new-key", "backup.key")
    assert (result.code, result.out) == (1, "")
    assert "this installation lacks `pyrage`" in result.err
    assert "churn-prediction-jobs" in result.err


def test_a_part_of_the_program_that_is_missing_is_no_installation_that_serves(
    churn: Churn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "churn_mlops.pipelines.backup.encryption", raising=False)
    monkeypatch.setitem(sys.modules, "churn_mlops.pipelines.backup.encryption", None)
    with pytest.raises(ModuleNotFoundError):
        churn("backup", "--new-key", "backup.key")


def test_no_command_is_listed_twice() -> None:
    names = [command.name for command in app.registered_commands]
    assert sorted(set(names)) == sorted(names)


def test_an_unknown_setting_is_named_with_the_nearest(churn: Churn, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("settings.yaml").write_text("trainning: {seed: 1}\nserving: {prot: 1}\n")
    result = churn("--config", "settings.yaml", "validate")
    assert result.code == 1
    assert "trainning" in result.err
    assert "serving.port" in result.err
    monkeypatch.setenv("CHURN__SERVING__PROT", "1")
    result = churn("validate")
    assert result.code == 1
    assert "CHURN__SERVING__PROT" in result.err


def test_ctrl_c_while_training_stops_and_leaves_nothing(
    churn: Churn, untrained: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = job.fit_bundle

    def interrupted(*arguments: Any, **named: Any) -> Any:
        named["progress"] = lambda done, total: os.kill(os.getpid(), signal.SIGINT)
        return fit(*arguments, **named)

    monkeypatch.setattr(job, "fit_bundle", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    try:
        result = churn("--config", untrained.config(), "train")
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.code == 130
    assert result.err.strip().endswith("Error: stopped")
    assert result.out == ""
    assert not untrained.live.exists()
    assert versions(tracking(untrained.settings)) == ()


def test_a_reader_that_has_seen_enough_is_no_error(company: Company, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--config", str(company.config()), "score"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process, process.stderr as errors:
        assert errors.read() == b""
    assert process.returncode == 0


def test_a_process_ends_with_the_code_and_json_alone_on_standard_output(company: Company, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("customer_id,tenure\n1,-3\n")
    ended = subprocess.run(
        [*COMMAND, "--config", str(company.config()), "validate", "--from", str(bad), "--json"],
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == b""
    assert json.loads(ended.stdout)["stop"] is True
