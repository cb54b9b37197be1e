"""The requests of callers, answered once more by the version in the shadow: whether it could take over."""

from __future__ import annotations

from dataclasses import dataclass

from churn_mlops.monitoring.measurement import Measurement, Status, too_little

_WAIT = "Wait: no request was logged that the live version answered."


@dataclass(frozen=True)
class Replay:
    """Logged requests, answered by the version in the shadow.

    Args:
        requests: that the live version answered.
        refused: of these, the ones that the version in the shadow would refuse.
        changed: of these, the ones with another verdict: one says that the customer leaves, the other that they stay.
        seconds: the time that its answers took.
    """

    requests: int
    refused: int
    changed: int
    seconds: float


def shadow_requests(part: str, replay: Replay) -> list[Measurement]:
    """The shares of requests that would be refused, and answered otherwise, and milliseconds of an answer.

    Args:
        part: the version in the shadow.
        replay: the requests.

    Returns:
        the figures ``shadow_refused``, ``shadow_changed`` and ``shadow_milliseconds``.
    """
    names = ("shadow_refused", "shadow_changed", "shadow_milliseconds")
    if replay.requests == 0:
        return [too_little(name, part, _WAIT, numerator=0, denominator=0) for name in names]
    counts = {
        "shadow_refused": float(replay.refused),
        "shadow_changed": float(replay.changed),
        "shadow_milliseconds": 1e3 * replay.seconds,
    }
    return [_figure(name, part, count, replay.requests) for name, count in counts.items()]


def _figure(name: str, part: str, count: float, requests: int) -> Measurement:
    status: Status = "act" if name == "shadow_refused" and count else "good"
    step = "Nothing to do."
    if status == "act":
        step = "Let callers send what the new version asks for before it goes live."
    return Measurement(name, part, count / requests, None, None, count, requests, status, step)
