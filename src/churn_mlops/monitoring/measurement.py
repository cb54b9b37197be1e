"""The form of every figure of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["good", "watch", "act", "too_little"]


@dataclass(frozen=True)
class Measurement:
    """One figure, with what it is made of and what it asks for.

    Args:
        name: what is measured, such as "auc"; `docs/dashboard.md` has a heading for each.
        part: what it is about: an as-of date, the number of a campaign, a segment, a feature; empty for the whole.
        value: the figure; None where there is too little data to say.
        low: lower end of the 95 % interval; None where the figure has no interval.
        high: upper end.
        numerator: what is counted above the line, None where the figure is no ratio.
        denominator: what is counted below the line; the number of customers where the figure is no ratio.
        status: "good", "watch" (look again), "act" (do something), or "too_little" data to say.
        next_step: what to do next, one sentence.
        is_final: False where the figure is an estimate: the labels it needs are not final.
    """

    name: str
    part: str
    value: float | None
    low: float | None
    high: float | None
    numerator: float | None
    denominator: float | None
    status: Status
    next_step: str
    is_final: bool = True


def too_little(
    name: str,
    part: str,
    next_step: str,
    *,
    numerator: float | None = None,
    denominator: float | None = None,
    is_final: bool = True,
) -> Measurement:
    """A measurement without a figure, because there is too little data to say."""
    return Measurement(name, part, None, None, None, numerator, denominator, "too_little", next_step, is_final)
