"""What goes wrong: each a scenario by its name."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from bench.outages.agreement import agreement
from bench.outages.answers import KINDS, Allowed
from bench.outages.databases import Database
from bench.outages.overload import overload
from bench.outages.processes import family, resident_mb
from bench.outages.replicas import Replica
from bench.outages.scenario import Scenario
from bench.outages.site import Site, named, wait
from bench.outages.steady import Fault, Steady
from churn_mlops.deployment import StoredBundle
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from tests.companies.versions import disagreeing

CHANGES = 20
CLOCKS = {"+1h": 3600, "-1h": -3600, "+1d": 86_400, "-1d": -86_400}
"""As libfaketime writes them, and in seconds."""
ENOUGH = 10
"""Requests of each kind that are answered well between two steps of a fault."""


def champions(changes: int = CHANGES) -> Fault:
    """The champion changes through the store, three times or more; a broken one is planted, the last is rolled back."""

    def change(made: Site, steady: Steady) -> float:
        for number in range(changes):
            if number == changes // 2:
                _plant_broken(made)
                wait(lambda: all("champion_refused" in one.ready() for one in made.replicas), "the bundle is refused")
            _taken_up(made, made.promote())
            steady.until_well(1)
        ended = time.monotonic()
        before = str(made.newest - 1)
        made.deployer.rollback("the end of the campaign")
        _taken_up(made, before)
        return ended

    return change


def killed(which: str, seconds: float = 3.0) -> Fault:
    """A database is killed, and started again after some seconds."""

    def kill(made: Site, steady: Steady) -> float:
        _database(made, which).kill()
        steady.until_not_well()
        steady.go_on(seconds)
        _database(made, which).start()
        return time.monotonic()

    return kill


def hanging(which: str, seconds: float = 8.0) -> Fault:
    """A database takes connections and answers nothing, and goes on after some seconds as if nothing had been."""

    def hang(made: Site, steady: Steady) -> float:
        with _database(made, which).hanging():
            steady.until_not_well()
            steady.go_on(seconds)
        return time.monotonic()

    return hang


def rolling_restart(enough: int = ENOUGH) -> Fault:
    """Every replica is told to stop and started again, one after the other."""

    def restart(made: Site, steady: Steady) -> float:
        for replica in made.replicas:
            code = replica.terminate()
            if code not in (0, -signal.SIGTERM):
                raise RuntimeError(f"replica {replica.number} ended with code {code}; its log is {replica.log}")
            _start_again(replica)
            steady.until_well(enough)
        return time.monotonic()

    return restart


def replica_killed(made: Site, steady: Steady) -> float:
    """A replica is killed, and started again after a while."""
    replica = made.replicas[0]
    replica.kill()
    ended = time.monotonic()
    steady.until_well(ENOUGH)
    _start_again(replica)
    return ended


def worker_killed(made: Site, steady: Steady) -> float:
    """One of the processes that share a replica's port is killed; the replica puts another in its place."""
    replica = made.replicas[0]
    assert replica.process is not None
    workers = family(replica.process.pid)[1:]
    os.kill(max(workers, key=resident_mb), signal.SIGKILL)
    return time.monotonic()


def clocks(offsets: Mapping[str, float] = MappingProxyType(CLOCKS), enough: int = ENOUGH) -> Fault:
    """The clock of one replica, then of all, jumps ahead and back; a champion changes in between."""

    def jump(made: Site, steady: Steady) -> float:
        for offset, seconds in offsets.items():
            for replicas in (made.replicas[:1], made.replicas):
                _set(replicas, offset, seconds)
                steady.until_well(enough)
                _taken_up(made, made.promote())
                steady.until_well(enough)
                _set(replicas, "+0", 0)
        return time.monotonic()

    return jump


_STORE_AWAY: Allowed = frozenset({("contact", "refused"), ("kept", "refused"), ("kept", "not there")})
_LOST: Allowed = frozenset({("kept", "not there")})
_OVERLOADED: Allowed = frozenset({(kind, "refused") for kind in KINDS} | {("risk", "published"), ("kept", "not there")})
_SOURCE_AWAY: Allowed = frozenset({("risk", "published")})
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario("agreement", agreement()),
        Scenario("champions", champions()),
        Scenario("store-killed", killed("store"), _STORE_AWAY),
        Scenario("store-hanging", hanging("store"), _STORE_AWAY),
        Scenario("source-killed", killed("source"), _SOURCE_AWAY),
        Scenario("source-hanging", hanging("source"), _SOURCE_AWAY),
        Scenario("sigterm", rolling_restart()),
        Scenario("replica-killed", replica_killed, _LOST, loses=True),
        Scenario("worker-killed", worker_killed, _LOST, loses=True, settings={"CHURN__SERVING__WORKERS": "2"}),
        Scenario("clock-jump", clocks(), own_clocks=True),
        Scenario("overload", overload(), _OVERLOADED, loses=True),
    )
}


def _start_again(replica: Replica) -> None:
    replica.start()
    wait(lambda: replica.is_ready, "the replica is ready again")


def _database(made: Site, which: str) -> Database:
    return made.store if which == "store" else made.source


def _set(replicas: Sequence[Replica], offset: str, seconds: float) -> None:
    for replica in replicas:
        replica.set_clock(offset)
    for replica in replicas:
        wait(lambda one=replica: abs(one.clock_ahead() - seconds) < 10, f"the clock is {offset} off")  # type: ignore[misc]


def _taken_up(made: Site, version: str) -> None:
    wait(partial(made.all_serve, version), f"every replica serves version {version}")


def _plant_broken(made: Site) -> None:
    """What promotion would refuse: a bundle that does not give its own recorded scores."""
    bundle = named(disagreeing(made.newest + 1000))
    stored = StoredBundle(bundle.sha256, bundle.to_bytes())
    with open_store(made.store.address) as store:
        Deployments(store).deploy(stored, version="broken", model_type=bundle.model_type, reason="the campaign")
