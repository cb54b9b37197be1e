"""Whether `churn init` reads a company's database as it is meant: 300 companies and 40 panels; ``make study``.

A company is drawn by its seed (`tests/companies/known_truth`). Each aspect of the proposed contract is right, asked
about, or silently wrong. Prints what is silently wrong, writes the counts to ``bench/truth.json``.

    python -m bench.truth [--draws 300] [--panels 40]
    python -m bench.truth --seed 7
    python -m bench.truth --shapes "the end in the customers, stripe, billing periods"
    python -m bench.truth --each

With ``--seed`` or ``--shapes``, one company: its tables, the verdicts and the findings. With ``--each``, each shape
alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tests.companies.known_truth.company import Company
from tests.companies.known_truth.draw import DISGUISES, drawn, drawn_panel, made
from tests.companies.known_truth.names import STYLES
from tests.companies.known_truth.structures import PANELS, STRUCTURES
from tests.companies.known_truth.verdicts import proposed, verdicts
from tests.data.leakage.leaky_companies import KINDS, LEAK

TRAINED_EVERY = 10
"""Of so many draws, one goes on to the leakage checks of a training."""
LEAKY = 3
"""Companies of each kind of leak."""
RESULTS = Path("bench/truth.json")


def study(draw: Callable[[int], Company], draws: int) -> dict[str, Any]:
    """The counts over ``draws`` companies, by aspect, and the shapes that the silently wrong ones have."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    wrong, seconds = [], time.perf_counter()
    for seed in range(1, draws + 1):
        company = draw(seed)
        found = verdicts(company, training=seed % TRAINED_EVERY == 0)
        for one in found:
            counts[one.aspect.split(" of ")[0]][one.verdict] += 1
        amiss = [str(one) for one in found if one.verdict == "silently wrong"]
        if amiss:
            wrong.append(seed)
            print(f"seed {seed}: {', '.join(company.shapes)}", *(f"    {line}" for line in amiss), sep="\n", flush=True)
    about = {"draws": draws, "silently_wrong_contracts": len(wrong), "seeds": wrong}
    each = {"seconds_each": round((time.perf_counter() - seconds) / draws, 2)}
    return about | each | {"aspects": {name: dict(found) for name, found in counts.items()}}


def _caught(kind: str) -> str:
    """In how many of some made-up companies a planted leak is caught, and nothing else is."""
    found = [KINDS[kind].table(seed) for seed in range(1, LEAKY + 1)]
    return f"{sum(set(company.inspected(now).sure) == {LEAK} for company, now in found)} of {LEAKY}"


def show(company: Company) -> None:
    """Print all about a company."""
    print(", ".join(company.shapes), company.truth, sep="\n")
    tables = company.opened()
    for name, table in tables.items():
        print(f"\n{name}", table.limit(4).to_pandas().to_string(), sep="\n")
    print(*verdicts(company, training=True), sep="\n")
    proposal, _ = proposed(company, tables)
    print(*(f"{one.kind}: {one.column}: {one.message}" for one in proposal.findings), sep="\n")
    print(proposal.contract.model_dump(exclude_defaults=True, include={"customer", "tables", "label"}))


def each() -> None:
    """Print what is silently wrong about each shape alone, put into the plainest company."""
    plain = ["the end in the customers", "plain"]
    hands = [[structure, plain[1]] for structure in STRUCTURES | PANELS] + [[plain[0], style] for style in STYLES]
    for shapes in hands + [[*plain, name] for name in DISGUISES]:
        company = made(np.random.default_rng(1), shapes)
        amiss = [f"    {one}" for one in verdicts(company) if one.verdict != "right"]
        print(", ".join(shapes), *amiss, sep="\n", flush=True)


def main() -> None:
    """Run the study, or show one company."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--draws", type=int, default=300)
    parser.add_argument("--panels", type=int, default=40)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shapes", help="a structure, a system, and more, with commas between them")
    parser.add_argument("--each", action="store_true")
    asked = parser.parse_args()
    if asked.seed is not None:
        show(drawn(asked.seed))
    elif asked.shapes is not None:
        show(made(np.random.default_rng(1), [name.strip() for name in asked.shapes.split(",")]))
    elif asked.each:
        each()
    else:
        leaks = {"leaks": {kind: _caught(kind) for kind in KINDS}}
        found = study(drawn, asked.draws) | leaks | {"panels": study(drawn_panel, asked.panels)}
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(found))


if __name__ == "__main__":
    main()
