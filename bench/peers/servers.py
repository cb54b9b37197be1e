"""The servers that are compared: how each is started, asked and read, at its recommended setting for one core."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
Customer = Mapping[str, Any]
PIPELINE, BY_HAND = "pipeline", "by hand"


@dataclass(frozen=True)
class Peer:
    """A server, and how it takes one customer.

    Args:
        name: as people know it.
        form: ``PIPELINE``, as one deploys it, or ``BY_HAND``, as lean as it can be; ours has neither.
        command: that starts it.
        url: of a prediction.
        body: the request's JSON, from a raw customer.
        score: the churn probability, from the answer's JSON.
        headers: of a request.
    """

    name: str
    form: str
    command: tuple[str, ...]
    url: str
    body: Callable[[Customer], Any]
    score: Callable[[Any], float]
    headers: Mapping[str, str]


def ours(churn: list[str], key: str, port: int) -> Peer:
    """`churn serve`."""
    return Peer(
        "churn serve",
        "",
        (*churn, "serve", "--port", str(port)),
        f"http://{HOST}:{port}/predict",
        dict,
        lambda answer: float(answer["churn_probability"]),
        {"X-API-Key": key},
    )


def peers(binaries: Path, folder: Path, port: int) -> tuple[Peer, ...]:
    """Every peer in both forms, its files in ``folder``, on ports from ``port``.

    Args:
        binaries: of the peers' environment.
        folder: of the trees and of the models saved by MLflow.
        port: the first; each may take four.
    """
    return (
        _mlflow(binaries, folder, PIPELINE, port, lambda customer: {"dataframe_records": [customer]}),
        _bentoml(binaries, PIPELINE, "Pipelined", port + 4),
        _mlserver(binaries, folder, PIPELINE, port + 8),
        _mlflow(binaries, folder, BY_HAND, port + 12, lambda customer: {"inputs": [customer]}),
        _bentoml(binaries, BY_HAND, "ByHand", port + 16),
        _mlserver(binaries, folder, BY_HAND, port + 20),
    )


def _mlflow(binaries: Path, folder: Path, form: str, port: int, body: Callable[[Customer], Any]) -> Peer:
    """It runs uvicorn with httptools and uvloop; one worker, without an environment made anew."""
    model = folder / ("mlflow_pipeline" if form == PIPELINE else "mlflow_lean")
    command = [str(binaries / "mlflow"), "models", "serve", "--model-uri", str(model), "--env-manager", "local"]
    command += ["--workers", "1", "--host", HOST, "--port", str(port)]
    url = f"http://{HOST}:{port}/invocations"
    return Peer("MLflow", form, tuple(command), url, body, lambda answer: float(answer["predictions"][0]), {})


def _bentoml(binaries: Path, form: str, service: str, port: int) -> Peer:
    """One worker and no batches (the service says so); its production mode, which is the default."""
    command = (str(binaries / "bentoml"), "serve", f"bench.peers.bento:{service}", "--host", HOST, "--port", str(port))
    url = f"http://{HOST}:{port}/predict"
    return Peer("BentoML", form, command, url, lambda customer: {"customer": customer}, float, {})


def _mlserver(binaries: Path, folder: Path, form: str, port: int) -> Peer:
    """No process beside the server's own, no batches, no debugging; uvloop."""
    mlflow_model = {"implementation": "mlserver_mlflow.MLflowRuntime", "uri": folder / "mlflow_pipeline"}
    lean = {"implementation": "bench.peers.mlserver_lean.ChurnLean", "uri": folder / "trees"}
    chosen = mlflow_model if form == PIPELINE else lean
    home = folder / f"mlserver-{form.replace(' ', '-')}"
    home.mkdir()
    settings = {"debug": False, "parallel_workers": 0, "host": HOST, "http_port": port}
    settings |= {"grpc_port": port + 1, "metrics_port": port + 2}
    model = {"name": "churn", "implementation": chosen["implementation"], "parameters": {"uri": str(chosen["uri"])}}
    (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (home / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    command = (str(binaries / "mlserver"), "start", str(home))
    url = f"http://{HOST}:{port}/v2/models/churn/infer"
    return Peer("MLServer", form, command, url, _v2, lambda answer: float(answer["outputs"][0]["data"][0]), {})


def _v2(customer: Customer) -> dict[str, Any]:
    """A customer in the Open Inference Protocol, as a DataFrame of one row."""
    inputs = [
        {"name": name, "shape": [1], "datatype": "BYTES", "data": [value], "parameters": {"content_type": "str"}}
        if isinstance(value, str)
        else {"name": name, "shape": [1], "datatype": "FP64", "data": [value]}
        for name, value in customer.items()
    ]
    return {"inputs": inputs, "parameters": {"content_type": "pd"}}
