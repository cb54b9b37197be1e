"""One outage: what is done to the site while it is loaded, what may be refused meanwhile, and what came of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.outages.answers import KINDS, Allowed, Tally, told
from bench.outages.site import Site, site, wait
from bench.outages.steady import Fault, Steady
from churn_mlops.store import open_store
from churn_mlops.store.contacts import contacts
from churn_mlops.store.prediction_log import records_of

RECOVERY_SECONDS = 5.0


@dataclass(frozen=True)
class Scenario:
    """An outage.

    Args:
        name: by which it is asked for.
        fault: what is done.
        allowed: kinds and verdicts that are no failure.
        loses: whether answers may be lost: of a process that is killed those of the last tenth of a second, and under
            more load than the store can take those that are counted as dropped.
        own_clocks: whether the replicas have clocks that can be set.
        settings: of the replicas, as in the environment.
    """

    name: str
    fault: Fault
    allowed: Allowed = frozenset()
    loses: bool = False
    own_clocks: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def site(self, replicas: int = 3) -> Iterator[Site]:
        """A site that it can be run on."""
        with site(replicas, own_clocks=self.own_clocks, settings=self.settings) as made:
            yield made

    def run(self, made: Site, *, before: int = 20, calm: float = 0.0, pace: float = 1.0) -> dict[str, Any]:
        """Load the site, harm it, and count.

        Args:
            made: the site, every replica ready.
            before: requests of each kind that are answered before the fault and after it.
            calm: seconds of load after the fault, in which whatever goes wrong late has time to.
            pace: by how much the pauses between requests are longer than usual.
        """
        steady = Steady(made, self.name, pace)
        made.notes.clear()
        with steady.running():
            steady.until_well(before)
            ended = self.fault(made, steady)
            steady.until_well(before)
            steady.go_on(calm)
        made.notes["until all is written, s"] = round(wait(made.all_is_kept, "all that was said is written"), 2)
        return self._found(made, steady, ended)

    def _found(self, made: Site, steady: Steady, ended: float) -> dict[str, Any]:
        tally = Tally(tuple(steady.answers), self.allowed)
        with open_store(made.store.address) as store:
            kept = {id: records_of(store, id) for id in steady.said}
            recorded = Counter(one.key for one in contacts(store, limit=10_000_000))
        changed = sum(bool(found) and found[0].answer.encode() != steady.said[id][1] for id, found in kept.items())
        seconds = max(one.ended for one in steady.answers) - min(one.began for one in steady.answers)
        return {
            "scenario": self.name,
            "seconds": round(seconds, 1),
            "requests": len(steady.answers),
            "failed": len(tally.failures),
            "wrong": tally.wrong + changed,
            "contacts acknowledged": len(steady.acknowledged),
            "contacts lost": sum(recorded[key] != 1 for key in steady.acknowledged),
            "answers": len(kept),
            "answers not kept": sum(not found for found in kept.values()),
            "answers dropped": made.dropped(),
            "recovery, s": round(tally.recovery(ended), 2),
            "slowest prediction, ms": round(tally.slowest_ms({"predict"}), 1),
            "slowest, ms": round(tally.slowest_ms(KINDS), 1),
            "excused": told(tally.excused),
            "failures": told(tally.failures),
            **made.notes,
        }


def missed(scenario: Scenario, found: dict[str, Any]) -> list[str]:
    """Which bars were missed."""
    bars = dict.fromkeys(("failed", "wrong", "contacts lost", "neither answered nor refused"), 0.0)
    bars |= {"recovery, s": RECOVERY_SECONDS} | ({} if scenario.loses else {"answers not kept": 0})
    return [name for name, most in bars.items() if found.get(name, 0) > most]
