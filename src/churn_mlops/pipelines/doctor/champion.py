"""The folder of live models, and the model that serves."""

from __future__ import annotations

import os
import shlex
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract, load_contract
from churn_mlops.errors import BundleError, ContractError, PromotionError
from churn_mlops.models.bundle_cache import BundleCache, LiveModel
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.doctor.findings import Finding

_WORDS_AND_BOUNDS = {"title", "words", "unit", "min", "max", "range", "missing", "required"}
TRAIN = "`churn train` makes one"
PROMOTE = "`churn models promote VERSION --reason ...` makes a version of `churn models list` live"
FETCH = (
    f"`churn models sync` fetches a file that is damaged or gone from the store again; if that does not help, {PROMOTE}"
)


def folder_found(settings: Settings) -> Iterator[Finding]:
    """Whether the folder of live models can be written, and who may read it."""
    folder = settings.models.folder
    elsewhere = "make it writable, or set models.folder to another"
    if not folder.exists():
        above = nearest_folder(folder)
        if os.access(above, os.W_OK | os.X_OK):
            yield Finding("models folder", "ok", f"{folder} is not there yet; the first model that goes live makes it")
        else:
            yield Finding("models folder", "failed", f"{folder} cannot be made in {above}", elsewhere)
        return
    try:
        for place in (folder, *filter(Path.is_dir, [folder / "bundles"])):
            with tempfile.TemporaryFile(dir=place):
                pass
    except OSError as error:
        yield Finding("models folder", "failed", f"{folder} cannot be written ({error.strerror or error})", elsewhere)
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & stat.S_IWOTH:
        advice = f"anyone who writes there decides what is served: `chmod o-w {folder}`"
        yield Finding("models folder", "warning", f"{folder} may be written by every user of this machine", advice)
    else:
        yield Finding("models folder", "ok", f"{folder} is writable; it may be read by {_readers(mode)}")


def champion_found(settings: Settings) -> Iterator[Finding]:
    """Whether the model that is live loads and gives the scores it recorded of itself."""
    folder = settings.models.folder
    try:
        live = BundleCache(folder).champion()
        if live is None:
            yield Finding("champion", "warning", "no model is live", TRAIN)
            return
        ChurnPredictor(live.bundle)
    except BundleError as error:
        yield Finding("champion", "failed", str(error), FETCH)
        return
    except PromotionError as error:
        yield Finding("champion", "failed", str(error), _without_record(folder / "live.json"))
        return
    summary = (
        f"version {live.version} ({live.bundle.model_type}), live since {live.live_from[:16].replace('T', ' ')} UTC"
    )
    yield Finding("champion", "ok", f"{summary}, gives its {len(live.bundle.checks)} recorded scores")


def agreement_found(settings: Settings) -> Iterator[Finding]:
    """Whether the champion was trained under the contract of today."""
    live = live_model(settings)
    try:
        contract = load_contract(settings.contract.path)
    except ContractError:
        return  # said by the check of the contract
    if live is None:
        return  # said by the check of the champion
    then = live.bundle.history or live.bundle.contract
    changes = [
        *(f"{name} is new" for name in contract.features if name not in then.features),
        *(f"{name} is gone" for name in then.features if name not in contract.features),
        *(
            f"{name} is declared in another way"
            for name in contract.features
            if name in then.features and _meaning(contract, name) != _meaning(then, name)
        ),
    ]
    if contract.label != then.label:
        changes.append("the label is another")
    if _tables(contract) != _tables(then):
        changes.append("tables, their times or the time zone are declared in another way")
    if changes:
        summary = f"since version {live.version} was trained, the contract has changed ({'; '.join(changes)})"
        yield Finding("champion's contract", "warning", summary, "train again: `churn train`")
    else:
        yield Finding("champion's contract", "ok", f"version {live.version} was trained under the contract of today")


def _without_record(live: Path) -> str:
    """The advice where ``live`` cannot be read: as long as it stands there, no command deploys a model."""
    if not live.is_file():
        return "see the check of the models folder"
    aside = shlex.join(["mv", str(live), f"{live}.broken"])
    return f"without a copy: `{aside}` (the deployment before is then no longer known); after that {PROMOTE}"


def live_model(settings: Settings) -> LiveModel | None:
    """The champion, None where there is none or it cannot be read."""
    try:
        return BundleCache(settings.models.folder).champion()
    except (BundleError, PromotionError):
        return None


def nearest_folder(path: Path) -> Path:
    """``path`` itself, or the nearest folder above it that is there."""
    return next(place for place in (path.absolute(), *path.absolute().parents) if place.is_dir())


def _tables(contract: DataContract | HistoryContract) -> object:
    """The parts of a history contract besides its features that its snapshots depend on."""
    return (contract.tables, contract.customer, contract.time_zone) if isinstance(contract, HistoryContract) else None


def _meaning(contract: DataContract | HistoryContract, name: str) -> dict[str, object]:
    """The parts of a feature's declaration that a fit depends on: not its bounds, nor the words of a reason."""
    declared = contract.features[name].model_dump(exclude=_WORDS_AND_BOUNDS)
    unordered = {key: set(declared[key] or ()) for key in ("levels", "missing_values")}
    column = contract.column_of(name) if isinstance(contract, DataContract) else None
    return declared | unordered | {"column": column}


def _readers(mode: int) -> str:
    if mode & stat.S_IROTH and mode & stat.S_IXOTH:
        return "every user of this machine"
    return "its owner and group" if mode & stat.S_IRGRP and mode & stat.S_IXGRP else "its owner only"
