"""Trees as arrays, from LightGBM's text and back into a text that LightGBM can be trusted with.

LightGBM reads a text without checking it, and not as Python would read the same text. So a bundle holds arrays, which
are checked here, and what LightGBM reads is written from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
MOST_LEAVES = 255  # of one tree; LightGBM walks down by recursion
_CATEGORICAL = 1
_KINDS = 12  # two bits, and three ways to treat missing values
_WORD = 2**32
_LARGEST = 1e308


@dataclass(frozen=True)
class Tree:
    """One tree of two leaves or more, as LightGBM keeps it.

    Args:
        split_feature: of each inner node, shape (leaves - 1,).
        threshold: of each inner node, or the place of its set of categories.
        decision_type: of each inner node, LightGBM's bits.
        left_child: of each inner node: another one, or -1 less the place of a leaf.
        right_child: likewise.
        leaf_value: log-odds of each leaf, shape (leaves,).
        leaf_count: training rows of each leaf, 1 or more.
        cat_boundaries: where each set of categories begins among the words, and where the last ends.
        cat_threshold: words of 32 bits, one bit for each category that goes left.
    """

    split_feature: Integers
    threshold: Floats
    decision_type: Integers
    left_child: Integers
    right_child: Integers
    leaf_value: Floats
    leaf_count: Integers
    cat_boundaries: Integers
    cat_threshold: Integers

    def scaled(self, share: float) -> Tree:
        """The tree with its values times ``share``."""
        return replace(self, leaf_value=self.leaf_value * share)

    def to_plain(self) -> dict[str, list[Any]]:
        """Lists of numbers, from which :func:`tree_from_plain` makes an equal tree."""
        return {field.name: getattr(self, field.name).tolist() for field in fields(self)}


def tree_from_plain(data: dict[str, Any], features: int) -> Tree:
    """The tree that :meth:`Tree.to_plain` described, of so many features, checked.

    Raises:
        ValueError, KeyError, TypeError: it is none, or LightGBM would read outside of its memory or never end.
    """
    tree = Tree(**{field.name: _array(data[field.name], _kind(field.name)) for field in fields(Tree)})
    leaves = len(tree.leaf_value)
    if not 2 <= leaves <= MOST_LEAVES:
        raise ValueError(f"a tree has {leaves} leaves")
    nodes = (tree.split_feature, tree.threshold, tree.decision_type, tree.left_child, tree.right_child)
    if any(len(array) != leaves - 1 for array in nodes) or len(tree.leaf_count) != leaves:
        raise ValueError("the arrays of a tree differ in length")
    if not np.isfinite(tree.leaf_value).all() or not np.isfinite(tree.threshold).all() or (tree.leaf_count < 1).any():
        raise ValueError("a leaf without a value or without rows, or a split without a threshold")
    if (tree.split_feature < 0).any() or (tree.split_feature >= features).any():
        raise ValueError("a split of a feature that is not there")
    if (tree.decision_type < 0).any() or (tree.decision_type >= _KINDS).any():
        raise ValueError("a split of no known kind")
    _check_paths(tree)
    _check_categories(tree)
    return tree


def _check_paths(tree: Tree) -> None:
    inner = np.arange(len(tree.threshold))
    children = np.concatenate([tree.left_child, tree.right_child])
    # LightGBM numbers a node after its parent, so that every path ends; each node and leaf but the root has one parent.
    backwards = [(child >= 0) & (child <= inner) for child in (tree.left_child, tree.right_child)]
    everything = np.r_[-len(tree.leaf_value) : 0, 1 : len(inner)]
    if np.any(backwards) or not np.array_equal(np.sort(children), everything):
        raise ValueError("a path of a tree never ends, or leads nowhere")


def _check_categories(tree: Tree) -> None:
    sets = tree.threshold[(tree.decision_type & _CATEGORICAL) > 0]
    bounds, words = tree.cat_boundaries, tree.cat_threshold
    if not len(sets) and not len(bounds) and not len(words):
        return
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != len(words) or (np.diff(bounds) < 1).any():
        raise ValueError("the sets of categories do not fit")
    if (sets != np.round(sets)).any() or (sets < 0).any() or (sets >= len(bounds) - 1).any():
        raise ValueError("a split by a set of categories that is not there")
    if (words < 0).any() or (words >= _WORD).any():
        raise ValueError("a set of categories is none")


def _kind(field: str) -> type:
    return float if field in {"threshold", "leaf_value"} else int


def _array(values: Any, kind: type) -> npt.NDArray[Any]:
    if not isinstance(values, list) or not all(type(value) in {int, kind} for value in values):
        raise ValueError("a tree holds something other than numbers")
    return np.array(values, dtype=kind)


def read_trees(model_text: str) -> tuple[list[Tree], float]:
    """The trees of a text that LightGBM wrote here, and the summed values of those that are a single leaf."""
    trees, constant = [], 0.0
    for block in model_text.split("\nend of trees", 1)[0].split("\nTree=")[1:]:
        held = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if int(held["num_leaves"]) == 1:
            constant += float(held["leaf_value"])
            continue
        arrays: dict[str, npt.NDArray[Any]] = {
            field.name: np.array(held.get(field.name, "").split(), dtype=_kind(field.name)) for field in fields(Tree)
        }
        # A split of missing from all numbers; JSON has no infinity.
        arrays["threshold"] = np.clip(arrays["threshold"], -_LARGEST, _LARGEST)
        trees.append(Tree(**arrays))
    return trees, constant


def with_log_odds_leaves(trees: Sequence[Tree], base: float, weight: float) -> list[Tree]:
    """A LightGBM forest whose leaves hold log-odds of their rows' share, drawn towards the base rate.

    LightGBM's forest mode makes one Newton step from the base rate, so that its leaves are linear in the share of rows
    that left; their mean is no log-odds, and a calibration of it misses both ends.

    Args:
        trees: of a forest for the objective "binary".
        base: share of its training rows that left, in (0, 1).
        weight: rows at the base rate that are added to every leaf, above 0.
    """
    log_base = np.log(base / (1.0 - base))
    drawn = []
    for tree in trees:
        share = np.clip(base + (tree.leaf_value - log_base) * base * (1.0 - base), 0.0, 1.0)
        share = np.clip(share + (base - share) * weight / (tree.leaf_count + weight), 1e-9, 1 - 1e-9)
        drawn.append(replace(tree, leaf_value=np.log(share / (1.0 - share))))
    return drawn


def write_text(trees: Sequence[Tree], features: int) -> str:
    """The text of ``trees``, of so many features, as LightGBM reads it."""
    header = [
        "tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "label_index=0",
        f"max_feature_idx={features - 1}", "objective=binary sigmoid:1",
        "feature_names=" + " ".join(f"Column_{place}" for place in range(features)),
        "feature_infos=" + " ".join(["[-1e308:1e308]"] * features), "",
    ]  # fmt: skip
    blocks = [line for place, tree in enumerate(trees) for line in _block(place, tree)]
    return "\n".join([*header, *blocks, "end of trees", ""])


def _block(place: int, tree: Tree) -> Iterator[str]:
    yield f"Tree={place}"
    yield f"num_leaves={len(tree.leaf_value)}"
    yield f"num_cat={max(len(tree.cat_boundaries) - 1, 0)}"
    for field in fields(Tree):
        values = getattr(tree, field.name).tolist()
        if values:
            yield f"{field.name}={' '.join(map(repr, values))}"
    yield f"internal_count={' '.join(map(str, _rows_below(tree)))}"
    yield "is_linear=0"
    yield "shrinkage=1"
    yield ""


def _rows_below(tree: Tree) -> list[int]:
    """Training rows of each inner node: those of its leaves."""
    rows = [0] * len(tree.threshold)
    for node in reversed(range(len(rows))):
        for child in (int(tree.left_child[node]), int(tree.right_child[node])):
            rows[node] += rows[child] if child >= 0 else int(tree.leaf_count[~child])
    return rows
