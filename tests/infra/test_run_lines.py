"""Every `run:` of the pipeline, as it stands there, by the shell that it names; the outside world is a stand-in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.infra.test_pipeline_steps import CALLS, DIGEST
from tests.infra.tools import BIN, ROOT, tool
from tests.serving.process import Served

WORKFLOW = YAML(typ="safe", pure=True).load((ROOT / ".github/workflows/mlops-pipeline.yml").read_text(encoding="utf-8"))
NOT_HERE = {
    "make check": "runs beside these tests",
    "make test PYTHON=python3": "is these tests",
    "sudo apt-get": "changes the machine",
    "make .venv/infra/.done": "has made the tools of these tests",
    "infra/ci/scan.sh": "needs the database of vulnerabilities; that it fails without is a test of its own",
    "infra/ci/roll_back.sh": "runs after a failed smoke test only; it is a test of its own",
}
"""The beginning of each line that is not run, and the reason."""
DOCKER = f"""case "$1" in
  save) printf 'both images' ;;
  load) cat > loaded ;;
  login) cat > password ;;
  run) case "$*" in *"models list --json") cat models.json ;; esac ;;
  image) echo "${{5%:*}}@{DIGEST}" ;;
esac"""
KUBECTL = """[ "$1" != kustomize ] || exec REAL "$@"
case "$*" in *"get deployment"*) printf 7 ;; *"get job"*) echo Complete ;; esac"""
MODELS = '{"versions": [{"aliases": ["champion"], "auc": 0.8, "log_loss": 0.15}]}'


@dataclass
class Runner:
    """A machine that runs one job after the other, each in a folder of its own.

    Args:
        folder: holds the folders, and the artifacts that jobs hand on.
        server: the address that the smoke tests ask.
        key: that they ask with.
    """

    folder: Path
    server: str
    key: str
    outputs: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def job(self, name: str) -> None:
        """Run the steps of a job, in their order."""
        job = WORKFLOW["jobs"][name]
        place = self.folder / name
        ignored = shutil.ignore_patterns("__pycache__", "secrets")
        for part in ("infra", "src"):
            shutil.copytree(ROOT / part, place / part, ignore=ignored)
        for file in (*ROOT.glob("requirements*.txt"), ROOT / "pyproject.toml", ROOT / "Dockerfile", ROOT / "README.md"):
            shutil.copy(file, place)
        (place / "models.json").write_text(MODELS)
        for step in job["steps"]:
            if "artifact" in step.get("uses", ""):
                self._hand_on(step, place)
            elif "run" in step and not step["run"].startswith(tuple(NOT_HERE)):
                self._run(step, place, job.get("env", {}))

    def _hand_on(self, step: dict[str, Any], place: Path) -> None:
        kept = self.folder / "artifacts" / step["with"]["name"]
        if "download" in step["uses"]:
            shutil.copytree(kept, place / step["with"]["path"], dirs_exist_ok=True)
            return
        for path in step["with"]["path"].split():
            target = kept / Path(path).relative_to("build")
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (place / path).is_dir() else shutil.copy)(place / path, target)

    def _run(self, step: dict[str, Any], place: Path, of_job: dict[str, str]) -> None:
        output = self.folder / "output"
        output.write_text("")
        environ = os.environ | {
            name: self._resolved(value, place) for name, value in (of_job | step.get("env", {})).items()
        }
        environ |= {
            "GITHUB_SHA": "0123456789abcdef0123",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": "Me/churn",
            "GITHUB_ACTOR": "me",
            "PATH": f"{self.folder / 'tools'}:{os.environ['PATH']}",
            "TOOLS": str(self.folder / "tools"),
            "CALLS": str(self.folder / "calls"),
            "FAILS": "",
        }
        # https://docs.github.com/actions/reference/workflow-syntax: what `shell: bash` stands for.
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        done = subprocess.run(shell, cwd=place, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (step["run"], done.stdout, done.stderr)
        self.outputs |= dict(line.split("=", 1) for line in output.read_text().splitlines())
        self.ran.append(step["run"])

    def _resolved(self, value: str, place: Path) -> str:
        def found(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.endswith("outputs.version"):
                return self.outputs["version"]
            known = {"github.workspace": str(place), "vars.CHURN_URL": self.server, "secrets.SMOKE_KEY": self.key}
            return known.get(name, f"the value of {name}")

        return re.sub(r"\$\{\{(.*?)\}\}", found, value)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """The programs of the pipeline; those that reach the outside world are stand-ins, which write their calls down."""
    for needed in ("kubectl", "cyclonedx-py", "python"):
        tool(needed)
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not there: install it (on Debian: apt-get install zstd)")
    folder = tmp_path / "tools"
    folder.mkdir()
    programs = {name: f'#!/bin/sh\nexec {BIN / name} "$@"\n' for name in ("cyclonedx-py", "python")}
    stand_ins = {
        "docker": DOCKER,
        "kubectl": KUBECTL.replace("REAL", str(BIN / "kubectl")),
        "skopeo": f"echo {DIGEST}",
        "sigstore": 'case "$1" in sign) touch "$3" ;; verify) test -e build/images.txt.sigstore.json ;; esac',
    }
    programs |= {name: CALLS.replace("\n", f"\n{answers}\n", 1) for name, answers in stand_ins.items()}
    for name, text in programs.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def test_a_failure_within_a_line_ends_the_step() -> None:
    assert WORKFLOW["defaults"] == {"run": {"shell": "bash"}}  # without it, the first half of a pipe may fail unseen
    assert not any("shell" in step for job in WORKFLOW["jobs"].values() for step in job["steps"])


def test_from_the_build_to_production_every_line_runs_as_it_stands(served: Served, tools: Path, tmp_path: Path) -> None:
    with served.process(tmp_path / "log") as (_, address):
        runner = Runner(tmp_path, address, served.key)
        for name in WORKFLOW["jobs"]:
            runner.job(name)
    lines = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
    assert runner.ran == [line for line in lines if not line.startswith(tuple(NOT_HERE))]
    assert all(any(line.startswith(left) for line in lines) for left in NOT_HERE)
    assert runner.outputs["version"].endswith("-0123456789ab")
    publish, calls = tmp_path / "publish", (tmp_path / "calls").read_text(encoding="utf-8")
    assert (publish / "loaded").read_text() == "both images"
    assert (publish / "password").read_text() == "the value of secrets.GITHUB_TOKEN"
    assert (publish / "build/images.txt").read_text().split() == [
        f"ghcr.io/me/churn/churn-prediction-{name}@{DIGEST}" for name in ("api", "jobs")
    ]
    assert calls.count("sigstore verify github --repository Me/churn --sha 0123456789abcdef0123") == 2
    assert f"docker save churn-prediction-api:{runner.outputs['version']}" in calls
    assert "secrets." not in calls
    assert not list(tmp_path.glob("kubeconfig*"))  # removed at the end
