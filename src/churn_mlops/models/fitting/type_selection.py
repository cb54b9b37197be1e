"""``auto``: fits every type on the same folds, and takes the simplest that is not worse beyond noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn_mlops.models.fitting.inputs import Fitted, log_losses
from churn_mlops.models.scorers.lookup_tables import Floats

GLASS_BOXES = ("logistic_regression", "additive_boosting")


@dataclass(frozen=True)
class Excess:
    """How much more log loss a type has than the best, out of fold, row for row.

    Args:
        log_loss: mean, nats a customer.
        excess: mean excess over the best type, nats a customer; 0 for the best.
        error: standard error of ``excess``, row for row.
    """

    log_loss: float
    excess: float
    error: float


def compare_types(fits: Mapping[str, Fitted], y: Floats) -> dict[str, Excess]:
    """Compare calibrated out-of-fold log losses, row for row.

    Args:
        fits: by type.
        y: 1 where the customer left, else 0, shape (rows,).
    """
    losses = {name: _calibrated_losses(fitted, y) for name, fitted in fits.items()}
    best = min(losses, key=lambda name: float(losses[name].mean()))
    compared = {}
    for name, loss in losses.items():
        excess = loss - losses[best]
        error = float(excess.std(ddof=1) / np.sqrt(len(excess)))
        compared[name] = Excess(float(loss.mean()), float(excess.mean()), error)
    return compared


def choose_type(compared: Mapping[str, Excess]) -> str:
    """The first type, in the order given, whose excess over the best is within one standard error."""
    return next(name for name, found in compared.items() if found.excess <= found.error)


def in_words(compared: Mapping[str, Excess], chosen: str) -> str:
    """The choice and how it compares with the best other; for a black box, also the cost of the best glass box."""
    ranked = sorted(compared, key=lambda name: compared[name].log_loss)
    best, rival = ranked[0], next(name for name in ranked if name != chosen)
    first = (
        f"{chosen} has the lowest out-of-fold log loss"
        if chosen == best
        else f"{chosen} is the simplest within one standard error of the best, {best}"
    )
    sentence = f"{first}. Its log loss is {_against(compared, chosen, rival)} than that of {rival}, the best other."
    glass = next((name for name in ranked if name in GLASS_BOXES), None)
    if glass is None or chosen in GLASS_BOXES or glass == rival:
        return sentence
    return f"{sentence} That of {glass}, the best glass box, would be {_against(compared, glass, chosen)}."


def _against(compared: Mapping[str, Excess], name: str, rival: str) -> str:
    """How much higher or lower the log loss of ``name`` is, and that lower is better."""
    difference = compared[name].log_loss - compared[rival].log_loss
    share = 100 * abs(difference) / compared[rival].log_loss
    shown = f"{share:.2g}" if share < 99.5 else f"{share:.0f}"
    return f"{abs(difference):.5f} ({shown} %) {'higher (worse)' if difference > 0 else 'lower (better)'}"


def as_plain(compared: Mapping[str, Excess], chosen: str) -> dict[str, Any]:
    """The comparison as plain data, for the bundle and the record."""
    types = {
        name: {"log_loss": found.log_loss, "excess": found.excess, "error": found.error}
        for name, found in compared.items()
    }
    return {"chosen": chosen, "types": types, "sentence": in_words(compared, chosen)}


def _calibrated_losses(fitted: Fitted, y: Floats) -> Floats:
    return log_losses(fitted.calibration(y).of(fitted.out_of_fold), y)
