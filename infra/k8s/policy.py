"""What every pod of ours must keep: the restricted profile of Kubernetes, and rules of our own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from infra.k8s.objects import Object, containers, name_of, of_kind, pod_templates

_VERSION = re.compile(r".+(:(?!latest$)[\w][\w.-]*|@sha256:[0-9a-f]{64})")
_SECRET = re.compile(r"(URL|URI|SECRET|KEY|PASSWORD|TOKEN)$")
_ALLOWED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected"}
_ALLOWED_VOLUMES |= {"secret"}
# https://kubernetes.io/docs/concepts/security/pod-security-standards
_OF_HOST = ("hostNetwork", "hostPID", "hostIPC")


def breaches(items: Sequence[Object]) -> list[str]:
    """A sentence for each breach: the object, what it lacks.

    Args:
        items: all objects that are applied together.
    """
    return [*_pods(items), *_containers(items), *_jobs(items), *_around(items)]


def _pods(items: Sequence[Object]) -> Iterator[str]:
    for place, template in pod_templates(items):
        spec = template["spec"]
        context = spec.get("securityContext", {})
        wanted = {
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser above 0": context.get("runAsUser", 0) > 0,
            "seccompProfile RuntimeDefault": context.get("seccompProfile", {}).get("type") == "RuntimeDefault",
            "automountServiceAccountToken: false": spec.get("automountServiceAccountToken") is False,
            "enableServiceLinks: false": spec.get("enableServiceLinks") is False,
            "no namespace of the host": not any(spec.get(key) for key in _OF_HOST),
            "no volume of the host": all(set(volume) - {"name"} <= _ALLOWED_VOLUMES for volume in spec["volumes"]),
        }
        yield from (f"{place}: lacks {what}" for what, kept in wanted.items() if not kept)


def _containers(items: Sequence[Object]) -> Iterator[str]:
    for place, container, _ in containers(items):
        context, resources = container.get("securityContext", {}), container.get("resources", {})
        wanted = {
            "allowPrivilegeEscalation: false": context.get("allowPrivilegeEscalation") is False,
            "readOnlyRootFilesystem": context.get("readOnlyRootFilesystem") is True,
            "capabilities dropped": context.get("capabilities") == {"drop": ["ALL"]},
            "privileged unset": not context.get("privileged"),
            "an image with a version": bool(_VERSION.fullmatch(container["image"])),
            "requests and limits of cpu and memory": all(
                {"cpu", "memory"} <= resources.get(part, {}).keys() for part in ("requests", "limits")
            ),
            "secrets from files only": "envFrom" not in container
            and not any("valueFrom" in one or _SECRET.search(one["name"]) for one in container.get("env", [])),
            "the user of its pod": context.get("runAsNonRoot", True) and context.get("runAsUser", 1) > 0,
            "the seccompProfile of its pod": "seccompProfile" not in context,
            "ports of its own alone": not any("hostPort" in port for port in container.get("ports", [])),
        }
        yield from (f"{place}: lacks {what}" for what, kept in wanted.items() if not kept)
        if place.startswith("Deployment/"):
            probes = ("startupProbe", "livenessProbe", "readinessProbe")
            yield from (f"{place}: lacks a {probe}" for probe in probes if probe not in container)


def _jobs(items: Sequence[Object]) -> Iterator[str]:
    for item in of_kind(items, "CronJob"):
        spec = item["spec"]
        keys = ("timeZone", "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit")
        yield from (f"{name_of(item)}: lacks {key}" for key in keys if key not in spec)
        if spec.get("concurrencyPolicy") != "Forbid":
            yield f"{name_of(item)}: lacks concurrencyPolicy: Forbid"
        if "activeDeadlineSeconds" not in spec["jobTemplate"]["spec"]:
            yield f"{name_of(item)}: lacks activeDeadlineSeconds"


def _around(items: Sequence[Object]) -> Iterator[str]:
    policies = [item["spec"] for item in of_kind(items, "NetworkPolicy")]
    denied = {kind for spec in policies if spec["podSelector"] == {} for kind in spec["policyTypes"]}
    if denied != {"Ingress", "Egress"}:
        yield "NetworkPolicy: lacks one that denies all pods what no other policy allows, in both directions"
    ports = {port.get("port") for spec in policies for rule in spec.get("egress", []) for port in rule.get("ports", [])}
    if 53 not in ports:
        yield "NetworkPolicy: lacks one that allows DNS"
    if of_kind(items, "Secret"):
        yield "Secret: must not stand in a manifest; make it in the cluster"
    levels = [item["metadata"].get("labels", {}) for item in of_kind(items, "Namespace")]
    if not all(labels.get("pod-security.kubernetes.io/enforce") == "restricted" for labels in levels):
        yield "Namespace: lacks pod-security.kubernetes.io/enforce: restricted"
