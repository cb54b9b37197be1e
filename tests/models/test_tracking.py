"""Runs and versions in a real MLflow, and the bundle as stock MLflow loads it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import mlflow
import numpy as np
import pandas as pd
import pytest

from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models import ChurnModel
from churn_mlops.models.registry import CHALLENGER, CHAMPION, bundle_of, document_of, provenance_of, set_alias, versions
from churn_mlops.models.tracking import LONGEST_DESCRIPTION, Run, Tracking, TrackingError, log_run, reach
from tests.companies.customers import CONTRACT, customers, left


@dataclass(frozen=True)
class Recorded:
    """A model, and its run in MLflow."""

    model: ChurnModel
    frame: pd.DataFrame
    tracking: Tracking
    run_id: str
    version: int


def run_of(model: ChurnModel) -> Run:
    return Run(
        bundle=model.bundle_,
        parameters={"model_type": model.model_type, "seed": 1},
        metrics={"log_loss": 0.41, "auc": 0.85},
        tags={"data_fingerprint": "f1", "verdict": "no signal, 100 % sure"},
        documents={"provenance.json": {"seed": 1}, "curves.json": {"roc": [0.0, 1.0]}, "card.md": "# Card"},
        description="# Card\n\n" + "word " * 900 + "\n\n" + "more " * 900,
    )


@pytest.fixture(scope="module")
def recorded(record: Path, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("tracking")
    shutil.copy(record, folder / "mlflow.db")
    frame = customers(600)
    model = ChurnModel("logistic_regression", contract=CONTRACT, seed=1).fit(frame, left(frame))
    tracking = Tracking(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts", "experiment", "churn")
    run_id, version = log_run(tracking, run_of(model))
    set_alias(tracking, CHAMPION, version)
    return Recorded(model, frame, tracking, run_id, version)


def stock(recorded: Recorded) -> mlflow.pyfunc.PyFuncModel:
    """The model as a user of MLflow loads it, without a name of this package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        mlflow.set_tracking_uri(recorded.tracking.uri)
        mlflow.set_registry_uri(recorded.tracking.uri)
        return mlflow.pyfunc.load_model("models:/churn@champion")


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_stock_mlflow_loads_the_champion_with_the_same_scores(recorded: Recorded) -> None:
    loaded = stock(recorded)
    fitted = recorded.model.predict_proba(recorded.frame)[:, 1]
    assert np.abs(loaded.predict(recorded.frame) - fitted).max() <= 1e-12
    other_order = recorded.frame[recorded.frame.columns[::-1]].assign(spare="x")
    assert np.abs(loaded.predict(other_order) - fitted).max() <= 1e-12


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_stock_mlflow_takes_blanks_and_absent_columns_as_missing(recorded: Recorded) -> None:
    few = recorded.frame[["tenure", "plan"]].head(20)
    fitted = recorded.model.predictor.score(few.to_dict(orient="records"))
    assert np.abs(stock(recorded).predict(few) - fitted).max() <= 1e-12


@contextmanager
def stock_server(recorded: Recorded) -> Iterator[str]:
    """The address of ``mlflow models serve``, as a user types it; port 0 takes a free one."""
    mlflow_command = Path(sys.executable).parent / "mlflow"
    command = [mlflow_command, "models", "serve", "-m", "models:/churn@champion", "--env-manager", "local", "-p", "0"]
    environment = os.environ | {
        "MLFLOW_TRACKING_URI": recorded.tracking.uri,
        "UVICORN_PORT": "0",
        "PATH": f"{mlflow_command.parent}{os.pathsep}{os.environ['PATH']}",
    }
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stderr is not None
        try:
            yield next(found[0] for line in server.stderr if (found := re.search("http://127.0.0.1:[0-9]+", line)))
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.stderr.read()


def test_stock_mlflow_serves_the_champion_with_the_same_scores(recorded: Recorded) -> None:
    some = recorded.frame.head(50)
    with stock_server(recorded) as address:
        answer = httpx.post(
            f"{address}/invocations", json={"dataframe_split": json.loads(some.to_json(orient="split"))}
        )
    assert answer.status_code == 200, answer.text
    served = np.array(answer.json()["predictions"])
    assert np.abs(served - recorded.model.predict_proba(some)[:, 1]).max() <= 1e-12


def test_no_pickle_is_in_what_was_logged(recorded: Recorded) -> None:
    logged = [path for path in recorded.tracking.artifacts.rglob("*") if path.is_file()]
    assert any(path.suffix == ".bundle" for path in logged)
    assert not [path for path in logged if path.suffix in {".pkl", ".pickle", ".joblib"}]
    assert not [path for path in logged if path.read_bytes().startswith(b"\x80")]


def test_parameters_metrics_tags_and_documents_are_recorded(recorded: Recorded) -> None:
    client = mlflow.MlflowClient(recorded.tracking.uri, recorded.tracking.uri)
    run = client.get_run(recorded.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"model_type": "logistic_regression", "seed": "1"}
    assert run.data.metrics == {"log_loss": 0.41, "auc": 0.85}
    assert run.data.tags["verdict"] == "no signal, 100 % sure"
    documents = {path.name: json.loads(path.read_text()) for path in recorded.tracking.artifacts.rglob("c*.json")}
    assert documents == {"curves.json": {"roc": [0.0, 1.0]}}
    assert provenance_of(recorded.tracking, recorded.version) == {"seed": 1}


def test_a_description_too_long_for_the_database_is_cut_between_paragraphs(recorded: Recorded) -> None:
    client = mlflow.MlflowClient(recorded.tracking.uri, recorded.tracking.uri)
    said = client.get_model_version("churn", str(recorded.version)).description
    assert len(said) <= LONGEST_DESCRIPTION
    assert said.endswith("word \n\n(The rest is among the run's artifacts.)")
    assert next(recorded.tracking.artifacts.rglob("card.md")).read_text() == "# Card"


def test_a_document_is_read_back_and_none_where_none_was_recorded(recorded: Recorded) -> None:
    assert document_of(recorded.tracking, recorded.version, "curves.json") == {"roc": [0.0, 1.0]}
    assert document_of(recorded.tracking, recorded.version, "report.json") is None
    with pytest.raises(PromotionError, match="there is no version 99"):
        document_of(recorded.tracking, 99, "report.json")


def test_the_registry_gives_back_the_same_bundle(recorded: Recorded) -> None:
    assert bundle_of(recorded.tracking, recorded.version).sha256 == recorded.model.bundle_.sha256


def test_versions_are_listed_newest_first_with_their_aliases(recorded: Recorded) -> None:
    _, newer = log_run(recorded.tracking, run_of(recorded.model))
    set_alias(recorded.tracking, CHALLENGER, newer)
    listed = versions(recorded.tracking)
    assert [(v.number, v.aliases) for v in listed] == [(newer, ("challenger",)), (recorded.version, ("champion",))]
    assert (listed[0].model_type, listed[0].log_loss, listed[0].auc) == ("logistic_regression", 0.41, 0.85)
    set_alias(recorded.tracking, CHAMPION, newer)
    assert versions(recorded.tracking)[0].aliases == ("challenger", "champion")
    set_alias(recorded.tracking, CHAMPION, recorded.version)


def test_a_version_that_is_not_there_is_named(recorded: Recorded) -> None:
    with pytest.raises(PromotionError, match="there is no version 99 of 'churn': `churn models list`"):
        bundle_of(recorded.tracking, 99)
    with pytest.raises(PromotionError, match="there is no version 1 of 'other'"):
        bundle_of(replace(recorded.tracking, model_name="other"), 1)


def test_a_bundle_altered_in_the_record_is_refused(recorded: Recorded) -> None:
    _, number = log_run(recorded.tracking, run_of(recorded.model))
    newest = max(recorded.tracking.artifacts.rglob("*.bundle"), key=lambda path: path.stat().st_mtime_ns)
    newest.write_bytes(newest.read_bytes().replace(b'"threshold":0.5', b'"threshold":0.1'))
    with pytest.raises(BundleError, match="was altered"):
        bundle_of(recorded.tracking, number)


def test_the_same_relative_address_in_another_folder_is_another_record(
    recorded: Recorded, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        shutil.copy(record, tmp_path / name / "mlflow.db")
        monkeypatch.chdir(tmp_path / name)
        tracking = replace(recorded.tracking, uri="sqlite:///mlflow.db", artifacts=Path("artifacts"))
        assert versions(tracking) == ()
        log_run(tracking, run_of(recorded.model))
        assert len(versions(tracking)) == 1
        assert any((tmp_path / name / "artifacts").rglob("model.bundle"))


def test_where_nothing_was_registered_there_are_no_versions(recorded: Recorded) -> None:
    assert versions(replace(recorded.tracking, model_name="nothing yet")) == ()


def test_an_unreachable_server_is_reported_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TrackingError, match=r"MLflow failed \(.*check the settings mlflow\.uri"):
        reach(Tracking(f"http://127.0.0.1:{port}", tmp_path, "e", "m"))


@pytest.mark.parametrize("uri", ["sqlite:///{}/file/mlflow.db", "sqlite:///{}/folder", "nonsense://x"])
def test_a_record_that_cannot_be_opened_is_reported_immediately_in_a_sentence(tmp_path: Path, uri: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder").mkdir()
    with pytest.raises(TrackingError, match=r"MLflow failed \(.*check the settings") as caught:
        reach(Tracking(uri.format(tmp_path), tmp_path, "e", "m"))
    assert "\n" not in str(caught.value)


def test_artifacts_that_cannot_be_written_are_reported_and_register_nothing(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    tracking = replace(recorded.tracking, experiment="blocked", model_name="blocked", artifacts=tmp_path / "file")
    with pytest.raises(TrackingError, match=r"mlflow\.artifacts"):
        log_run(tracking, run_of(recorded.model))
    assert versions(tracking) == ()


FIRST_RUN = """
import sys
from pathlib import Path
from churn_mlops.models.tracking import Tracking, _experiment, connected

folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.read(1)
with connected(Tracking(f"sqlite:///{folder}/mlflow.db", folder / "artifacts", "churn", "churn")) as client:
    print(_experiment(client, Tracking("", folder, "churn", "churn")))
"""


def test_two_parallel_first_runs_make_one_database(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FIRST_RUN, str(tmp_path)]
    pipe = subprocess.PIPE
    runs = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(3)]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("x")
        run.stdin.flush()
    said = [run.communicate() for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
