"""Training on a million made-up customers: seconds, trees and peak memory of one type.

python -m bench.training [--type additive_boosting] [--rows 1000000]
"""

from __future__ import annotations

import argparse
import json
import resource
import time

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.models import ChurnModel

NUMBERS, CATEGORIES = 17, 8


def customers(rows: int, seed: int = 0) -> tuple[pa.Table, npt.NDArray[np.int_]]:
    """Customers of 25 features, and who left, some 9 %: by steps, bends, a wave and one pair."""
    rng = np.random.default_rng(seed)
    numbers = {f"number_{place}": rng.normal(size=rows) for place in range(NUMBERS)}
    levels = np.array(["a", "b", "c", "d", "e"])
    categories = {f"category_{place}": levels[rng.integers(0, len(levels), rows)] for place in range(CATEGORIES)}
    step, bend, first, second, wave = list(numbers.values())[:5]
    log_odds = step + 0.5 * np.abs(bend) + 0.5 * first * second + 0.3 * np.sin(2 * wave) - 3.4
    log_odds += 0.6 * (categories["category_0"] == "a")
    left = rng.random(rows) < 1 / (1 + np.exp(-log_odds))
    return pa.table({**numbers, **categories}), left.astype(int)


def main() -> None:
    """Fit once, and print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--type", default="additive_boosting")
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    table, left = customers(given.rows)
    start = time.perf_counter()
    model = ChurnModel(given.type, seed=1).fit(table.to_pandas(), left)
    seconds = time.perf_counter() - start
    training = model.bundle_.training
    found = {
        "rows": given.rows,
        "features": NUMBERS + CATEGORIES,
        "type": model.bundle_.model_type,
        "setting": training["setting"],
        "trees_of_bags": training["chosen"]["trees_of_bags"],
        "seconds": round(seconds, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
