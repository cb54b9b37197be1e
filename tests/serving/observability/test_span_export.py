"""A collector in the settings gets a span for each request, in the trace of the client; without one, none is made."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.span_export import SpanExport
from tests.serving.running import running

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
ASKED = [("/predict", "01"), ("/predict?explain=true", "01"), ("/predict", None), ("/predict", "00")]


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """The address of a server that takes spans, and the spans that came."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    came: list[Any] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
            came.extend(span for of in request.resource_spans for scope in of.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *given: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", came
        finally:
            server.shutdown()
            thread.join()


def test_each_request_is_a_span_of_the_clients_trace_or_of_a_new_one(source: ModelSlot, customer: Any) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    with collector() as (url, came):
        settings = Settings.model_validate({"serving": {"traces_url": url}})
        parents = []
        with running(source, settings) as address, closing(http.client.HTTPConnection(*address, timeout=10)) as client:
            for path, flags in (
                ("/predict", "01"),
                ("/predict?explain=true", "01"),
                ("/predict", None),
                ("/predict", "00"),
            ):
                headers = {} if flags is None else {"traceparent": f"00-{TRACE_ID}-{SPAN_ID}-{flags}"}
                client.request("POST", path, json.dumps(customer), headers)
                answer = client.getresponse()
                answer.read()
                parents.append(answer.headers["traceparent"].split("-"))
            client.request("GET", "/customers/C000017/risk")
            client.getresponse().read()
    assert [parent[3] for parent in parents] == ["01", "01", "01", "00"]
    spans = [(span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.name) for span in came]
    assert spans[:3] == [
        (*parents[0][1:3], SPAN_ID, "POST /predict"),
        (*parents[1][1:3], SPAN_ID, "POST /predict"),
        (*parents[2][1:3], "", "POST /predict"),
    ]
    assert [span[3] for span in spans[3:]] == ["GET other"]
    assert "C000017" not in str(came)
    assert all(0 < span.end_time_unix_nano - span.start_time_unix_nano < 60 * 10**9 for span in came)


def test_without_the_packages_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*filter(lambda name: name.startswith("opentelemetry.exporter"), sys.modules)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    with pytest.raises(ConfigError, match=r"serving\.traces_url needs packages.*pip install 'churn-mlops\[otel\]'"):
        SpanExport("http://localhost:4318/v1/traces")


def test_a_server_without_a_collector_loads_none_of_the_packages() -> None:
    code = (
        "import sys; from churn_mlops.config import Settings; from churn_mlops.serving.app import create_app\n"
        "from churn_mlops.serving.model.served_model import ModelSlot; create_app(ModelSlot(), Settings())\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
