"""Each fault that is planted into the manifests is found, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra.k8s.faults import faults, quantity
from infra.k8s.objects import Object
from infra.k8s.policy import breaches

Change = Callable[[dict[str, Any]], object]
CONTAINER = "spec.template.spec.containers.0"
JOB = "spec.jobTemplate.spec.template.spec"


def at(item: Object, path: str) -> Any:
    """What lies in ``item`` at a path such as ``spec.ports.0``."""
    found: Any = item
    for key in path.split(".") if path else []:
        found = found[int(key)] if key.isdigit() else found[key]
    return found


def planted(items: list[Object], kind: str, name: str, path: str, change: Change) -> list[Object]:
    (item,) = [one for one in items if one["kind"] == kind and one["metadata"]["name"] == name]
    change(at(item, path))
    return items


API, SCORE, MIGRATE = ("Deployment", "churn-prediction-api"), ("CronJob", "churn-score"), ("Job", "churn-migrate")
BUDGET = ("PodDisruptionBudget", "churn-prediction-api")
SCALER = ("HorizontalPodAutoscaler", "churn-prediction-api")
SERVICE = ("Service", "churn-prediction-api")

FAULTS: dict[str, tuple[tuple[str, str], str, Change, str]] = {
    "selector and labels differ": (
        API, "spec.template.metadata.labels", lambda at: at.update({"app.kubernetes.io/component": "web"}),
        "its selector does not choose its own pods",
    ),
    "a service that chooses no pod": (
        SERVICE, "spec.selector", lambda at: at.update({"app.kubernetes.io/component": "web"}), "chooses no pod",
    ),
    "a request above its limit": (
        API, f"{CONTAINER}.resources.requests", lambda at: at.update(memory="2Gi"), "above its limit",
    ),
    "a quantity that is none": (
        API, f"{CONTAINER}.resources.limits", lambda at: at.update(memory="1gb"), "no quantity",
    ),
    "a missing volume": (
        API, f"{CONTAINER}.volumeMounts.0", lambda at: at.update(name="setting"), "which the pod does not have",
    ),
    "a missing claim": (
        ("CronJob", "churn-backup"), f"{JOB}.volumes", lambda at: at[-1]["persistentVolumeClaim"].update(claimName="b"),
        "which is nowhere",
    ),
    "the name of a port too long": (
        API, f"{CONTAINER}.ports.0", lambda at: at.update(name="http-of-the-server"), "is no name of a port",
    ),
    "a probe of a port that is not there": (
        API, f"{CONTAINER}.livenessProbe.httpGet", lambda at: at.update(port="web"), "its livenessProbe asks port web",
    ),
    "a service that leads to no port": (
        SERVICE, "spec.ports.0", lambda at: at.update(targetPort=9000), "leads to port 9000",
    ),
    "minute 61": (SCORE, "spec", lambda at: at.update(schedule="61 6 * * *"), "is no schedule"),
    "a schedule of six fields": (SCORE, "spec", lambda at: at.update(schedule="0 0 6 * * *"), "is no schedule"),
    "a job that restarts always": (
        SCORE, JOB, lambda at: at.update(restartPolicy="Always"), "take Never or OnFailure",
    ),
    "a job without a restart policy": (MIGRATE, "spec.template.spec", lambda at: at.pop("restartPolicy"), "is Always"),
    "a budget with min and max": (BUDGET, "spec", lambda at: at.update(minAvailable=1), "both minAvailable and"),
    "an autoscaler upside down": (SCALER, "spec", lambda at: at.update(minReplicas=10), "minReplicas is above"),
    "a rollout that cannot begin": (
        API, "spec.strategy.rollingUpdate", lambda at: at.update(maxSurge="0%"), "no rollout can begin",
    ),
    "a variable that is set twice": (API, f"{CONTAINER}.env", lambda at: at.append(dict(at[0])), "twice"),
    "an unknown service account": (SCORE, JOB, lambda at: at.update(serviceAccountName="x"), "no service account"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str, plain: list[Object]) -> None:
    (kind, name), path, change, expected = FAULTS[fault]
    found = faults(planted(plain, kind, name, path, change))
    assert found, fault
    assert all(expected in one or name in one for one in found)
    assert any(expected in one for one in found), found


@pytest.mark.parametrize("kind", ["CronJob", "Deployment", "Service", "ServiceAccount"])
def test_an_object_that_is_there_twice_is_found(kind: str, plain: list[Object]) -> None:
    (first, *_) = [item for item in plain if item["kind"] == kind]
    assert any("is there twice" in one for one in faults([*plain, first]))


BREACHES: dict[str, tuple[tuple[str, str], str, Change]] = {
    "runAsNonRoot": (API, "spec.template.spec.securityContext", lambda at: at.pop("runAsNonRoot")),
    "runAsUser above 0": (API, "spec.template.spec.securityContext", lambda at: at.update(runAsUser=0)),
    "seccompProfile": (SCORE, f"{JOB}.securityContext", lambda at: at.update(seccompProfile={"type": "Unconfined"})),
    "automountServiceAccountToken": (SCORE, JOB, lambda at: at.pop("automountServiceAccountToken")),
    "enableServiceLinks": (API, "spec.template.spec", lambda at: at.update(enableServiceLinks=True)),
    "no namespace of the host": (API, "spec.template.spec", lambda at: at.update(hostPID=True)),
    "no volume of the host": (
        API,
        "spec.template.spec.volumes",
        lambda at: at.append({"name": "host", "hostPath": {"path": "/"}}),
    ),
    "allowPrivilegeEscalation": (API, f"{CONTAINER}.securityContext", lambda at: at.pop("allowPrivilegeEscalation")),
    "readOnlyRootFilesystem": (API, f"{CONTAINER}.securityContext", lambda at: at.pop("readOnlyRootFilesystem")),
    "capabilities dropped": (API, f"{CONTAINER}.securityContext.capabilities", lambda at: at.update(add=["NET_ADMIN"])),
    "privileged unset": (API, f"{CONTAINER}.securityContext", lambda at: at.update(privileged=True)),
    "an image with a version": (API, CONTAINER, lambda at: at.update(image="churn-prediction-api:latest")),
    "requests and limits": (API, f"{CONTAINER}.resources", lambda at: at.pop("limits")),
    "secrets from files only": (
        API,
        f"{CONTAINER}.env",
        lambda at: at.append({"name": "CHURN__STORE__URL", "valueFrom": {"secretKeyRef": {}}}),
    ),
    "secrets from files": (
        API,
        f"{CONTAINER}.env",
        lambda at: at.append({"name": "CHURN__STORE__URL", "value": "postgresql://churn:password@db/churn"}),
    ),
    "the user of its pod": (API, f"{CONTAINER}.securityContext", lambda at: at.update(runAsUser=0)),
    "the seccompProfile of its pod": (
        API,
        f"{CONTAINER}.securityContext",
        lambda at: at.update(seccompProfile={"type": "Unconfined"}),
    ),
    "ports of its own alone": (API, f"{CONTAINER}.ports.0", lambda at: at.update(hostPort=80)),
    "a readinessProbe": (API, CONTAINER, lambda at: at.pop("readinessProbe")),
    "timeZone": (SCORE, "spec", lambda at: at.pop("timeZone")),
    "concurrencyPolicy: Forbid": (SCORE, "spec", lambda at: at.update(concurrencyPolicy="Allow")),
    "activeDeadlineSeconds": (SCORE, "spec.jobTemplate.spec", lambda at: at.pop("activeDeadlineSeconds")),
    "one that denies all pods": (("NetworkPolicy", "deny-all"), "spec", lambda at: at.update(policyTypes=["Egress"])),
    "one that allows DNS": (("NetworkPolicy", "dns"), "spec", lambda at: at.update(egress=[])),
    "enforce: restricted": (("Namespace", "churn"), "metadata", lambda at: at.pop("labels")),
}


@pytest.mark.parametrize("lack", BREACHES)
def test_a_breach_of_the_policy_is_found(lack: str, plain: list[Object]) -> None:
    (kind, name), path, change = BREACHES[lack]
    (found,) = breaches(planted(plain, kind, name, path, change))
    assert lack in found


def test_a_secret_in_a_manifest_is_found(plain: list[Object]) -> None:
    (found,) = breaches([*plain, {"kind": "Secret", "metadata": {"name": "churn-api"}}])
    assert "must not stand in a manifest" in found


@pytest.mark.parametrize(("text", "number"), [("500m", 0.5), ("2", 2), ("1Gi", 2**30), ("1.5k", 1500), ("1gb", None)])
def test_a_quantity_is_a_number_with_a_unit(text: str, number: float | None) -> None:
    found = quantity(text)
    assert (found and float(found)) == number
