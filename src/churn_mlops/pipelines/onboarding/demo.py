"""The demo company in its own folder: made once, and made again where something of it is missing or broken."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

from churn_mlops.atomic_files import write_atomic
from churn_mlops.data.demo_company import write_company, write_flat
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.onboarding.demo_places import CONTROLLED, LEARNING_RATE, SETTINGS_CELLS, SNAPSHOTS

FIRST_REASON = "the first model of the company; it does not know usage and tickets yet"
"""Why the model of half a year ago went live."""
FEWEST_MONTHS = 9
"""Fewer months hold no `SNAPSHOTS` as-of dates with final labels and three months of behaviour before each."""

_CONFIG = """\
# Settings of the demo company: churn --config {folder}/config.yaml COMMAND
source:
  url: {folder}/company.duckdb
  as_of: latest  # its database ends on a day of the past
contract:
  path: {folder}/contract.yaml
models:
  folder: {folder}/models
store:
  url: sqlite:///{folder}/churn.db
  tombstones: {folder}/erasures/tombstones.jsonl
mlflow:
  uri: sqlite:///{folder}/mlflow/mlflow.db
  artifacts: {folder}/mlflow/artifacts
console:
  controlled: [{controlled}]
training:  # leave these out to learn from more, for longer
  snapshots: {snapshots}
  settings_cells: {settings_cells}
  learning_rate: {learning_rate}
"""
_NOTE, _TRAINED = "made-with.txt", "trained.txt"
_UNTIL = " last_day="
_FILES = ("company.duckdb", "contract.yaml", "truth.parquet", "customers.csv", "config.yaml")


def make_company(folder: Path, customers: int, months: int, seed: int, last_day: date | None = None) -> bool:
    """Write the demo company, unless ``folder`` has the same one with a live model already.

    Models and published lists of another company that was there before, or of a run that did not end, are removed.

    Args:
        folder: where to.
        customers: active ones.
        months: length of the history, `FEWEST_MONTHS` or more.
        seed: another seed gives another company.
        last_day: the last complete day of the history; None takes yesterday, or that of the same company of before.

    Returns:
        whether a model has still to be trained.
    """
    if is_kept(folder, customers, months, seed, last_day):
        return False
    mark, last_day = _mark(folder, customers, months, seed, last_day)
    _remove_results(folder)
    write_flat(write_company(folder, customers, months, seed, last_day))
    config = _CONFIG.format(
        folder=folder,
        controlled=", ".join(CONTROLLED),
        snapshots=SNAPSHOTS,
        settings_cells=SETTINGS_CELLS,
        learning_rate=LEARNING_RATE,
    )
    write_atomic(folder / "config.yaml", config.encode())
    write_atomic(folder / _NOTE, mark.encode())
    return True


def is_kept(folder: Path, customers: int, months: int, seed: int, last_day: date | None = None) -> bool:
    """Whether :func:`make_company`, with the same arguments, finds all that it would make in ``folder``."""
    mark, _ = _mark(folder, customers, months, seed, last_day)
    return mark == _made_with(folder) and _has_model(folder / "models") and _has_files(folder)


def note_trained(folder: Path) -> None:
    """Note that the training of today's model has ended, whether or not it went live."""
    write_atomic(folder / _TRAINED, b"The demo is complete.\n")


def last_day_in(folder: Path) -> date:
    """The last complete day of the company that :func:`make_company` wrote into ``folder``."""
    mark = (folder / _NOTE).read_text(encoding="utf-8")
    return date.fromisoformat(mark.strip().rpartition(_UNTIL)[2])


def _mark(folder: Path, customers: int, months: int, seed: int, last_day: date | None) -> tuple[str, date]:
    """The arguments that the company is made with, as the note beside it says, and its last day."""
    made_with = f"customers={customers} months={months} seed={seed}"
    last_day = last_day or _last_day_of(_made_with(folder), made_with) or date.today() - timedelta(days=1)
    return f"{made_with}{_UNTIL}{last_day}\n", last_day


def _made_with(folder: Path) -> str:
    note = folder / _NOTE
    return note.read_text(encoding="utf-8") if note.exists() else ""


def _has_files(folder: Path) -> bool:
    return all((folder / name).exists() for name in _FILES)


def _last_day_of(mark: str, made_with: str) -> date | None:
    """The last day of the company that was made before; None where it was made with something else."""
    before, _, day = mark.strip().rpartition(_UNTIL)
    return date.fromisoformat(day) if before == made_with else None


def _remove_results(folder: Path) -> None:
    """Remove models and lists; the record of MLflow stays, since it distinguishes companies."""
    (folder / _TRAINED).unlink(missing_ok=True)
    for name in ("models", "erasures"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in folder.glob("churn.db*"):
        path.unlink()


def _has_model(folder: Path) -> bool:
    """Whether a model of today is live; a folder that cannot be trusted is removed, since the demo can make one again.

    If the model of half a year ago is live, the training of today's has ended only where that is noted.
    """
    try:
        cache = BundleCache(folder)
        has_ended = (folder.parent / _TRAINED).exists()
        return cache.champion() is not None and (has_ended or cache.history()[-1].reason != FIRST_REASON)
    except (BundleError, PromotionError):
        shutil.rmtree(folder, ignore_errors=True)
        return False
