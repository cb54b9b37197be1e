"""Every process of ours that the files of a deployment start: its command, its environment, its mounts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml import YAML

from churn_mlops.cli.main import app
from infra.k8s.objects import containers, read
from tests.infra.tools import ROOT

IMAGE = re.compile(r"churn-prediction-(api|jobs):")


@dataclass(frozen=True)
class Process:
    """One process that is started.

    Args:
        place: the file, and the name in it.
        words: what follows ``churn``.
        environ: its variables.
        mounts: the paths at which something is mounted.
        secrets: the files below ``/run/secrets`` that are mounted; None where the file does not say.
    """

    place: str
    words: list[str]
    environ: dict[str, str] = field(default_factory=dict)
    mounts: list[str] = field(default_factory=list)
    secrets: set[str] | None = None

    @property
    def command(self) -> str:
        """The words without the settings file."""
        return " ".join(self.words).removeprefix("--config demo/config.yaml ")


def compose(file: str = "docker-compose.yml") -> dict[str, Any]:
    """The parsed docker-compose.yml, or another file of compose."""
    return dict(YAML(typ="safe", pure=True).load((ROOT / file).read_text(encoding="utf-8")))


def own_customers() -> dict[str, dict[str, Any]]:
    """The services that ``own.yml`` changes, as compose merges them: lists and variables grow, words are replaced."""
    merged = {}
    for name, change in compose("infra/compose/own.yml")["services"].items():
        service = dict(compose()["services"][name])
        for key, value in change.items():
            grows = key in ("secrets", "volumes")
            service[key] = service[key] + value if grows else service[key] | value if key == "environment" else value
        merged[name] = service
    return merged


def processes() -> list[Process]:
    """All of them."""
    return [
        *_in_the_cluster(),
        *_in_compose("docker-compose.yml", compose()["services"]),
        *_in_compose("infra/compose/own.yml", own_customers()),
        *_on_the_machine(),
    ]


def _in_the_cluster() -> Iterator[Process]:
    file = "infra/k8s/k8s-manifests.yaml"
    for place, container, spec in containers(read((ROOT / file).read_text(encoding="utf-8"))):
        items = [one["secret"].get("items") for one in spec["volumes"] if "secret" in one]
        chosen = {item["path"] for item in items[0]} if items and items[0] else None
        yield Process(
            f"{file}: {place}",
            [str(word) for word in container["args"]],
            {one["name"]: one["value"] for one in container["env"]},
            [one["mountPath"] for one in container["volumeMounts"]],
            chosen and {f"churn/{name}" for name in chosen},
        )


def _in_compose(file: str, services: dict[str, dict[str, Any]]) -> Iterator[Process]:
    for name, service in services.items():
        if not IMAGE.match(service["image"]) or service.get("entrypoint") == ["mlflow"]:
            continue
        mounts = [one.split(":")[1] for one in service.get("volumes", [])] + [
            one.split(":")[0] for one in service.get("tmpfs", [])
        ]
        environ = {key: str(value) for key, value in service["environment"].items()}
        place, given = f"{file}: {name}", set(service.get("secrets", []))
        scripts = [word for word in service.get("entrypoint", []) if word.endswith(".sh")]
        commands = [_of_script(script) for script in scripts] or [[service["command"]]]
        for words in commands[0]:
            yield Process(place, [str(word) for word in words], environ, mounts, given)


def _of_script(mounted: str) -> list[list[str]]:
    """The commands of a script of ``infra/compose``, which is mounted under its name."""
    text = (ROOT / "infra/compose" / Path(mounted).name).read_text(encoding="utf-8")
    found = re.findall(r"^\s*(?:if ! )?churn ([^|<;\n]+)", text, re.MULTILINE)
    assert found, mounted
    return [shlex.split(words) for words in found]


def _on_the_machine() -> Iterator[Process]:
    for file in sorted((ROOT / "infra/systemd").glob("*.service")):
        text = file.read_text(encoding="utf-8")
        environ = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
        if "\nEnvironmentFile=/etc/churn/environment\n" in text:
            shared = (file.parent / "churn.env").read_text(encoding="utf-8")
            environ |= dict(re.findall(r"^(?:# )?(CHURN__\w+)=(.*)$", shared, re.MULTILINE))
        for words in re.findall(r"^ExecStart\w*=\S*/churn (.*)$", text, re.MULTILINE):
            yield Process(f"infra/systemd/{file.name}", shlex.split(words), environ)


def check_command(given: Sequence[str]) -> None:
    """Raise unless the program takes ``given``, the words after ``churn``; nothing is run."""
    command: Any = typer.main.get_command(app)
    context, words = None, list(given)
    while hasattr(command, "resolve_command"):
        context = command.make_context("churn", words, parent=context)
        _, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None
    assert context is not None
    command.make_context(command.name, words, parent=context)
