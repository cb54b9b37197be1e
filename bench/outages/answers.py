"""What clients were answered, judged: was it well, refused, late, wrong or not answered at all?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["predict", "contact", "risk", "kept"]
KINDS: tuple[Kind, ...] = ("predict", "contact", "risk", "kept")
Verdict = Literal["well", "published", "not there", "refused", "failed", "wrong"]
"""``published``: of a customer by name, not read from the source but as the daily run said; ``not there``: an answer
that was given seconds ago is answered 404; ``refused``: 503 or 429, with when to ask again; ``failed``: all else
that is no answer, a connection that breaks among them; ``wrong``: an answer, and not the right one."""

Allowed = frozenset[tuple[Kind, Verdict]]
"""What is no failure."""


class Answered(NamedTuple):
    """One request.

    Args:
        kind: what was asked.
        began: when it was sent, in seconds of the monotonic clock.
        seconds: until it was answered, or nothing more was to be expected.
        verdict: what came of it.
        told: the status, or what broke, or why nothing fresh was told.
    """

    kind: Kind
    began: float
    seconds: float
    verdict: Verdict
    told: str

    @property
    def ended(self) -> float:
        """When the answer was there."""
        return self.began + self.seconds


@dataclass(frozen=True)
class Tally:
    """Requests counted, those that a fault allows to be refused set apart.

    Args:
        answers: of all clients.
        allowed: kinds and verdicts that are no failure while the fault lasts, and the seconds of recovery after it.
    """

    answers: tuple[Answered, ...]
    allowed: Allowed = frozenset()

    @property
    def wrong(self) -> int:
        """Answers that were not the right one."""
        return sum(one.verdict == "wrong" for one in self.answers)

    @property
    def failures(self) -> list[Answered]:
        """Requests that were not answered well, and had no reason not to be."""
        return [one for one in self.answers if not self._may_be(one) and one.verdict != "wrong"]

    @property
    def excused(self) -> list[Answered]:
        """Requests that were not answered well, and had a reason."""
        return [one for one in self.answers if one.verdict != "well" and self._may_be(one)]

    def recovery(self, ended: float) -> float:
        """Seconds from when the fault ended until the last request that was not answered well was over.

        An answer that may be kept late is no matter of this: how long that took is told for itself.
        """
        last = max((one.ended for one in self.answers if one.verdict != "well" and not self._late(one)), default=ended)
        return max(0.0, last - ended)

    def slowest_ms(self, kinds: Collection[Kind] = KINDS) -> float:
        """Of the answers of these kinds, well or not."""
        return max((one.seconds * 1e3 for one in self.answers if one.kind in kinds), default=0.0)

    def _late(self, one: Answered) -> bool:
        return one.verdict == "not there" and self._may_be(one)

    def _may_be(self, one: Answered) -> bool:
        return one.verdict == "well" or (one.kind, one.verdict) in self.allowed


def told(answers: Iterable[Answered]) -> dict[str, int]:
    """How often what went wrong, by kind."""
    return dict(sorted(Counter(f"{one.kind} {one.verdict} {one.told}" for one in answers).items()))
