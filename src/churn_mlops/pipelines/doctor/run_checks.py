"""All checks, one after the other; none keeps the others from being made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from churn_mlops.config import read_settings
from churn_mlops.pipelines.doctor.champion import agreement_found, champion_found, folder_found
from churn_mlops.pipelines.doctor.contract_and_source import contract_found, source_found
from churn_mlops.pipelines.doctor.daily import schedule_found, store_found
from churn_mlops.pipelines.doctor.erasures import erasures_found
from churn_mlops.pipelines.doctor.findings import Finding, guarded
from churn_mlops.pipelines.doctor.indexes import indexes_found
from churn_mlops.pipelines.doctor.machine import disk_found, machine_found
from churn_mlops.pipelines.doctor.mlflow import record_found
from churn_mlops.pipelines.doctor.package import package_found
from churn_mlops.pipelines.doctor.port import Listen, port_found
from churn_mlops.pipelines.doctor.settings import configuration_found, environment_found, hash_key_found
from churn_mlops.pipelines.doctor.versions import trees_found, versions_found


def examine(config: Path | None, environ: Mapping[str, str], listen: Listen) -> Iterator[Finding]:
    """The findings of all checks, in the order in which a person would put them right.

    Args:
        config: the settings file; None takes the default one, if it is there.
        environ: the environment.
        listen: opens a socket as the server does; raises a ConfigError where it cannot.
    """
    reading = read_settings(config, environ)
    settings = reading.settings
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "configuration": lambda: configuration_found(reading, config),
        "environment": lambda: environment_found(environ),
        "hash key": lambda: hash_key_found(settings),
        "contract": lambda: contract_found(settings),
        "source": lambda: source_found(settings),
        "indexes": lambda: indexes_found(settings),
        "models folder": lambda: folder_found(settings),
        "champion": lambda: champion_found(settings),
        "champion's contract": lambda: agreement_found(settings),
        "MLflow": lambda: record_found(settings),
        "store": lambda: store_found(settings),
        "erasures": lambda: erasures_found(settings),
        "schedule": lambda: schedule_found(settings),
        "disk": lambda: disk_found(settings),
        "port": lambda: port_found(settings, listen),
        "package": lambda: package_found(settings),
        "versions": versions_found,
        "LightGBM": lambda: trees_found(settings),
        "machine": machine_found,
    }
    for name, find in checks.items():
        yield from guarded(name, find)
