"""The finding of a check: one line, whatever else is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from churn_mlops.errors import ChurnError

Status = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Finding:
    """The finding of one check, and what to do next; ``advice`` is blank where nothing is to be done."""

    check: str
    status: Status
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.found}: {self.advice}" if self.advice else self.found


def guarded(check: str, find: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of ``find``; what it cannot get past is a finding too, and hides no other check."""
    try:
        yield from find()
    except (ChurnError, OSError) as error:
        yield Finding(check, "failed", " ".join(str(error).split()) or type(error).__name__)
