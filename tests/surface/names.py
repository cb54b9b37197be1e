"""Names that people import, with how they are called. New names may join them; these stay."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

PUBLIC: dict[str, str] = {
    "churn_mlops": "__version__",
    "churn_mlops.cli": "main",
    "churn_mlops.config": "Settings load_settings settings_reference",
    "churn_mlops.data": "DataContract load_csv validate_data",
    "churn_mlops.data.contract": """ABSURD FALSE_TEXTS LABEL TRUE_TEXTS ContractFile DataContract Days Feature
        FeatureType Label SetAside SetAsideReason level_text unit_of CONTRACT_VERSION""",
    "churn_mlops.data.demo_company": "CompanyFiles write_company write_flat",
    "churn_mlops.data.proposal": "propose",
    "churn_mlops.data.sources": "open_table",
    "churn_mlops.data.splitting": "set_aside",
    "churn_mlops.features": "FeatureEngineer",
    "churn_mlops.models": "MODEL_TYPES Bundle ChurnModel ChurnPredictor",
    "churn_mlops.models.evaluate": """CALIBRATION_BINS CURVE_POINTS EPSILON GROUPS LARGEST METRICS
        Estimate curves evaluate""",
    "churn_mlops.models.inference": "Bands ChurnPredictor",
    "churn_mlops.models.pyfunc": "BundleModel _load_pyfunc",
    "churn_mlops.models.train": "fit_bundle",
    "churn_mlops.pipelines": "",
    "churn_mlops.retention": "Action Economics action break_even_probability expected_gain",
    "churn_mlops.serving.app": "create_app",
    "churn_mlops.serving.server": "serve",
    "churn_mlops.store": "NewRun Predictions Store copy_store latest_run open_store prediction_of publish scoring_lock",
}
"""Names of each module that are promised."""


def described() -> dict[str, Any]:
    """Every promised name."""
    return {module: _module(module, names.split()) for module, names in PUBLIC.items()}


def _module(module: str, names: list[str]) -> dict[str, Any]:
    found = importlib.import_module(module)
    return {name: _described(getattr(found, name)) for name in names}


def _described(thing: Any) -> Any:
    if inspect.isclass(thing):
        return {"class": _called(thing), "members": _members(thing), "errors": _built_in_errors(thing)}
    if callable(thing) and hasattr(thing, "__name__"):
        return {"function": _called(thing)}
    if isinstance(thing, Mapping):
        return {"mapping of": list(thing)}
    if isinstance(thing, frozenset):
        return {"set of": sorted(thing)}
    if isinstance(thing, int | float | tuple):
        return {"value": thing}
    return {"kind": type(thing).__name__}


def _called(thing: Any) -> list[str]:
    """The parameters, each as it stands in a definition, without its type."""
    return [_parameter(one) for one in inspect.signature(thing).parameters.values()]


def _parameter(one: inspect.Parameter) -> str:
    kinds = {one.POSITIONAL_ONLY: "/", one.KEYWORD_ONLY: "*", one.VAR_POSITIONAL: "*args", one.VAR_KEYWORD: "**"}
    default = "" if one.default is one.empty else f" = {_default(one.default)}"
    return f"{kinds[one.kind]} {one.name}{default}" if one.kind in kinds else f"{one.name}{default}"


def _default(value: Any) -> str:
    """The value, where it says the same wherever its class or function lives."""
    plain = value is None or isinstance(value, bool | int | float | str | tuple)
    return repr(value) if plain else "..."


def _members(cls: type) -> dict[str, Any]:
    """Public methods and properties of our own classes among the bases."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if base.__module__.startswith("churn_mlops"):
            for name, member in vars(base).items():
                if (
                    not name.startswith(("_", "model_"))
                    and name not in found
                    and (described_member := _member(member)) is not None
                ):
                    found[name] = described_member
    return found


def _member(member: Any) -> Any:
    if isinstance(member, property | functools.cached_property):
        return "property"
    if isinstance(member, classmethod | staticmethod):
        return {type(member).__name__: _called(member.__func__)}
    return {"method": _called(member)} if inspect.isfunction(member) else None


def _built_in_errors(cls: type) -> list[str]:
    """The errors of Python that an error is caught as."""
    return [base.__name__ for base in cls.__mro__ if base.__module__ == "builtins" and issubclass(base, Exception)]
