"""LightGBM's text of a model: several joined into one, and one checked before LightGBM reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

_CATEGORICAL = 1
_VALUES = re.compile(r"^(leaf_value=|internal_value=)(.*)$", flags=re.MULTILINE)


def merged(model_texts: Sequence[str], shares: Sequence[float]) -> str:
    """One LightGBM text whose score is the sum of the given models' trees, the values of each times its share.

    Args:
        model_texts: of ``Booster.model_to_string``, of the same features.
        shares: factor of each model's leaf values.
    """
    header = model_texts[0].split("\nTree=", 1)[0]
    # Without the sizes, LightGBM reads the trees one by one; a forest's own averaging is in the shares already.
    lines = [line for line in header.splitlines() if not line.startswith(("tree_sizes=", "average_output"))]
    trees: list[str] = []
    for text, share in zip(model_texts, shares, strict=True):
        for block in _blocks(text):
            _, rest = block.split("\n", 1)
            trees.append(f"Tree={len(trees)}\n{_scaled_values(rest.rstrip(), share)}\n")
    return "\n".join([*lines, "", *(f"{tree}\n" for tree in trees), "end of trees", ""])


def with_log_odds_leaves(model_text: str, base: float, weight: float) -> str:
    """A LightGBM forest whose leaves hold log-odds of their rows' share, drawn towards the base rate.

    LightGBM's forest mode makes one Newton step from the base rate, so that its leaves are linear in the share of rows
    that left; their mean is no log-odds, and a calibration of it misses both ends.

    Args:
        model_text: of a forest for the objective "binary".
        base: share of its training rows that left, in (0, 1).
        weight: rows at the base rate that are added to every leaf, above 0.
    """
    log_base = float(np.log(base / (1.0 - base)))

    def leaves(block: str) -> str:
        tree = _fields(block)
        values = np.array(tree["leaf_value"].split(), dtype=float)
        rows = np.array(tree["leaf_count"].split(), dtype=float) if len(values) > 1 else np.full(1, np.inf)
        share = np.clip(base + (values - log_base) * base * (1.0 - base), 0.0, 1.0)
        drawn = share + (base - share) * weight / (rows + weight)
        drawn = np.clip(drawn, 1e-9, 1 - 1e-9)
        texts = " ".join(map(repr, np.log(drawn / (1.0 - drawn)).tolist()))
        return re.sub(r"^leaf_value=.*$", f"leaf_value={texts}", block, flags=re.MULTILINE)

    header = [line for line in model_text.split("\nTree=", 1)[0].splitlines() if not line.startswith("tree_sizes=")]
    trees = "".join(f"\nTree={leaves(block)}" for block in _blocks(model_text))
    return "\n".join(header) + f"\n{trees}\nend of trees\n"


def check(model_text: str, features: int) -> None:
    """Raise ValueError where LightGBM, which trusts its texts, would read outside of its memory or never end."""
    header = _fields(model_text.split("\nTree=", 1)[0])
    if int(header["max_feature_idx"]) != features - 1 or int(header["num_class"]) != 1:
        raise ValueError(f"the trees are not of one class and {features} features")
    if header["objective"].split(" ")[0] != "binary" or int(header["num_tree_per_iteration"]) != 1:
        raise ValueError("the trees do not give log-odds of two classes")
    for place, block in enumerate(_blocks(model_text)):
        try:
            _check_tree(_fields(block), features)
        except (KeyError, ValueError) as error:
            raise ValueError(f"tree {place} is not one ({type(error).__name__}: {error})") from None


def _check_tree(tree: dict[str, str], features: int) -> None:
    leaves, categories = int(tree["num_leaves"]), int(tree["num_cat"])
    if leaves < 1 or int(tree.get("is_linear", "0")):
        raise ValueError("leaves of one value each are needed")
    if not np.isfinite(_array(tree["leaf_value"], leaves, float)).all():
        raise ValueError("leaf_value")
    if leaves == 1:
        return
    nodes = np.arange(leaves - 1)
    split = _array(tree["split_feature"], leaves - 1)
    kinds = _array(tree["decision_type"], leaves - 1)
    thresholds = _array(tree["threshold"], leaves - 1, float)
    children = [_array(tree[name], leaves - 1) for name in ("left_child", "right_child")]
    both = np.concatenate(children)
    # LightGBM numbers a node after its parent, so that every path ends.
    if any(((child >= 0) & (child <= nodes)).any() for child in children) or len(np.unique(both)) != len(both):
        raise ValueError("a path that never ends")
    if both.min() < -leaves or both.max() >= leaves - 1:
        raise ValueError("a child that is not there")
    if split.min() < 0 or split.max() >= features or np.isnan(thresholds).any():
        raise ValueError("a split of a feature that is not there")
    _check_categories(tree, categories, thresholds[(kinds & _CATEGORICAL) > 0])


def _check_categories(tree: dict[str, str], categories: int, used: npt.NDArray[Any]) -> None:
    if categories != len(used):
        raise ValueError("num_cat")
    if not categories:
        return
    bounds = _array(tree["cat_boundaries"], categories + 1)
    words = _array(tree["cat_threshold"], int(bounds[-1]))
    if (used < 0).any() or (used >= categories).any() or bounds[0] != 0 or (np.diff(bounds) < 0).any():
        raise ValueError("cat_boundaries")
    if (words < 0).any() or (words >= 2**32).any():
        raise ValueError("cat_threshold")


def _array(text: str, size: int, kind: type = int) -> npt.NDArray[Any]:
    values = np.array(text.split(), dtype=float)
    if values.shape != (size,) or (kind is int and (values != values.round()).any()):
        raise ValueError(f"{size} numbers are needed where {len(values)} stand")
    return values.astype(np.int64) if kind is int else values


def _blocks(model_text: str) -> list[str]:
    return model_text.split("\nend of trees", 1)[0].split("\nTree=")[1:]


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _scaled_values(block: str, share: float) -> str:
    def scale(match: re.Match[str]) -> str:
        values = " ".join(repr(float(value) * share) for value in match[2].split())
        return f"{match[1]}{values}"

    return _VALUES.sub(scale, block)
