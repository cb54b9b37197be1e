"""What the Deployment says: the command, the environment, the mounts, the probes and the end of a pod."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.k8s.objects import of_kind, read
from tests.infra.tools import ROOT

FILE = ROOT / "infra/k8s/k8s-manifests.yaml"
NAME = "churn-prediction-api"


@dataclass(frozen=True)
class Probe:
    """A probe by HTTP.

    Args:
        path: asked for.
        period: seconds between two probes.
        timeout: seconds for an answer.
        failures: so many in a row count.
    """

    path: str
    period: float
    timeout: float
    failures: int

    @classmethod
    def of(cls, probe: dict[str, Any]) -> Probe:
        """The probe of a manifest."""
        return cls(
            probe["httpGet"]["path"],
            float(probe.get("periodSeconds", 10)),
            float(probe.get("timeoutSeconds", 1)),
            int(probe.get("failureThreshold", 3)),
        )


@dataclass(frozen=True)
class Deployment:
    """The parts of the Deployment that a pod is run by.

    Args:
        replicas: how many pods there are.
        surge: how many more there may be during a rollout.
        unavailable: how many may be missing.
        ready_seconds: a pod counts as available so long after it is ready.
        words: of the command, after ``churn``.
        port: that the container listens on.
        environ: its variables.
        mounts: kind and name of what is mounted, by path.
        readiness: whether it gets requests.
        liveness: whether it is started again.
        pre_stop: the command that runs before SIGTERM.
        grace: seconds from the deletion to SIGKILL.
        settings: text of the settings file.
    """

    replicas: int
    surge: int
    unavailable: int
    ready_seconds: float
    words: list[str]
    port: int
    environ: dict[str, str]
    mounts: dict[str, str]
    readiness: Probe
    liveness: Probe
    pre_stop: list[str]
    grace: float
    settings: dict[str, str]


def deployment(file: Path = FILE) -> Deployment:
    """The Deployment of the server in ``file``."""
    items = read(file.read_text(encoding="utf-8"))
    (found,) = [one for one in of_kind(items, "Deployment") if one["metadata"]["name"] == NAME]
    spec = found["spec"]
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    kinds = {volume["name"]: next(key for key in volume if key != "name") for volume in pod["volumes"]}
    config = {one["metadata"]["name"]: one["data"] for one in of_kind(items, "ConfigMap")}
    (named,) = [volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume]
    rolling = spec["strategy"]["rollingUpdate"]
    return Deployment(
        replicas=spec["replicas"],
        surge=rolling["maxSurge"],
        unavailable=rolling["maxUnavailable"],
        ready_seconds=float(spec["minReadySeconds"]),
        words=[str(word) for word in container["args"]],
        port=container["ports"][0]["containerPort"],
        environ={one["name"]: one["value"] for one in container["env"]},
        mounts={one["mountPath"]: kinds[one["name"]] for one in container["volumeMounts"]},
        readiness=Probe.of(container["readinessProbe"]),
        liveness=Probe.of(container["livenessProbe"]),
        pre_stop=container["lifecycle"]["preStop"]["exec"]["command"],
        grace=float(pod["terminationGracePeriodSeconds"]),
        settings=config[named],
    )
