"""The port: whether the server could listen there, or who does already."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Protocol

from churn_mlops.config import Settings
from churn_mlops.config.exposure import is_loopback
from churn_mlops.errors import ConfigError, PromotionError, StoreError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.store import open_store
from churn_mlops.store.access.credentials import access_is_configured
from churn_mlops.store.database.inspect import inspect_store

SECONDS = 2


class Listen(Protocol):
    """Opens a socket as the server does; raises a ConfigError where it cannot."""

    def __call__(self, host: str, port: int, *, keyed: bool) -> socket.socket:
        """Listen on ``host`` and ``port``; ``keyed`` says whether there are keys."""


def port_found(settings: Settings, listen: Listen) -> Iterator[Finding]:
    """Whether the port is free, or a server of ours answers on it."""
    host, port = settings.serving.host, settings.serving.port
    try:
        listen(host, port, keyed=not is_loopback(host) and _has_keys(settings)).close()
    except ConfigError as error:
        yield _taken(settings, str(error))
    else:
        yield Finding("port", "ok", f"{host}, port {port or 'any'}: free")


def _has_keys(settings: Settings) -> bool:
    """Whether the server would ask for keys, so that it may listen on other addresses than loopback."""
    serving = settings.serving
    if serving.admin_key_file or serving.proxy_user_header or settings.oidc.issuer:
        return True
    try:
        if not inspect_store(settings.store.url).is_ready:
            return False
        with open_store(settings.store.url) as store:
            return access_is_configured(store)
    except StoreError:
        return True  # the server starts, and lets no one in until the store has said which keys are valid


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
