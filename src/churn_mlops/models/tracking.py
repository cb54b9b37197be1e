"""The record of training runs, kept by MLflow."""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from churn_mlops import __version__
from churn_mlops.data.contract import DataContract
from churn_mlops.errors import ChurnError
from churn_mlops.file_locks import lock_file
from churn_mlops.models.bundle import Bundle

# MLflow reads these when it is imported: no telemetry, and no progress bars of its own.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
# MLflow's own 7 retries wait four minutes for a server that is not there.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns about type hints of its own
    import mlflow
    import mlflow.pyfunc
    from mlflow.exceptions import MlflowException
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, Schema

BUNDLE_FILE = "model.bundle"
PROVENANCE_FILE = "provenance.json"
LONGEST_DESCRIPTION = 5000


class TrackingError(ChurnError):
    """MLflow cannot be reached, or refuses."""


_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Tracking:
    """The place where runs and model versions are recorded.

    Args:
        uri: MLflow's tracking and registry address, such as ``sqlite:///mlflow/mlflow.db``.
        artifacts: folder for the artifacts of a new experiment, used with a database address only.
        experiment: name of the experiment.
        model_name: name of the registered model.
    """

    uri: str
    artifacts: Path
    experiment: str
    model_name: str


@dataclass(frozen=True)
class Run:
    """The record of one training run: flat parameters and metrics, files of plain data or text, the bundle.

    ``description`` is Markdown, shown with the model version.
    """

    bundle: Bundle
    parameters: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    documents: Mapping[str, Any]
    description: str = ""


def log_run(tracking: Tracking, run: Run) -> tuple[str, int]:
    """Record ``run`` and register its bundle as a new version of the model.

    Returns:
        MLflow's run id, and the version's number.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    with connected(tracking) as client, mlflow.start_run(experiment_id=_experiment(client, tracking)) as active:
        mlflow.log_params(dict(run.parameters))
        mlflow.log_metrics(dict(run.metrics))
        mlflow.set_tags(dict(run.tags))
        for name, document in run.documents.items():
            (mlflow.log_text if isinstance(document, str) else mlflow.log_dict)(document, name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / BUNDLE_FILE
            run.bundle.save(path)
            logged = mlflow.pyfunc.log_model(
                name="model",
                loader_module="churn_mlops.models.pyfunc",
                data_path=str(path),
                signature=_signature(run.bundle.contract),
                pip_requirements=[f"churn-mlops=={__version__}"],
            )
        with _there_already():
            client.create_registered_model(tracking.model_name)
        version = client.create_model_version(
            tracking.model_name,
            logged.model_uri,
            run_id=active.info.run_id,
            model_id=logged.model_id,
            description=_shortened(run.description),
        )
        return active.info.run_id, int(version.version)


def amend(tracking: Tracking, run_id: str, tags: Mapping[str, str], documents: Mapping[str, Any]) -> None:
    """Replace tags and documents of a recorded run.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    with connected(tracking) as client:
        for name, text in tags.items():
            client.set_tag(run_id, name, text)
        for name, document in documents.items():
            client.log_dict(run_id, document, name)


def reach(tracking: Tracking) -> None:
    """Make sure that MLflow answers, before hours of work depend on it.

    Raises:
        TrackingError: it does not.
    """
    with connected(tracking) as client:
        client.get_experiment_by_name(tracking.experiment)


@contextmanager
def connected(tracking: Tracking, *, make: bool = True) -> Iterator[mlflow.MlflowClient]:
    """A client of ``tracking``; MLflow's own errors become a TrackingError, its chatter is kept quiet.

    With ``make``, a database and its tables are made where they are not there.
    """
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            uri = _absolute(tracking.uri)
            mlflow.set_tracking_uri(uri)
            mlflow.set_registry_uri(uri)
            if make and uri.startswith(_SQLITE):
                _open_alone(Path(uri.removeprefix(_SQLITE).partition("?")[0]))
            yield mlflow.MlflowClient()
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise TrackingError(
            f"MLflow failed ({said}): check the settings mlflow.uri and mlflow.artifacts, and that its server runs"
        ) from error


def _absolute(uri: str) -> str:
    """The address with an absolute path: MLflow keeps a connection by its address, also for another working folder."""
    if not uri.startswith(_SQLITE):
        return uri
    path, question_mark, options = uri.removeprefix(_SQLITE).partition("?")
    return f"{_SQLITE}{Path(path).absolute()}{question_mark}{options}"


def _open_alone(database: Path) -> None:
    """Open the database, making its folder and its tables, one process at a time.

    MLflow itself would retry for minutes where it cannot be opened, and fail where two processes make tables together.
    """
    database.parent.mkdir(parents=True, exist_ok=True)
    with lock_file(database.with_name(database.name + ".lock")):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA schema_version")
        client = mlflow.MlflowClient()
        # Runs and registry are two stores in one database, and each makes its tables when it is first asked.
        client.search_experiments(max_results=1)
        client.search_registered_models(max_results=1)


def _experiment(client: mlflow.MlflowClient, tracking: Tracking) -> str:
    """Id of the experiment, which is made where it is not there."""
    is_server = tracking.uri.startswith(("http://", "https://"))
    location = None if is_server else tracking.artifacts.absolute().as_uri()
    experiment = client.get_experiment_by_name(tracking.experiment)
    if experiment is None:
        with _there_already():
            return str(client.create_experiment(tracking.experiment, artifact_location=location))
        experiment = client.get_experiment_by_name(tracking.experiment)
    return str(experiment.experiment_id)


@contextmanager
def _there_already() -> Iterator[None]:
    """Accept that another process has just made the same thing."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _shortened(description: str) -> str:
    """``description`` as long as MLflow's databases hold, cut between two paragraphs."""
    if len(description) <= LONGEST_DESCRIPTION:
        return description
    return (
        description[: LONGEST_DESCRIPTION - 100].rpartition("\n\n")[0] + "\n\n(The rest is among the run's artifacts.)"
    )


def _signature(contract: DataContract) -> ModelSignature:
    """The raw columns, of any type: the bundle itself reads text and blanks, and says what it cannot read."""
    anything = AnyType()  # type: ignore[no-untyped-call]  # MLflow left its annotations out
    columns = [ColSpec(anything, contract.column_of(name), required=False) for name in contract.features]
    return ModelSignature(Schema([*columns]), Schema([ColSpec("double", "churn_probability")]))
