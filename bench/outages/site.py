"""The site: replicas behind a proxy, with keys, on one PostgreSQL, and a second one with the customers."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import psycopg

from bench.outages.databases import Database, database
from bench.outages.proxy import proxy
from bench.outages.replicas import Replica
from churn_mlops.config import Settings
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.scoring.publishing import publish
from tests.companies.versions import CUSTOMER, version_of
from tests.store.builders import batch, run

REPLICAS = 3
CUSTOMERS = 40
PATIENCE_SECONDS = 60.0


@dataclass
class Site:
    """What is loaded and harmed.

    Args:
        folder: working directory of the replicas.
        store: the database that they share.
        source: the database that customers are read from.
        replicas: the servers.
        port: of the proxy.
        key: lets in whoever loads it.
    """

    folder: Path
    store: Database
    source: Database
    replicas: list[Replica]
    port: int = 0
    key: str = field(default="", repr=False)
    newest: int = 1
    """The number of the version that was published last."""
    notes: dict[str, Any] = field(default_factory=dict)
    """Figures of an outage that others do not have."""

    @cached_property
    def deployer(self) -> Deployer:
        """The machine on which models are promoted."""
        models = {"folder": self.folder / "promoting"}
        return Deployer(Settings.model_validate({"models": models, "store": {"url": self.store.address}}))

    def promote(self) -> str:
        """Make a new version the champion, and tell which."""
        number = self.newest + 1
        self.deployer.deploy(named(version_of(number)), version=str(number), provenance={}, reason="the campaign")
        self.newest = number
        return str(number)

    def all_serve(self, version: str) -> bool:
        """Whether every replica that answers serves ``version``."""
        return all(replica.ready().get("model_version") == version for replica in self.replicas)

    def all_is_kept(self) -> bool:
        """Whether no replica has answers that wait for the store."""
        told = [replica.ready() for replica in self.replicas]
        return all(one.get("answers_waiting") == 0 and one.get("store") == "reachable" for one in told)

    def dropped(self) -> int:
        """How many answers the replicas say they never kept."""
        return sum(int(replica.ready().get("answers_dropped", 0)) for replica in self.replicas)


@contextmanager
def site(
    replicas: int = REPLICAS, *, own_clocks: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[Site]:
    """A site with every replica ready, which ends with the block.

    Args:
        replicas: how many servers there are, three at most.
        own_clocks: whether each has a clock that can be set.
        settings: of the replicas, besides those that the site needs.
    """
    with tempfile.TemporaryDirectory(prefix="churn-site-") as name, ExitStack() as stack:
        folder = Path(name)
        store, source = stack.enter_context(database()), stack.enter_context(database())
        environ = {
            "CHURN__STORE__URL": store.address,
            "CHURN__SOURCE__URL": source.address,
            "CHURN__SOURCE__TABLE": "customers",
        } | dict(settings or {})
        made = [Replica(number, folder, environ, own_clock=own_clocks) for number in range(1, replicas + 1)]
        found = Site(folder, store, source, made)
        _fill(found)
        # A proxy that is set up for three takes those that are not there for servers that are down.
        ports = [made[min(place, replicas - 1)].port for place in range(REPLICAS)]
        try:
            for replica in made:
                replica.start()
            wait(lambda: all(replica.is_ready for replica in made), "every replica is ready")
            for replica in made:
                wait(partial(replica.reads_the_source, found.key, name_of(0)), "the replica reads the source")
            # Last: it takes every replica to be there until it has looked.
            found.port = stack.enter_context(proxy(ports, folder / "proxy.log"))
            yield found
        finally:
            for replica in made:
                replica.kill()


def wait(happened: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> float:
    """Wait until ``happened``; gives the seconds that it took.

    Raises:
        TimeoutError: it has not within ``seconds``.
    """
    began = time.monotonic()
    while not happened():
        if time.monotonic() - began > seconds:
            raise TimeoutError(f"not within {seconds:g} seconds: {what}")
        time.sleep(0.02)  # a poll: times are right to this much
    return time.monotonic() - began


def named(bundle: Bundle) -> Bundle:
    """The bundle, with customers who have a name: only they can be asked for by it."""
    return replace(bundle, contract=bundle.contract.model_copy(update={"customer": "customer_id"}))


def name_of(place: int) -> str:
    """The name of a customer, of whom there are ``CUSTOMERS``."""
    return f"C{place:06d}"


def customer(place: int) -> dict[str, Any]:
    """What a request holds of him, and the source too; no two have the same score."""
    return CUSTOMER | {"tenure": place}


def published_score(place: int) -> float:
    """What the last daily run said of him, which no version says."""
    return round(0.999 - place / 1000, 3)


@cache
def score(version: str, place: int) -> float:
    """What ``version`` has to say of him."""
    return _predictor(version).score_one(customer(place))


@cache
def _predictor(version: str) -> ChurnPredictor:
    return ChurnPredictor(version_of(int(version)))


def _fill(made: Site) -> None:
    """Keys, the first champion and a published list in the store; the customers in the source."""
    names = [name_of(place) for place in range(CUSTOMERS)]
    with open_store(made.store.address) as store:
        made.key, _ = make_key(store, "load", "service", by="the campaign")
        publish(store, run(version="1"), [batch(names, [published_score(place) for place in range(CUSTOMERS)])])
    made.deployer.deploy(named(version_of(1)), version="1", provenance={}, reason="the first")
    rows = [customer(place) | {"customer_id": name_of(place)} for place in range(CUSTOMERS)]
    with psycopg.connect(made.source.address) as source:
        source.execute(
            "CREATE TABLE customers (customer_id text PRIMARY KEY, tenure integer, charges double precision, "
            "senior integer, plan text, channel text)"
        )
        with source.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO customers VALUES "
                "(%(customer_id)s, %(tenure)s, %(charges)s, %(senior)s, %(plan)s, %(channel)s)",
                rows,
            )
