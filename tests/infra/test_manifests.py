"""The manifests are those of the base, valid for three versions of Kubernetes, and keep the policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops import __version__
from infra.k8s.check import main
from infra.k8s.faults import faults
from infra.k8s.objects import Object, containers, of_kind, read
from infra.k8s.policy import breaches
from tests.infra.conftest import PLAIN, rendered
from tests.infra.tools import ROOT, run, tool

KUSTOMIZED = ("base", "overlays/staging", "overlays/production")
VERSIONS = ("1.33.0", "1.35.0", "1.37.0")


def test_the_plain_manifests_are_those_of_the_base() -> None:
    note, _, made = PLAIN.read_text(encoding="utf-8").partition("\n")
    assert note.startswith("# Made from base/")
    assert made == rendered("base"), "run `make manifests`"


@pytest.mark.parametrize("folder", KUSTOMIZED)
def test_no_manifest_has_a_finding(folder: str) -> None:
    items = read(rendered(folder))
    assert len(items) > 20
    assert [*faults(items), *breaches(items)] == []


@pytest.mark.parametrize(
    ("version", "folder"),
    [*((version, "base") for version in VERSIONS), *((VERSIONS[-1], folder) for folder in KUSTOMIZED[1:])],
)
def test_the_manifests_keep_the_strict_schema(version: str, folder: str, tmp_path: Path) -> None:
    file = tmp_path / "manifests.yaml"
    file.write_text(rendered(folder), encoding="utf-8")
    done = run(tool("kubernetes-validate"), "--strict", "-k", version, str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count(" passed ") == len(read(file.read_text(encoding="utf-8")))


def test_the_schema_finds_a_misspelt_key(tmp_path: Path) -> None:
    file = tmp_path / "misspelt.yaml"
    file.write_text(PLAIN.read_text(encoding="utf-8").replace("minReadySeconds", "minReadySecond"), encoding="utf-8")
    assert run(tool("kubernetes-validate"), "--strict", "-k", VERSIONS[0], str(file)).returncode != 0


def test_the_version_of_the_images_stands_in_one_place(plain: list[Object]) -> None:
    images = {container["image"] for _, container, _ in containers(plain)}
    assert images == {f"churn-prediction-api:{__version__}", f"churn-prediction-jobs:{__version__}"}
    places = [path.name for path in (ROOT / "infra/k8s").rglob("*.yaml") if f" {__version__}\n" in path.read_text()]
    assert places == ["kustomization.yaml"]


def test_three_replicas_answer_and_one_at_a_time_may_be_taken_away(plain: list[Object]) -> None:
    (api,), (budget,) = of_kind(plain, "Deployment"), of_kind(plain, "PodDisruptionBudget")
    (scaler,) = of_kind(plain, "HorizontalPodAutoscaler")
    assert api["metadata"]["name"] == "churn-prediction-api"
    assert api["spec"]["replicas"] == scaler["spec"]["minReplicas"] == 3
    assert api["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert budget["spec"]["maxUnavailable"] == 1


def test_production_sends_the_list_if_the_job_has_a_webhook_and_staging_never() -> None:
    """`churn score --send` refuses to score without a webhook, so that a list is not thought to be sent."""
    sent, webhook = {}, False
    for folder in KUSTOMIZED[1:]:
        (score,) = [item for item in read(rendered(folder)) if item["metadata"]["name"] == "churn-score"]
        (container,) = score["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        webhook = any(one["name"].startswith("CHURN__WEBHOOK__URL") for one in container["env"])
        sent[folder] = container["args"]
    assert sent == {"overlays/staging": ["score"], "overlays/production": ["score", "--send"] if webhook else ["score"]}


def test_the_check_fails_on_a_finding_and_on_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, faulty = tmp_path / "empty.yaml", tmp_path / "faulty.yaml"
    empty.write_text("")
    faulty.write_text(PLAIN.read_text(encoding="utf-8").replace("maxReplicas: 9", "maxReplicas: 2"), encoding="utf-8")
    assert main([str(PLAIN)]) == 0
    assert main([str(empty)]) == main([str(faulty)]) == main([]) == 1
    assert "minReplicas is above maxReplicas" in capsys.readouterr().err
