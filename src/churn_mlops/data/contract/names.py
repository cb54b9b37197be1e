"""Names of features that a contract may not use."""

from __future__ import annotations

from collections.abc import Iterable


def check_feature_names(names: Iterable[str], customer: str) -> None:
    """Check that features of a history and its customer differ by more than case, which some engines do not see.

    Raises:
        ValueError: two names differ in case alone, or one is kept for the columns of snapshots.
    """
    taken = {customer.lower(): "a column of every snapshot"}
    for name in names:
        if name.startswith("__") and name.endswith("__"):
            raise ValueError(f"feature {name!r}: names with two underscores around them are kept for snapshots")
        if name.lower() in taken:
            what = taken[name.lower()]
            raise ValueError(f"feature {name!r} is called like {what}, be it in other case: give it another name")
        taken[name.lower()] = f"feature {name!r}"
