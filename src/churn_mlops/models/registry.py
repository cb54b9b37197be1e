"""Model versions and their aliases (``champion``, ``challenger``), kept by MLflow's registry."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from churn_mlops.errors import PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.tracking import PROVENANCE_FILE, Tracking, connected

CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Version:
    """One registered version; ``created`` is ISO 8601 in UTC."""

    number: int
    aliases: tuple[str, ...]
    model_type: str
    created: str
    run_id: str
    log_loss: float | None
    auc: float | None


def versions(tracking: Tracking) -> tuple[Version, ...]:
    """Every registered version, the newest first; none where nothing was ever registered."""
    with connected(tracking) as client:
        try:
            aliases = client.get_registered_model(tracking.model_name).aliases
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ()
        found = client.search_model_versions(f"name='{tracking.model_name}'")
        listed = []
        for version in found:
            run = client.get_run(str(version.run_id))
            created = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
            listed.append(
                Version(
                    number=int(version.version),
                    aliases=tuple(
                        sorted(name for name, number in aliases.items() if int(number) == int(version.version))
                    ),
                    model_type=run.data.params.get("model_type", ""),
                    created=created.isoformat(timespec="seconds"),
                    run_id=str(version.run_id),
                    log_loss=run.data.metrics.get("log_loss"),
                    auc=run.data.metrics.get("auc"),
                )
            )
        return tuple(sorted(listed, key=lambda version: -version.number))


def named(tracking: Tracking, alias: str, seconds: int) -> int | None:
    """Number of the version that ``alias`` names, None where it names none; a server gets ``seconds`` to answer.

    Makes nothing: a database that is not there yet is an error.

    Raises:
        TrackingError: MLflow cannot be reached in that time, or refuses.
    """
    with _impatient(seconds), connected(tracking, make=False) as client:
        try:
            return int(client.get_model_version_by_alias(tracking.model_name, alias).version)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            return None


@contextmanager
def _impatient(seconds: int) -> Iterator[None]:
    """MLflow takes its patience from the environment alone."""
    wanted = {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(seconds), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def set_alias(tracking: Tracking, alias: str, number: int) -> None:
    """Point ``alias`` at version ``number``."""
    with connected(tracking) as client:
        client.set_registered_model_alias(tracking.model_name, alias, str(number))


def provenance_of(tracking: Tracking, number: int) -> dict[str, Any]:
    """How version ``number`` was made, as its run recorded it; empty where the record is gone."""
    with connected(tracking) as client:
        run_id = client.get_model_version(tracking.model_name, str(number)).run_id
        try:
            return dict(mlflow.artifacts.load_dict(f"runs:/{run_id}/{PROVENANCE_FILE}"))
        except (MlflowException, OSError):
            return {}


def document_of(tracking: Tracking, number: int, name: str) -> Any:
    """The document ``name`` that the run of version ``number`` recorded; None where it recorded none.

    Raises:
        PromotionError: there is no such version.
    """
    with connected(tracking) as client:
        run_id = str(_version(client, tracking, number).run_id)
        if name not in {found.path for found in client.list_artifacts(run_id)}:
            return None
        return mlflow.artifacts.load_dict(f"runs:/{run_id}/{name}")


def bundle_of(tracking: Tracking, number: int) -> Bundle:
    """The bundle of version ``number``.

    Raises:
        PromotionError: there is no such version, or it holds no bundle.
    """
    with connected(tracking) as client:
        _version(client, tracking, number)
        folder = Path(mlflow.artifacts.download_artifacts(f"models:/{tracking.model_name}/{number}"))
    for path in sorted(folder.rglob("*.bundle")):
        return Bundle.load(path)
    raise PromotionError(f"version {number} of {tracking.model_name!r} holds no model bundle")


def _version(client: mlflow.MlflowClient, tracking: Tracking, number: int) -> ModelVersion:
    try:
        return client.get_model_version(tracking.model_name, str(number))
    except MlflowException:
        raise PromotionError(
            f"there is no version {number} of {tracking.model_name!r}: `churn models list` shows those there are"
        ) from None
