"""The objects of Kubernetes manifests, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ruamel.yaml import YAML

Object = dict[str, Any]


def read(text: str) -> list[Object]:
    """The objects of a file of manifests, in its order."""
    return [dict(item) for item in YAML(typ="safe", pure=True).load_all(text) if item]


def name_of(item: Object) -> str:
    """Kind and name, such as ``Deployment/churn-prediction-api``."""
    return f"{item['kind']}/{item['metadata']['name']}"


def of_kind(items: Iterable[Object], kind: str) -> list[Object]:
    """The objects of one kind."""
    return [item for item in items if item["kind"] == kind]


def pod_templates(items: Iterable[Object]) -> Iterator[tuple[str, Object]]:
    """Name of each object that makes pods, and what it makes them from: their metadata and their spec."""
    for item in items:
        spec = item.get("spec", {})
        if item["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if isinstance(spec, dict) and "template" in spec:
            yield name_of(item), spec["template"]


def containers(items: Iterable[Object]) -> Iterator[tuple[str, Object, Object]]:
    """Place, container and pod spec of every container."""
    for place, template in pod_templates(items):
        spec = template["spec"]
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            yield f"{place}: {container['name']}", container, spec


def selects(selector: Object, labels: Object) -> bool:
    """Whether a selector of ``matchLabels`` chooses an object with ``labels``."""
    wanted = selector.get("matchLabels", {})
    return bool(wanted) and wanted.items() <= labels.items()
