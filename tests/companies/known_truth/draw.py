"""A company at random: one structure, one system's names, and some of all that disguises the truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from tests.companies.known_truth.company import Company
from tests.companies.known_truth.end_fills import END_FILLS
from tests.companies.known_truth.forms import FORMS
from tests.companies.known_truth.names import STYLES
from tests.companies.known_truth.planted_leaks import PLANTED_LEAKS
from tests.companies.known_truth.row_decoys import ROW_DECOYS
from tests.companies.known_truth.structures import PANELS, STRUCTURES
from tests.companies.known_truth.table_decoys import TABLE_DECOYS
from tests.companies.known_truth.time_decoys import TIME_DECOYS, Shape

DISGUISES: dict[str, Shape] = TIME_DECOYS | END_FILLS | ROW_DECOYS | TABLE_DECOYS | PLANTED_LEAKS | FORMS
"""Shapes that can be put into any company; those of another kind of company leave it as it is."""
_AT_MOST: tuple[tuple[Mapping[str, Shape], int], ...] = (
    (TIME_DECOYS, 4), (END_FILLS, 1), (ROW_DECOYS, 2), (TABLE_DECOYS, 2), (PLANTED_LEAKS, 1)
)  # fmt: skip
SHAPES = (*STRUCTURES, *STYLES, *DISGUISES)
"""Everything that a company can be drawn with."""


def drawn(seed: int) -> Company:
    """The company of ``seed``: the same one each time."""
    rng = np.random.default_rng(seed)
    picked = [str(rng.choice(list(STRUCTURES))), str(rng.choice(list(STYLES)))]
    for kinds, most in _AT_MOST:
        picked += rng.choice(list(kinds), int(rng.integers(0, most + 1)), replace=False).tolist()
    if rng.random() < 0.25:
        picked.append(str(rng.choice(list(FORMS))))
    return made(rng, picked)


def drawn_panel(seed: int) -> Company:
    """The panel of ``seed``: the same one each time."""
    rng = np.random.default_rng(seed)
    picked = [str(rng.choice(list(kinds))) for kinds in (PANELS, STYLES)]
    return made(rng, picked + (["all as texts"] if rng.random() < 0.25 else []))


def dealt(seed: int, hands: int, without: Collection[str] = ()) -> list[list[str]]:
    """Shapes for so many companies, every shape at least once among them, dealt as cards are.

    Args:
        seed: of the order.
        hands: companies; each gets a structure and the names of a system.
        without: shapes that are left out.
    """
    rng = np.random.default_rng(seed)
    structures, styles, disguises = (
        [name for name in kinds if name not in without] for kinds in (STRUCTURES, STYLES, DISGUISES)
    )
    found = [[_turn(rng, structures, hand), _turn(rng, styles, hand)] for hand in range(hands)]
    shuffled = rng.permutation(disguises).tolist()
    for place, name in enumerate(sorted(shuffled, key=lambda name: name not in END_FILLS)):  # no two fills meet
        found[place % hands].append(name)
    return [sorted(shapes, key=lambda name: name in FORMS) for shapes in found]


def _turn(rng: np.random.Generator, names: Sequence[str], hand: int) -> str:
    return names[hand] if hand < len(names) else str(rng.choice(names))


def made(rng: np.random.Generator, shapes: list[str]) -> Company:
    """The company of ``shapes``: a structure, a system's names, then what disguises it."""
    structure, style, *disguises = shapes
    company = (STRUCTURES | PANELS)[structure](rng, STYLES[style])
    has_customers = company.truth.customers[0] == company.names.customers
    company.shapes = [structure, style]
    for name in disguises:
        if has_customers or name not in TIME_DECOYS | PLANTED_LEAKS:
            DISGUISES[name](company)
            company.shapes.append(name)
    return company
