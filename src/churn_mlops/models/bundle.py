"""The model bundle: everything that scoring needs, as plain data, hashed.

A bundle file is two lines of JSON: a header (format, its version, the SHA-256 of the second line) and the model. The
same data and seed give the same bytes; the time, place and author of a bundle lie beside it, not in it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from churn_mlops.atomic_files import write_atomic
from churn_mlops.data.contract import DataContract, Feature, HistoryContract
from churn_mlops.errors import BundleError, ContractError
from churn_mlops.features.fitted import FittedEngineer
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from churn_mlops.models.scorers.serialization import model_from_plain, model_to_plain
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble

FORMAT = "churn-bundle"
FORMAT_VERSION = 1
_NO_MODEL = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, ContractError)


@dataclass(frozen=True)
class Bundle:
    """A fitted, calibrated model.

    Args:
        contract: the data contract it was trained under.
        model_type: one of ``MODEL_TYPES``.
        levels: the levels learnt of each category.
        model: the calibrated model.
        threshold: score from which a customer counts as likely to churn, in (0, 1).
        training: what the fit chose and saw (settings, rows, share of churners, calibration).
        reference: shares of the training rows by step or level of each feature, and of scores, for drift.
        learnt: curves, importances and pairs, for people; see ``models.learnt``.
        checks: a few made-up customers with their scores, by which a loaded bundle is tested.
        core: the calibrated model of the required features alone, for customers without any optional value;
            None where all are required, or none is.
        history: how the snapshots were made that it was trained on, None where the customers came as one flat table.
            Scoring makes them the same way, even if the contract's file has changed since.
    """

    contract: DataContract
    model_type: str
    levels: Mapping[str, tuple[str, ...]]
    model: AdditiveTables | TreeEnsemble
    threshold: float
    training: Mapping[str, Any]
    reference: Mapping[str, Any]
    learnt: Mapping[str, Any]
    checks: tuple[Mapping[str, Any], ...]
    core: AdditiveTables | TreeEnsemble | None = None
    history: HistoryContract | None = None

    @cached_property
    def engineer(self) -> FittedEngineer:
        """The fitted transformation of raw customers."""
        return FittedEngineer(self.contract, self.levels)

    @cached_property
    def sha256(self) -> str:
        """Hash of the model, 64 hexadecimal digits."""
        return hashlib.sha256(self._body).hexdigest()

    def to_bytes(self) -> bytes:
        """The bundle as a file's bytes."""
        header = {"format": FORMAT, "format_version": FORMAT_VERSION, "sha256": self.sha256}
        return json.dumps(header).encode() + b"\n" + self._body + b"\n"

    def __reduce__(self) -> tuple[Any, ...]:
        # A copy, be it for another process, is read from the same plain bytes as a file.
        return Bundle.from_bytes, (self.to_bytes(),)

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "bundle") -> Bundle:
        """Read a bundle, checking its format and hash.

        Raises:
            BundleError: not a bundle, of a newer format, truncated or altered; ``where`` is named.
        """
        body = _checked_body(data, where)
        try:
            model = json.loads(body)
            bundle = cls(
                contract=DataContract.from_dict(model["contract"], where=f"the contract in {where}"),
                model_type=str(model["model_type"]),
                levels={name: tuple(levels) for name, levels in model["levels"].items()},
                model=model_from_plain(model["model"]),
                threshold=float(model["threshold"]),
                training=dict(model["training"]),
                reference=dict(model["reference"]),
                learnt=dict(model["learnt"]),
                checks=tuple(
                    {"customer": dict(check["customer"]), "score": check["score"]} for check in model["checks"]
                ),
                core=model_from_plain(model["core"]) if "core" in model else None,
                history=_history_from_plain(model.get("history"), where),
            )
            bundle._check()
            return bundle
        except _NO_MODEL as error:
            raise BundleError(
                f"{where} does not hold a model ({type(error).__name__}: {error}): train it again"
            ) from None

    def _check(self) -> None:
        """Raise ValueError where the parts do not fit each other."""
        _check_model(self.model, self.contract.features, self.levels)
        if self.core is not None:
            required = {name: feature for name, feature in self.contract.features.items() if feature.required}
            _check_model(self.core, required, {name: self.levels[name] for name in required if name in self.levels})
        if self.history is not None and set(self.contract.features) - set(self.history.features):
            raise ValueError("the history lacks features of the contract")
        if not 0 <= self.threshold <= 1:
            raise ValueError("the threshold is not a probability")
        if not self.checks or not all(0 <= check["score"] <= 1 for check in self.checks):
            raise ValueError("there are no recorded scores to test the model by")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the bundle to ``path``, whole or not at all."""
        write_atomic(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Bundle:
        """Read the bundle at ``path``.

        Raises:
            BundleError: there is none, or it is not to be trusted.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise BundleError(f"the model bundle {path} cannot be read: {error.strerror}") from None
        return cls.from_bytes(data, where=str(path))

    @cached_property
    def _body(self) -> bytes:
        model = {
            "contract": self.contract.to_dict(),
            "model_type": self.model_type,
            "levels": {name: list(levels) for name, levels in self.levels.items()},
            "model": model_to_plain(self.model),
            "threshold": self.threshold,
            "training": dict(self.training),
            "reference": dict(self.reference),
            "learnt": dict(self.learnt),
            "checks": [dict(check) for check in self.checks],
        }
        if self.core is not None:
            model["core"] = model_to_plain(self.core)
        if self.history is not None:
            model["history"] = self.history.to_dict()
        return json.dumps(model, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _history_from_plain(data: Any, where: str) -> HistoryContract | None:
    return None if data is None else HistoryContract.from_dict(data, where=f"the history in {where}")


def _check_model(
    model: AdditiveTables | TreeEnsemble, features: Mapping[str, Feature], levels: Mapping[str, tuple[str, ...]]
) -> None:
    if isinstance(model, TreeEnsemble):
        _check_trees(model, features, levels)
    else:
        _check_tables(model, features, levels)


def _check_tables(
    tables: AdditiveTables, features: Mapping[str, Feature], levels: Mapping[str, tuple[str, ...]]
) -> None:
    if [axis.name for axis in tables.axes] != list(features):
        raise ValueError("the model's features are not those of its contract")
    for axis in tables.axes:
        if (features[axis.name].type == "category") != (axis.cuts is None) or axis.levels != levels.get(axis.name, ()):
            raise ValueError(f"the levels of {axis.name!r} are not those that were learnt")


def _check_trees(trees: TreeEnsemble, features: Mapping[str, Feature], levels: Mapping[str, tuple[str, ...]]) -> None:
    if trees.features != len(features):
        raise ValueError("the model's features are not those of its contract")
    if list(levels) != [name for name, feature in features.items() if feature.type == "category"]:
        raise ValueError("the levels that were learnt are not those of the categories")


def _checked_body(data: bytes, where: str) -> bytes:
    first, newline, rest = data.partition(b"\n")
    try:
        header = json.loads(first) if newline else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise BundleError(f"{where} is not a model bundle (or only the beginning of one)")
    version = header.get("format_version")
    if type(version) is not int or version < 1:
        shown = version if isinstance(version, int | str) else type(version).__name__
        raise BundleError(f"{where} has bundle format {shown}, which no program writes: train the model again")
    if version > FORMAT_VERSION:
        raise BundleError(
            f"{where} has bundle format {version}; this program reads up to {FORMAT_VERSION}: update churn-mlops"
        )
    body = rest.removesuffix(b"\n")
    if hashlib.sha256(body).hexdigest() != header.get("sha256"):
        raise BundleError(f"{where} is truncated or was altered: its content does not match its hash")
    return body
