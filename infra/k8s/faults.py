"""Faults that the schemas of Kubernetes let pass and its API server refuses, or that only show when a pod starts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from infra.k8s.objects import Object, containers, name_of, of_kind, pod_templates, selects

_QUANTITY = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<unit>m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4}
_UNITS = {unit: Decimal(1000) ** power for unit, power in _POWERS.items()}
_UNITS |= {f"{unit.upper()}i": Decimal(1024) ** power for unit, power in _POWERS.items() if unit}
_UNITS |= {"m": Decimal("0.001")}
_PORT_NAME = re.compile(r"(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
_PORT_NAME_LENGTH = 15
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def faults(items: Sequence[Object]) -> list[str]:
    """A sentence for each fault: the object, what is wrong, what it must be.

    Args:
        items: all objects that are applied together.
    """
    return [fault for check in _CHECKS for fault in check(items)]


def quantity(text: object) -> Decimal | None:
    """The number that a quantity such as ``500m`` or ``1Gi`` stands for; None if it is no quantity."""
    found = _QUANTITY.fullmatch(str(text))
    return Decimal(found["number"]) * _UNITS[found["unit"] or ""] if found else None


def _selectors(items: Sequence[Object]) -> Iterator[str]:
    for item in of_kind(items, "Deployment"):
        if not selects(item["spec"]["selector"], item["spec"]["template"]["metadata"].get("labels", {})):
            yield f"{name_of(item)}: its selector does not choose its own pods; give both the same labels"
    pods = [template["metadata"].get("labels", {}) for _, template in pod_templates(items)]
    for item in items:
        selector = item.get("spec", {}).get("selector")
        wanted = {"matchLabels": selector} if item["kind"] == "Service" else selector
        if item["kind"] in ("Service", "PodDisruptionBudget") and not any(selects(wanted, labels) for labels in pods):
            yield f"{name_of(item)}: its selector chooses no pod of these manifests; take the labels of the pods"


def _resources(items: Sequence[Object]) -> Iterator[str]:
    for place, container, _ in containers(items):
        resources = container.get("resources", {})
        limits = resources.get("limits", {})
        for part in ("requests", "limits"):
            for name, value in resources.get(part, {}).items():
                if quantity(value) is None:
                    yield f"{place}: {part}.{name} is {value}, which is no quantity; write it like 500m or 1Gi"
        for name, value in resources.get("requests", {}).items():
            asked, most = quantity(value), quantity(limits.get(name))
            if asked is not None and most is not None and asked > most:
                yield f"{place}: requests {value} {name}, above its limit {limits[name]}; raise the limit"


def _volumes(items: Sequence[Object]) -> Iterator[str]:
    for place, template in pod_templates(items):
        names = [volume["name"] for volume in template["spec"].get("volumes", [])]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{place}: two volumes are called {name}; rename one"
    for place, container, spec in containers(items):
        known = {volume["name"] for volume in spec.get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            if mount["name"] not in known:
                yield f"{place}: mounts the volume {mount['name']}, which the pod does not have; add it to its volumes"
    claims = {item["metadata"]["name"] for item in of_kind(items, "PersistentVolumeClaim")}
    maps = {item["metadata"]["name"] for item in of_kind(items, "ConfigMap")}
    for place, template in pod_templates(items):
        for volume in template["spec"].get("volumes", []):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            config = volume.get("configMap", {}).get("name")
            if (claim and claim not in claims) or (config and config not in maps):
                yield f"{place}: the volume {volume['name']} takes {claim or config}, which is nowhere; add it"


def _ports(items: Sequence[Object]) -> Iterator[str]:
    for place, container, _ in containers(items):
        ports = container.get("ports", [])
        names = {port.get("name") for port in ports} | {port["containerPort"] for port in ports}
        for name in (port["name"] for port in ports if "name" in port):
            if len(name) > _PORT_NAME_LENGTH or not _PORT_NAME.fullmatch(name):
                yield f"{place}: {name} is no name of a port; take at most 15 small letters, digits and hyphens"
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(probe, {}).get("httpGet", {}).get("port")
            if port is not None and port not in names:
                yield f"{place}: its {probe} asks port {port}, which it does not have; take one of its ports"
    for item in of_kind(items, "Service"):
        yield from _targets(item, items)


def _targets(service: Object, items: Sequence[Object]) -> Iterator[str]:
    selector = {"matchLabels": service["spec"].get("selector", {})}
    chosen = [pod["spec"] for _, pod in pod_templates(items) if selects(selector, pod["metadata"].get("labels", {}))]
    ports = [port for spec in chosen for container in spec["containers"] for port in container.get("ports", [])]
    known = {port.get("name") for port in ports} | {port["containerPort"] for port in ports}
    for port in service["spec"]["ports"]:
        if (target := port.get("targetPort", port["port"])) not in known:
            yield f"{name_of(service)}: leads to port {target}, which its pods do not have; take one of their ports"


def _schedules(items: Sequence[Object]) -> Iterator[str]:
    for item in of_kind(items, "CronJob"):
        fields = item["spec"]["schedule"].split()
        in_range = [_is_in(field, *bounds) for field, bounds in zip(fields, _CRON_RANGES, strict=False)]
        if len(fields) != len(_CRON_RANGES) or not all(in_range):
            yield f"{name_of(item)}: {item['spec']['schedule']!r} is no schedule; write it like 0 6 * * *"


def _is_in(field: str, least: int, most: int) -> bool:
    """Whether a field of a schedule holds only numbers between ``least`` and ``most``."""
    for part in field.split(","):
        values, _, step = part.partition("/")
        if (step and not step.isdigit()) or step == "0":
            return False
        numbers = values.split("-") if values != "*" else []
        if not all(number.isdigit() and least <= int(number) <= most for number in numbers):
            return False
    return True


def _restarts(items: Sequence[Object]) -> Iterator[str]:
    for place, template in pod_templates(items):
        policy = template["spec"].get("restartPolicy", "Always")
        if place.startswith(("Job/", "CronJob/")) and policy not in ("Never", "OnFailure"):
            yield f"{place}: restartPolicy is {policy}; the pods of a job take Never or OnFailure"
        if place.startswith("Deployment/") and policy != "Always":
            yield f"{place}: restartPolicy is {policy}; the pods of a deployment take Always"


def _numbers(items: Sequence[Object]) -> Iterator[str]:
    for item in of_kind(items, "PodDisruptionBudget"):
        if len({"minAvailable", "maxUnavailable"} & item["spec"].keys()) != 1:
            yield f"{name_of(item)}: has both minAvailable and maxUnavailable, or none; give one of them"
    for item in of_kind(items, "HorizontalPodAutoscaler"):
        if item["spec"].get("minReplicas", 1) > item["spec"]["maxReplicas"]:
            yield f"{name_of(item)}: minReplicas is above maxReplicas; exchange them"
    for item in of_kind(items, "Deployment"):
        rolling = item["spec"].get("strategy", {}).get("rollingUpdate", {})
        if {str(rolling.get(key, 1)).rstrip("%") for key in ("maxUnavailable", "maxSurge")} == {"0"}:
            yield f"{name_of(item)}: maxUnavailable and maxSurge are both 0: no rollout can begin; raise one"


def _names(items: Sequence[Object]) -> Iterator[str]:
    names = [name_of(item) for item in items]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name}: is there twice; the second replaces the first"
    for place, container, _ in containers(items):
        variables = [variable["name"] for variable in container.get("env", [])]
        for variable in sorted({name for name in variables if variables.count(name) > 1}):
            yield f"{place}: sets {variable} twice; the second replaces the first"
    accounts = {item["metadata"]["name"] for item in of_kind(items, "ServiceAccount")}
    for place, template in pod_templates(items):
        if template["spec"].get("serviceAccountName") not in accounts:
            yield f"{place}: names no service account of these manifests; take one of them"


_CHECKS: tuple[Callable[[Sequence[Object]], Iterator[str]], ...] = (
    _selectors,
    _resources,
    _volumes,
    _ports,
    _schedules,
    _restarts,
    _numbers,
    _names,
)
