"""Reading the settings, and saying plainly what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from churn_mlops.config.environment import from_environment, unknown
from churn_mlops.config.settings import Settings, settings_by_name
from churn_mlops.errors import ConfigError
from churn_mlops.yaml_files import read_yaml

DEFAULT_PATH = Path("config/config.yaml")


@dataclass(frozen=True)
class Reading:
    """Settings, and what is wrong with what they were read from.

    Args:
        settings: what is wrong holds its default.
        problems: a sentence for each thing that is wrong.
        origins: file and key, or variable, of each setting that is not left to its default, by its name.
    """

    settings: Settings
    problems: tuple[str, ...]
    origins: Mapping[str, str]


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings: defaults, over them the file, over it the environment.

    Args:
        path: the settings file; None takes ``config/config.yaml`` of the working directory, if there is one.
        environ: the environment; its ``CHURN__SECTION__KEY`` count, an empty value or ``null`` means none. The
            ``CHURN__SECTION__KEY_FILE`` of a secret counts too; it names the file that holds it.

    Raises:
        ConfigError: naming every key that is unknown (with the nearest known one) or out of range, and its origin.
    """
    reading = _checked(path, _values(path), environ)
    if reading.problems:
        raise ConfigError("\n".join(["the settings are not valid:", *(f"  {problem}" for problem in reading.problems)]))
    return reading.settings


def read_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Reading:
    """As :func:`load_settings`, but what is wrong does not keep the rest from being read."""
    try:
        return _checked(path, _values(path), environ)
    except ConfigError as error:
        rest = _checked(path, {}, environ)
        return Reading(rest.settings, (str(error), *rest.problems), rest.origins)


def _values(path: Path | None) -> dict[str, Any]:
    return {} if path is None and not DEFAULT_PATH.exists() else _read(path or DEFAULT_PATH)


def _checked(path: Path | None, values: dict[str, Any], environ: Mapping[str, str]) -> Reading:
    file = path or DEFAULT_PATH
    origins = {key: f"{file}: {key}" for key in _keys(values)}
    problems = _overlay(values, origins, environ)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_problem(dict(item), origins, file) for item in error.errors(include_url=False)]
        settings = _without_faults(values)
    known = {name: origin for name, origin in origins.items() if name in settings_by_name()}
    return Reading(settings, tuple(problems), known)


def _without_faults(values: dict[str, Any]) -> Settings:
    """The settings with the default of each key that is wrong; what a default makes wrong in turn goes too."""
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        wrong = {item["loc"][:2] for item in error.errors(include_url=False)}
    kept = {
        section: {key: value for key, value in keys.items() if (section, key) not in wrong}
        for section, keys in values.items()
        if (section,) not in wrong and isinstance(keys, dict)
    }
    return _without_faults(kept)


def _overlay(values: dict[str, Any], origins: dict[str, str], environ: Mapping[str, str]) -> list[str]:
    """Put the environment's settings into ``values``, their names into ``origins``; return what is wrong with them."""
    found = from_environment(environ)
    for name, value in found.values.items():
        section, key = name.split(".")
        target = values.setdefault(section, {})
        if isinstance(target, dict):  # otherwise the check of the file reports it
            target[key] = value
            origins[name] = found.origins[name]
    return list(found.problems)


def _read(file: Path) -> dict[str, Any]:
    """The sections of the file, as plain data with text keys."""
    data = read_yaml(file, "the settings file", ConfigError, f"there is no settings file {file}")
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{file}: settings are sections of keys, such as `serving: {{port: 8000}}`")
    # A section whose keys are all commented out reads as null: it keeps its defaults.
    return {
        str(section): {str(key): value for key, value in keys.items()} if isinstance(keys, dict) else keys
        for section, keys in data.items()
        if keys is not None or str(section) not in Settings.model_fields
    }


def _keys(values: Mapping[str, Any]) -> Iterator[str]:
    for section, keys in values.items():
        yield section
        if isinstance(keys, dict):
            yield from (f"{section}.{key}" for key in keys)


def _problem(item: dict[str, Any], origins: Mapping[str, str], file: Path) -> str:
    """One thing that is wrong, as a person would say it: where it stands, what is wrong."""
    key = ".".join(str(part) for part in item["loc"][:2])
    origin = origins.get(key, f"{file}: {key}")
    if item["type"] == "extra_forbidden":
        return unknown(origin, key, list(settings_by_name() if "." in key else Settings.model_fields))
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "model_type":
        message = "a section holds keys, such as `serving: {port: 8000}`"
    setting = settings_by_name().get(key)
    if setting is None or not setting.repr:
        return f"{origin}: {message}"
    return f"{origin}: {message} (it is {item['input']!r})"
