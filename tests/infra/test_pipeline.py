"""The pipeline is pinned, has the least rights and no secret in a command, and deploys once at a time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.infra.tools import BIN, ROOT, run, tool

SOURCE, PLACE = "infra/ci/github-actions-mlops-pipeline.yml", ".github/workflows/mlops-pipeline.yml"
TEXT = (ROOT / SOURCE).read_text(encoding="utf-8")
SCRIPTS = sorted(path for path in (ROOT / "infra").rglob("*.sh"))


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    return dict(YAML(typ="safe", pure=True).load(TEXT)["jobs"])


def test_the_workflow_is_the_file_of_infra() -> None:
    assert (ROOT / PLACE).read_text(encoding="utf-8") == TEXT


def test_the_linter_of_workflows_has_no_finding() -> None:
    done = run(tool("actionlint"), "-shellcheck", str(BIN / "shellcheck"), PLACE)
    assert done.returncode == 0, done.stdout


def test_the_linter_of_their_security_has_no_finding_and_none_is_silenced() -> None:
    done = run(tool("zizmor"), "--offline", "--pedantic", "--no-progress", PLACE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr
    assert "zizmor: ignore" not in TEXT


def test_no_script_has_a_finding() -> None:
    assert len(SCRIPTS) > 12
    done = run(tool("shellcheck"), "--external-sources", *map(str, SCRIPTS))
    assert done.returncode == 0, done.stdout
    assert [path.name for path in SCRIPTS if "shellcheck disable" in path.read_text(encoding="utf-8")] == []


def test_the_yaml_of_a_deployment_has_no_finding() -> None:
    done = run(
        tool("yamllint"), "--config-file", "infra/yamllint.yaml", "--strict", "infra", ".github", "docker-compose.yml"
    )
    assert done.returncode == 0, done.stdout


def test_every_action_is_one_of_github_itself_and_pinned_by_its_commit() -> None:
    actions = re.findall(r"uses: (.*)", TEXT)
    assert actions
    assert [one for one in actions if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", one)] == []


def test_only_the_job_that_publishes_may_write_and_sign(jobs: dict[str, Any]) -> None:
    assert "\npermissions: {}\n" in TEXT
    more = {name: job["permissions"] for name, job in jobs.items() if job["permissions"] != {"contents": "read"}}
    assert more == {"publish": {"contents": "read", "packages": "write", "id-token": "write"}}


def test_a_secret_reaches_a_command_by_its_environment_alone(jobs: dict[str, Any]) -> None:
    for job in jobs.values():
        assert "secrets." not in str(job.get("env", ""))
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), step
            assert "secrets." not in str(step.get("with", ""))
    assert set(re.findall(r"secrets\.(\w+)", TEXT)) == {"GITHUB_TOKEN", "KUBECONFIG", "SMOKE_KEY"}


def test_nothing_is_published_from_a_pull_request(jobs: dict[str, Any]) -> None:
    assert "refs/heads/main" in jobs["publish"]["if"]
    assert "pull_request_target" not in TEXT
    assert [jobs[name]["needs"] for name in ("publish", "staging", "production")] == ["build", "publish", "staging"]


@pytest.mark.parametrize("place", ["staging", "production"])
def test_two_pushes_never_deploy_at_the_same_time_and_a_failed_smoke_test_rolls_back(
    place: str, jobs: dict[str, Any]
) -> None:
    job = jobs[place]
    assert job["environment"] == place  # its reviewers approve
    assert job["concurrency"] == {"group": f"deploy-{place}", "cancel-in-progress": False}
    runs = [step.get("run", "") for step in job["steps"]]
    deployed, asked, back = (
        next(number for number, text in enumerate(runs) if script in text)
        for script in (f"deploy.sh {place}", "smoke.sh", f"roll_back.sh {place}")
    )
    assert deployed < asked < back
    assert job["steps"][back]["if"] == "failure() && steps.smoke.outcome == 'failure'"
    assert job["steps"][asked]["id"] == "smoke"


def test_the_pipeline_runs_every_script_of_its_folder_and_no_other() -> None:
    named = set(re.findall(r"infra/ci/([\w.-]+\.(?:sh|py))", TEXT))
    called = {name for name in SCRIPTS if name.parent.name == "ci"}
    within = set().union(
        *(re.findall(r"infra/ci/([\w.-]+\.(?:sh|py))", path.read_text(encoding="utf-8")) for path in called)
    )
    there = {path.name for path in (ROOT / "infra/ci").iterdir() if path.suffix in (".sh", ".py")}
    assert named <= there
    assert named | within == there


def test_all_versions_of_python_are_tested(jobs: dict[str, Any]) -> None:
    assert jobs["test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
