"""The commands on the pages that need root, an engine of containers or a cluster: what they name is there."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from infra.k8s.objects import Object
from tests.infra.deployed import check_command, compose
from tests.infra.test_units import UNITS
from tests.infra.tools import ROOT

FENCE = re.compile(r"^(?P<indent> *)```sh\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
PAGES = ("docs/deploy.md", "docs/backup.md")
TEXT = "".join(
    found["text"] for page in PAGES for found in FENCE.finditer((ROOT / page).read_text(encoding="utf-8"))
).replace("\\\n", " ")
# A command of ours begins a line, or follows what brings it into a container.
OURS = re.compile(r"(?:^ *churn|-- churn|scheduler churn|churn-prediction-jobs:\S+) ([^|;<\n]+)", re.MULTILINE)


@pytest.mark.parametrize("words", OURS.findall(TEXT))
def test_every_command_of_the_pages_is_one_of_the_program(words: str) -> None:
    check_command(shlex.split(words))


def test_every_kind_of_command_is_found() -> None:
    found = {words.split()[0] for words in OURS.findall(TEXT)}
    assert found >= {"init", "store", "train", "score", "people", "doctor", "backup", "restore", "--config"}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"(?<![\w/])infra/[\w./]+\w", TEXT))))
def test_every_file_that_a_command_names_is_there(name: str) -> None:
    if name.startswith("infra/compose/secrets/"):
        return  # made by the command before
    assert (ROOT / name).exists()
    assert Path(name).suffix != ".sh" or os.access(ROOT / name, os.X_OK)


def test_every_object_that_a_command_names_is_in_the_cluster_or_made_before(plain: list[Object]) -> None:
    there = {f"{item['kind'].lower()}/{item['metadata']['name']}" for item in plain}
    made = {f"job/{name}" for name in re.findall(r"create job (\S+)", TEXT)}
    named = set(re.findall(r"\b(?:cronjob|job|deployment)/[\w-]+", TEXT))
    assert len(named) > 4
    assert named - there - made == set()


def test_every_unit_and_service_that_a_command_names_is_there() -> None:
    units = {unit.name for unit in UNITS}
    named = [word for words in re.findall(r"systemctl (?:enable --now|restart) (.+)", TEXT) for word in words.split()]
    assert {word if "." in word else f"{word}.service" for word in named} == units - {
        "churn-retrain.service",
        "churn-backup.service",
    }
    assert set(re.findall(r"exec .*?(\w+) churn", TEXT)) <= set(compose()["services"])
