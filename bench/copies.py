"""What copies of customers do to the calibration of boosted trees, on customers whom no model knows (``make study``).

Each file has 5,000 made-up customers, and 560 of them again under another ID. Boosted trees are fitted twice: with the
copies of a customer on one side of every fold, as training does, and as if they were different customers. Prints a line
of JSON for each kind: the calibration slope of each file on 40,000 other customers, first with the copies together.

    python -m bench.copies
"""

from __future__ import annotations

import json

import numpy as np

from bench.simulated import KINDS
from churn_mlops.data.proposal.flat_proposal import propose_for_frame
from churn_mlops.models.calibration import fit_calibration
from churn_mlops.models.train import fit_bundle

FILES, CUSTOMERS, COPIES, OTHERS = 6, 5_000, 560, 40_000


def slopes(kind: str, seed: int) -> tuple[float, float]:
    """The slope with the copies of a customer on one side of every fold, and with copies as different customers."""
    draw = np.random.default_rng(seed)
    made = KINDS[kind](draw, CUSTOMERS + OTHERS)
    y = made.left.astype(np.float64)
    rows = np.r_[np.arange(CUSTOMERS), draw.choice(CUSTOMERS, COPIES, replace=False)]
    draw.shuffle(rows)
    known, others = made.customers.iloc[rows], made.customers.iloc[CUSTOMERS:]
    contract = propose_for_frame(known).contract

    def slope(groups: np.ndarray) -> float:
        bundle = fit_bundle(known, y[rows], contract, "boosting", groups=groups, seed=seed)
        scores = bundle.model.log_odds(bundle.engineer.transform(others))
        return round(fit_calibration(scores, y[CUSTOMERS:], prior=False).slope, 3)

    return slope(rows), slope(np.arange(len(rows)))


def main() -> None:
    """Print the slopes of each kind."""
    for kind in ("three-way interaction", "no interaction"):
        found = [slopes(kind, seed) for seed in range(1, FILES + 1)]
        together, apart = (list(each) for each in zip(*found, strict=True))
        print(json.dumps({"kind": kind, "together": together, "apart": apart}), flush=True)


if __name__ == "__main__":
    main()
