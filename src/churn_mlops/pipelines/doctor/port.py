"""The port: whether the server could listen there, or who does already."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError, PromotionError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.doctor.findings import Finding

SECONDS = 2


def port_found(settings: Settings, listen: Callable[[str, int], Any]) -> Iterator[Finding]:
    """Whether the port is free, or a server of ours answers on it."""
    host, port = settings.serving.host, settings.serving.port
    try:
        listen(host, port).close()
    except ConfigError as error:
        yield _taken(settings, str(error))
    else:
        yield Finding("port", "ok", f"{host}, port {port or 'any'}: free")


def _taken(settings: Settings, said: str) -> Finding:
    host, port = settings.serving.host, settings.serving.port
    if _asked(host, port, "/health") != {"status": "alive"}:
        return Finding("port", "failed", said)
    ready = _asked(host, port, "/ready") or {}
    version = ready.get("model_version")
    try:
        live = BundleCache(settings.models.folder).current()
    except PromotionError:
        live = None
    where = f"{host}, port {port}: a churn server answers there already"
    if version is None:
        return Finding("port", "warning", f"{where}, without a model", "look into its log")
    if live is not None and live.version != version:
        summary = f"{where}, with version {version}, but {live.version} is live"
        return Finding(
            "port",
            "warning",
            summary,
            "if it serves this folder: it takes it up within seconds, or its /ready says why it refuses it",
        )
    return Finding("port", "ok", f"{where}, with version {version}")


def _asked(host: str, port: int, path: str) -> dict[str, Any] | None:
    """The JSON object that is answered, None where something else is, or nothing."""
    try:
        with closing(http.client.HTTPConnection(host, port, timeout=SECONDS)) as connection:
            connection.request("GET", path, headers={"Host": "localhost"})
            answer = json.loads(connection.getresponse().read(10_000))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return answer if isinstance(answer, dict) else None
