"""The result of the leakage checks of a training table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal[
    "too_good", "too_good_at_times", "leavers_only", "named", "foresees", "collapses", "grows", "made_from_label",
    "identifier", "after_the_date", "gone_when_needed", "rewritten", "order_of_rows", "nearly_decided",
]  # fmt: skip

ORDER_OF_ROWS = "(order of rows)"


@dataclass(frozen=True)
class LeakFinding:
    """Why ``feature`` may know what was not known at the time.

    Args:
        feature: its name in the contract.
        kind: the sign by which it was found.
        message: the sign in a plain sentence without its subject, with its figures.
        sure: whether ``--strict`` sets it aside; otherwise it is worth a look.
    """

    feature: str
    kind: Kind
    message: str
    sure: bool = True


@dataclass(frozen=True)
class Canary:
    """A column made up for the run, with a known answer that the leakage checks must find.

    Args:
        name: what it holds.
        leaks: whether it must be caught; noise must be useless instead.
        as_it_should: whether that is what happened.
        message: what was found, in a plain sentence.
    """

    name: str
    leaks: bool
    as_it_should: bool
    message: str


@dataclass(frozen=True)
class LeakageReport:
    """All that was found of a training table.

    Args:
        findings: of the features, by their order, the sure ones of each first.
        canaries: of the made-up columns.
        useless: features that say no more than noise does.
    """

    findings: tuple[LeakFinding, ...] = ()
    canaries: tuple[Canary, ...] = ()
    useless: tuple[str, ...] = ()

    @property
    def sure(self) -> Mapping[str, str]:
        """Features that surely leak, each with its first message."""
        found: dict[str, str] = {}
        for finding in self.findings:
            if finding.sure:
                found.setdefault(finding.feature, finding.message)
        return found

    @property
    def blind(self) -> tuple[Canary, ...]:
        """Made-up columns whose known answer the leakage checks did not find."""
        return tuple(canary for canary in self.canaries if not canary.as_it_should)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the checks are not reliable on these rows, in a sentence each; none where they are."""
        return tuple(
            f"The leakage checks are not reliable here: a made-up column ({canary.name}) {canary.message}."
            for canary in self.blind
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the record."""
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "canaries": [asdict(canary) for canary in self.canaries],
            "useless": list(self.useless),
        }
