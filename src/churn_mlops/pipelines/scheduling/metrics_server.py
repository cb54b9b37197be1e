"""The small HTTP server of a schedule: its metrics for Prometheus, and whether it is alive and on time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from churn_mlops.errors import ConfigError

Health = Callable[[], dict[str, Any]]
"""Returns how the schedule stands, as plain data."""
_TEXT, _JSON = "text/plain; charset=utf-8", "application/json"


@contextmanager
def metrics_server(host: str, port: int, registry: CollectorRegistry, health: Health) -> Iterator[str]:
    """Answer ``GET /metrics`` and ``GET /health`` until the block ends; gives the address.

    Neither names a customer, and neither needs a key: let Prometheus alone reach the port.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        registry: the metrics.
        health: the body of ``/health``; its answer is 200 as long as this process lives.

    Raises:
        ConfigError: the port is in use, or not allowed.
    """
    try:
        server = make_server(host, port, _application(registry, health), ThreadingWSGIServer, _Silent)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port} ({error.strerror}): stop the other program, or set "
            "schedule.metrics_port to another port"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _application(registry: CollectorRegistry, health: Health) -> Any:
    metrics = make_wsgi_app(registry)

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        if path not in ("/metrics", "/health"):
            return _short(start, "404 Not Found", "here are /metrics and /health\n", _TEXT)
        if method not in ("GET", "HEAD"):
            return _short(start, "405 Method Not Allowed", f"{path} takes GET\n", _TEXT)
        if path == "/metrics":
            found: Iterable[bytes] = metrics(environ, start)
            return found
        return _short(start, "200 OK", json.dumps(health()), _JSON)

    return answer


def _short(start: StartResponse, status: str, text: str, kind: str) -> list[bytes]:
    body = text.encode()
    start(status, [("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")])
    return [body]


class _Silent(WSGIRequestHandler):
    """Writes no line for each request: the log of a schedule is about its runs."""

    timeout = 10
    """Longest wait for a request, in seconds: a client that sends nothing does not keep its thread."""

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing."""
