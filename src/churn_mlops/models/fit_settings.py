"""Settings and progress of a fit. Needs no library that a fit needs: constructors and jobs name them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from churn_mlops.cores import usable_cores

Progress = Callable[[int, int], None]
"""Is called with the steps that are done, and with all of them."""


@dataclass(frozen=True)
class FitSettings:
    """Settings of a fit; the defaults serve every data set.

    Args:
        bags: cross-validation splits, one bag of trees for each (2 or more).
        ways: ways to split the rows, each with its bags, 1 or 2; with many churners one is enough.
        learning_rate: step of each tree, in (0, 1]; on ``MANY_ROWS`` or more, twice that.
        max_trees: most trees of a bag; early stopping usually ends it long before.
        patience: trees without gain on the held-out part after which a bag stops.
        settings_cells: most cells, rows times features, on which settings, and the type, are chosen.
        threads: threads of a fit on many rows, 1 or more; None means one for each core that the process may use.
    """

    bags: int = 5
    ways: int = 2
    learning_rate: float = 0.05
    max_trees: int = 5000
    patience: int = 50
    settings_cells: int = 2_000_000
    threads: int | None = None

    def __post_init__(self) -> None:
        whole = {"bags": 2, "ways": 1, "max_trees": 1, "patience": 1, "settings_cells": 1}
        if self.threads is not None:
            whole["threads"] = 1
        bounds = {name: type(getattr(self, name)) is int and getattr(self, name) >= low for name, low in whole.items()}
        bounds["learning_rate"] = isinstance(self.learning_rate, float | int) and 0 < self.learning_rate <= 1
        wrong = [f"{name}={getattr(self, name)!r}" for name, right in bounds.items() if not right]
        if wrong:
            raise ValueError(f"settings out of range: {', '.join(wrong)}; see FitSettings")

    @property
    def cores(self) -> int:
        """Threads of a fit on many rows."""
        return self.threads or usable_cores()
