"""Each script of the pipeline, run as the pipeline runs it; registry and cluster, not here, write down the calls."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.ci.model_gate import problems as gate_problems
from infra.ci.read_scan import problems
from tests.infra.tools import ROOT, run, tool
from tests.serving.process import Served

DIGEST = "sha256:" + "0123456789abcdef" * 4
CALLS = """#!/bin/sh
echo "$(basename "$0") $*" >> "$CALLS"
case "$*;" in *"$FAILS"*) [ -z "$FAILS" ] || exit 1 ;; esac
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file to which stand-ins write their calls; FAILS names the call that fails."""
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setenv("FAILS", "")
    return tmp_path / "calls"


def stand_in(file: Path, before: str = "") -> str:
    """A program that writes its calls down, after ``before``."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(CALLS.replace("\n", f"\n{before}\n", 1), encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def said(calls: Path) -> list[str]:
    return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []


def test_the_version_of_an_image_names_the_commit() -> None:
    assert re.fullmatch(r"version=\d+\.\d+\.\d+-0123456789ab\n", run("infra/ci/version.sh", "0123456789abcdef").stdout)


@pytest.mark.parametrize(("answer", "base"), [(DIGEST, f"docker.io/library/python@{DIGEST}"), ("", None)])
def test_the_base_is_named_by_the_digest_of_the_registry(answer: str, base: str | None, tmp_path: Path) -> None:
    (tmp_path / "skopeo").write_text(f"#!/bin/sh\necho {answer}\n")
    (tmp_path / "skopeo").chmod(0o755)
    done = run("infra/ci/resolve_base.sh", environ=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (done.returncode, done.stdout.strip()) == ((0, base) if base else (1, ""))


def test_both_images_are_built_on_a_base_with_a_digest_only(calls: Path, tmp_path: Path) -> None:
    environ = os.environ | {"DOCKER": stand_in(tmp_path / "docker")}
    refused = run("infra/ci/build.sh", "1.0", "abc", "python:3.11-slim", environ=environ)
    assert (refused.returncode, said(calls)) == (1, [])
    assert run("infra/ci/build.sh", "1.0", "abc", f"python@{DIGEST}", environ=environ).returncode == 0
    targets = [re.search(r"--target (\w+) --tag (\S+) .*BASE=(\S+)", call) for call in said(calls)]
    assert [found and found.groups() for found in targets] == [
        ("serving", "churn-prediction-api:1.0", f"python@{DIGEST}"),
        ("jobs", "churn-prediction-jobs:1.0", f"python@{DIGEST}"),
    ]
    assert all(" SERVING_LOCK=requirements-serving.txt " in call for call in said(calls))


def test_the_images_are_built_for_a_champion_of_trees_if_it_is_said(calls: Path, tmp_path: Path) -> None:
    environ = {"DOCKER": stand_in(tmp_path / "docker"), "SERVING_LOCK": "requirements-serving-trees.txt"}
    assert run("infra/ci/build.sh", "1.0", "abc", f"python@{DIGEST}", environ=os.environ | environ).returncode == 0
    assert all(" SERVING_LOCK=requirements-serving-trees.txt " in call for call in said(calls))


def library(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1", "vulns": []} | more


FOUND = {"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}
CANARY = {"dependencies": [library("jinja2", vulns=[FOUND])]}


def test_a_scan_that_finds_nothing_is_trusted_if_it_finds_what_is_known() -> None:
    assert problems(CANARY, {"lock": {"dependencies": [library("a")]}}, {"lock": 1}) == []


@pytest.mark.parametrize(
    ("canary", "libraries", "problem"),
    [
        ({"dependencies": [library("jinja2")]}, [library("a")], "it has looked nothing up"),
        (CANARY, [{"name": "a", "skip_reason": "not found"}], "a was not looked up"),
        (CANARY, [], "0 of 1 libraries"),
        (CANARY, [library("a", vulns=[FOUND])], "a 1: PYSEC-2019-217, fixed in 2.10.1"),
    ],
)
def test_a_scan_that_has_looked_nothing_up_or_found_something_fails(
    canary: dict[str, Any], libraries: list[dict[str, Any]], problem: str
) -> None:
    (found,) = problems(canary, {"lock": {"dependencies": libraries}}, {"lock": 1})
    assert problem in found


def test_a_scan_without_network_fails(tmp_path: Path) -> None:
    tool("pip-audit")
    environ = os.environ | {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = run("infra/ci/scan.sh", str(tmp_path / "scan"), environ=environ)
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr


def test_the_list_of_parts_holds_every_library_of_the_lock(tmp_path: Path) -> None:
    tool("cyclonedx-py")
    assert run("infra/ci/sbom.sh", str(tmp_path)).returncode == 0
    for name, lock in (("api", "requirements-serving.txt"), ("jobs", "requirements.txt")):
        parts = json.loads((tmp_path / f"churn-prediction-{name}.cdx.json").read_text())["components"]
        locked = re.findall(r"^([\w.-]+)(?:\[.*\])?==", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)
        assert {part["name"] for part in parts} == set(locked)


@pytest.mark.parametrize(
    ("auc", "log_loss", "aliases", "allowed"),
    [(0.79, 0.151, ["champion"], True), (0.74, 0.151, ["champion"], False), (0.79, 0.18, ["champion"], False),
     (0.79, 0.151, [], False), (float("nan"), 0.151, ["champion"], False)],
)  # fmt: skip
def test_the_gate_lets_a_champion_through_that_has_learnt_the_causes(
    auc: float, log_loss: float, aliases: list[str], allowed: bool
) -> None:
    listed = {"versions": [{"aliases": aliases, "auc": auc, "log_loss": log_loss}]}
    assert (gate_problems(listed) == []) is allowed


def test_the_daily_run_is_as_restricted_as_in_the_cluster(calls: Path, tmp_path: Path) -> None:
    assert (
        run(
            "infra/ci/daily_run.sh", "jobs:1", environ=os.environ | {"DOCKER": stand_in(tmp_path / "docker")}
        ).returncode
        == 0
    )
    runs = [call for call in said(calls) if call.startswith("docker run")]
    later = ("score", "mature", "monitor", "models review", "models list --json")
    expected = ["demo --no-serve", *(f"--config demo/config.yaml {words}" for words in later)]
    assert [call.partition("jobs:1 ")[2] for call in runs] == expected
    assert all("--read-only --cap-drop ALL --security-opt no-new-privileges" in call for call in runs)


def test_a_push_reads_the_password_from_standard_input_and_notes_the_digests(calls: Path, tmp_path: Path) -> None:
    docker = stand_in(tmp_path / "docker", f'case "$*" in *RepoDigests*) echo "${{5%:*}}@{DIGEST}" ;; esac')
    done = subprocess.run(
        ["infra/ci/push.sh", "ghcr.io/me/churn", "me", "1.0"], cwd=ROOT, input="secret", capture_output=True, text=True,
        env=os.environ | {"DOCKER": docker}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = ("churn-prediction-api", "churn-prediction-jobs")
    assert done.stdout.splitlines()[-2:] == [f"ghcr.io/me/churn/{name}@{DIGEST}" for name in names]
    assert said(calls)[0] == "docker login --username me --password-stdin ghcr.io"
    assert "secret" not in "".join(said(calls))


@pytest.fixture
def cluster(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A list of images with digests; kubectl stands in for all but Kustomize, and writes its calls down.

    REVISION is that of the deployment that is there already, MIGRATED how the job of the migration ended.
    """
    tools = tmp_path / "tools"
    asked = (
        'case "$*" in *"get deployment"*) printf "%s" "$REVISION" ;; *"get cronjob"*) printf old-jobs ;; '
        '*"get job"*) echo "$MIGRATED" ;; esac'
    )
    stand_in(tools / "kubectl", f'[ "$1" != kustomize ] || exec {tool("kubectl")} "$@"\n{asked}')
    monkeypatch.setenv("REVISION", "7")
    monkeypatch.setenv("MIGRATED", "SuccessCriteriaMet Complete")
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tools / "python").chmod(0o755)
    monkeypatch.setenv("TOOLS", str(tools))
    images = tmp_path / "images.txt"
    images.write_text("".join(f"ghcr.io/me/churn-prediction-{name}@{DIGEST}\n" for name in ("api", "jobs")))
    return images


@pytest.mark.parametrize(("place", "namespace"), [("staging", "churn-staging"), ("production", "churn")])
def test_a_deployment_migrates_before_it_rolls_out(place: str, namespace: str, cluster: Path, calls: Path) -> None:
    done = run("infra/ci/deploy.sh", place, str(cluster))
    assert done.returncode == 0, done.stderr
    words = [re.sub(r"--filename \S+|--timeout \S+|--output .*", "", call).split() for call in said(calls)]
    in_place = ["kubectl", "--namespace", namespace]
    assert [word[3:5] for word in words[:2]] == [["get", "deployment"], ["get", "cronjob"]]
    assert words[2] == [*in_place, "delete", "job", "churn-migrate", "--ignore-not-found"]
    assert words[3][:3] == ["kubectl", "apply", "--selector"]
    assert words[4] == [*in_place, "get", "job", "churn-migrate"]
    assert words[5:] == [["kubectl", "apply"], [*in_place, "rollout", "status", "deployment/churn-prediction-api"]]
    made = (ROOT / "build/deploy/manifests.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"image: (\S+)", made)) == set(cluster.read_text().split())


def test_a_migration_that_fails_ends_the_deployment_before_the_rollout(
    cluster: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATED", "FailureTarget Failed")
    done = run("infra/ci/deploy.sh", "staging", str(cluster))
    assert done.returncode == 1
    assert "The store in churn-staging was not migrated, and nothing was rolled out." in done.stderr
    assert said(calls)[-1] == "kubectl --namespace churn-staging logs job/churn-migrate --tail 50"
    assert not any("rollout" in call for call in said(calls))


def test_a_first_deployment_waits_for_no_model_and_takes_nothing_back(
    cluster: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISION", "")
    monkeypatch.setenv("FAILS", "rollout status")
    done = run("infra/ci/deploy.sh", "production", str(cluster))
    assert (done.returncode, done.stdout.splitlines()[-1][:34]) == (0, "The first deployment in churn: no ")
    assert not any("rollout" in call for call in said(calls))


UNDO = "kubectl --namespace churn-staging rollout undo deployment/churn-prediction-api"


@pytest.mark.parametrize("fails", ["rollout status", "apply --filename build/deploy/manifests.yaml;"])
def test_a_rollout_that_fails_goes_back_to_what_ran_when_it_began(
    fails: str, cluster: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILS", fails)
    assert run("infra/ci/deploy.sh", "staging", str(cluster)).returncode == 1
    assert f"{UNDO} --to-revision=7" in said(calls)
    image = "set image cronjob --selector app.kubernetes.io/part-of=churn-mlops *=old-jobs"
    assert f"kubectl --namespace churn-staging {image}" in said(calls)


def test_a_first_deployment_that_fails_goes_back_to_nothing_and_says_so(
    cluster: Path, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVISION", "")
    monkeypatch.setenv("FAILS", "apply --filename build/deploy/manifests.yaml;")
    done = run("infra/ci/deploy.sh", "staging", str(cluster))
    assert (done.returncode, "nothing ran in churn-staging before" in done.stderr) == (1, True)
    assert not any("undo" in call for call in said(calls))


def test_a_roll_back_in_a_new_folder_goes_to_the_revision_before(cluster: Path, calls: Path) -> None:
    shutil.rmtree(ROOT / "build/before/staging", ignore_errors=True)
    assert run("infra/ci/roll_back.sh", "staging").returncode == 0
    assert said(calls)[0] == UNDO
    assert not any("set image" in call for call in said(calls))


def test_an_image_without_a_digest_is_not_deployed(cluster: Path, calls: Path) -> None:
    cluster.write_text("ghcr.io/me/churn-prediction-api:latest\n")
    done = run("infra/ci/deploy.sh", "staging", str(cluster))
    assert (done.returncode, said(calls)) == (1, [])
    assert "names no digest of churn-prediction-api" in done.stderr


def test_the_smoke_test_is_passed_by_a_server_and_by_nothing_else(served: Served, tmp_path: Path) -> None:
    key, wrong, request = tmp_path / "key", tmp_path / "wrong", tmp_path / "readme.json"
    shown = re.search(r"-d '(\{.*?\})'", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    request.write_text(shown[1])
    key.write_text(served.key + "\n")
    wrong.write_text("churn_" + "0" * 64)
    with served.process(tmp_path / "log") as (_, address):
        passed = run("infra/ci/smoke.sh", address, str(key), str(request))
        assert (passed.returncode, passed.stdout.split("\n")[:3]) == (0, ["ready", "predicts", "shows the console"])
        assert run("infra/ci/smoke.sh", address, str(wrong)).returncode != 0
        assert run("infra/ci/smoke.sh", address + "/nowhere", str(key)).returncode != 0
        other = tmp_path / "request.json"
        other.write_text('{"seats": 3}')
        refused = run("infra/ci/smoke.sh", address, str(key), str(other))
        assert refused.returncode == 1
        assert f"No prediction for {other}: does it hold a request of your columns?" in refused.stderr
        assert "seats" in refused.stderr
