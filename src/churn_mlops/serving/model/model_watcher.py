"""The champion of a running server: taken up within seconds of its going live, refused where it cannot be trusted.

What is live is told by the store and by the folder of this machine; the period that began last counts. While the store
is away, what is live stays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

import structlog

from churn_mlops.config import Settings
from churn_mlops.errors import BundleError, ChurnError, PromotionError, StoreError
from churn_mlops.models.inference import Bands, ChurnPredictor
from churn_mlops.models.promotion import KeptBundle, LiveModel, LiveModels, LivePeriod, merged
from churn_mlops.serving.model.served_model import Live, LiveSource, Refused
from churn_mlops.serving.resilience.store_client import StoreLink
from churn_mlops.store import Store
from churn_mlops.store.deployments import current_period, stored_bundle, stored_periods

Answer = TypeVar("Answer")
TRIES_AT_START = 3
STORE_SECONDS_AT_START = 2.0
_TIMED_ROUNDS = 3
log = structlog.get_logger("churn_mlops.serving")


class SlowBundleError(BundleError):
    """A bundle takes too long to load or to score."""


def load_champion(settings: Settings) -> Live:
    """The model that is live by the folder of this machine alone, ready to serve.

    Raises:
        PromotionError: there is none.
        BundleError: its bundle is damaged, or does not give its own recorded scores.
    """
    champion = LiveModels(settings.models.folder).champion()
    if champion is None:
        raise _nothing_live(settings)
    return live_of(champion, settings)


def live_of(model: LiveModel, settings: Settings) -> Live:
    """``model`` ready to serve.

    Raises:
        BundleError: it does not give its own recorded scores.
    """
    decision = settings.decision
    bands = Bands(medium_from=decision.medium_from, high_from=decision.high_from)
    return Live(
        predictor=ChurnPredictor(model.bundle, threshold=decision.threshold, bands=bands),
        version=model.version,
        live_from=model.live_from,
        model_type=model.bundle.model_type,
        provenance=model.provenance,
        max_batch_rows=settings.serving.max_batch_rows,
        sha256=model.bundle.sha256,
    )


class ChampionWatch:
    """Asks every few seconds which model is live, on a thread of its own, and puts it into ``source`` in one step.

    Args:
        settings: of the sections ``models``, ``decision`` and ``serving``.
        store: what tells it to all replicas.
        source: what requests are answered from.
    """

    def __init__(self, settings: Settings, store: StoreLink, source: LiveSource) -> None:
        self._settings, self._store, self._source = settings, store, source
        self._folder = LiveModels(settings.models.folder)
        self._settled: LivePeriod | None = None
        self._told: str | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="champion", daemon=True)

    def first(self) -> None:
        """Take up the champion before the first request; where it is refused, what was live before it.

        Other replicas refused it too, and stayed with that. Where nothing is known because the store is away, the
        server starts without a model, and is not ready until there is one.

        Raises:
            PromotionError: no model is live, or the folder cannot be read and the store is away.
            BundleError: none of the last models can be trusted.
        """
        periods, is_away = self._periods_at_start()
        if not periods:
            if is_away:
                log.warning("no_model", told="the store is away, and the models folder is empty: not ready until then")
                return
            raise _nothing_live(self._settings)
        failures: list[ChurnError] = []
        latest = {period.sha256: place for place, period in enumerate(periods)}
        for place in sorted(latest.values(), reverse=True)[:TRIES_AT_START]:
            period = periods[place]
            try:
                self._source.current = self._loaded(period)
            except StoreError as error:  # not the bundle's fault: the next look asks again
                failures.append(error)
                continue
            except ChurnError as error:
                failures.append(error)
                self._refuse(period, error)
            self._settled = self._settled or period
            if self._source.current is not None:
                return
        raise failures[0]

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; what is live stays."""
        self._stopped.set()

    def look(self) -> None:
        """Look once; take up or refuse what went live since the last look."""
        newest = self._newest()
        if newest is None or (self._settled is not None and newest.key <= self._settled.key):
            return
        try:
            live = self._loaded(newest)
        except StoreError as error:  # it tells what is live, but not the model: the next look asks again
            self._tell_once(str(error))
            return
        except Exception as error:  # whatever is wrong with a bundle, the server goes on with the present one
            self._settled = newest
            self._refuse(newest, error)
            return
        self._settled = newest
        self._source.go_live(live)
        log.info("champion", model_version=live.version, model_type=live.model_type, live_from=live.live_from)
        self._cache(newest)

    def _run(self) -> None:
        while not self._stopped.wait(self._settings.serving.champion_seconds):
            try:
                self.look()
            except Exception as error:  # whatever it is, the next look may find it gone, and what is live stays
                self._tell_once(type(error).__name__)

    def _newest(self) -> LivePeriod | None:
        """The last period of the folder and the store; where one cannot be asked, that of the other."""
        found, failures = [], []
        for ask in (self._folder.current, self._last_in_store):
            try:
                period = ask()
            except (PromotionError, StoreError) as error:
                failures.append(str(error))
            else:
                found += [] if period is None else [period]
        if failures:
            self._tell_once("; ".join(failures))
        else:
            self._told = None
        return max(found, key=lambda period: period.key, default=None)

    def _last_in_store(self) -> LivePeriod | None:
        last = self._store.ask_now(current_period) if self._store.is_made() else None
        return None if last is None else LivePeriod(**last.texts())

    def _periods_at_start(self) -> tuple[tuple[LivePeriod, ...], bool]:
        """What was live when, and whether the store could not say."""
        here = self._folder.history()
        if not self._store.is_made():
            return here, False
        try:
            there = _within(STORE_SECONDS_AT_START, lambda: self._store.ask_now(_history))
        except (StoreError, TimeoutError) as error:
            log.warning("store_away", told="the models folder of this machine is read", error=str(error))
            return here, True
        return merged(here, there), False

    def _loaded(self, period: LivePeriod) -> Live:
        """The model of ``period``, tried out; whoever waits for it need not wait for a model that never comes."""
        kept = self._folder.kept(period.sha256) or self._from_store(period.sha256)
        limit = self._settings.serving.champion_load_seconds
        try:
            return _within(limit, lambda: self._tried_out(period, kept))
        except TimeoutError:
            raise SlowBundleError(
                f"the model bundle of version {period.version} was not ready in {limit:g} seconds "
                "(serving.champion_load_seconds)"
            ) from None

    def _from_store(self, sha256: str) -> KeptBundle:
        if not self._store.is_made():
            raise BundleError(f"the model bundle {sha256[:12]} is not in {self._folder.folder}, or was altered there")
        bundle = self._store.ask_now(lambda store: stored_bundle(store, sha256))
        return KeptBundle(bundle.sha256, bundle.content, bundle.provenance)

    def _tried_out(self, period: LivePeriod, kept: KeptBundle) -> Live:
        where = f"the bundle of version {period.version}"
        live = live_of(LiveModel(period, kept.read(where), kept.provenance), self._settings)
        customers = [check["customer"] for check in live.predictor.bundle.checks]
        # The first requests then find everything in place that is made at the first use.
        live.predictor.score(customers)
        live.predictor.explain_one(customers[0])
        milliseconds = min(_seconds_a_customer(live, customers) for _ in range(_TIMED_ROUNDS)) * 1e3
        if milliseconds > self._settings.serving.champion_score_ms:
            raise SlowBundleError(
                f"{where} takes {milliseconds:.1f} ms to score a customer; serving.champion_score_ms is "
                f"{self._settings.serving.champion_score_ms:g}"
            )
        return live

    def _refuse(self, period: LivePeriod, error: Exception) -> None:
        reason = "slow" if isinstance(error, SlowBundleError) else "broken"
        self._source.refuse(Refused(period.version, reason))
        # Of an error that is not ours only the kind is told: its words may quote what the bundle holds.
        said = str(error) if isinstance(error, ChurnError) else type(error).__name__
        log.error("champion_refused", model_version=period.version, reason=reason, error=said)

    def _cache(self, period: LivePeriod) -> None:
        """Keep what came from the store, for a start while the store is away."""
        try:
            if self._store.is_made() and self._folder.current() != period:
                there = self._store.ask_now(_history)
                self._folder.adopt(there, [self._from_store(period.sha256)])
        except (BundleError, PromotionError, StoreError) as error:
            log.warning(
                "champion_not_kept", told="a start while the store is away finds an older one", error=str(error)
            )

    def _tell_once(self, error: str) -> None:
        if error != self._told:
            log.warning("champion_unknown", told="what is live stays", error=error)
        self._told = error


def _history(store: Store) -> tuple[LivePeriod, ...]:
    return tuple(LivePeriod(**period.texts()) for period in stored_periods(store))


def _seconds_a_customer(live: Live, customers: list[dict[str, object]]) -> float:
    start = time.perf_counter()
    for customer in customers:
        live.predictor.score_one(customer)
    return (time.perf_counter() - start) / len(customers)


def _within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """What ``work`` gives or raises, on a thread; given up after ``seconds``, it may run on, and is heard no more.

    Raises:
        TimeoutError: it has not ended by then.
    """
    outcome: Future[Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # raised again on the thread that waits
            outcome.set_exception(error)

    until = time.monotonic() + seconds
    threading.Thread(target=run, daemon=True).start()
    wait([outcome], timeout=seconds)
    if not outcome.done() or time.monotonic() > until:
        raise TimeoutError(f"not done in {seconds:g} seconds")
    return outcome.result()


def _nothing_live(settings: Settings) -> PromotionError:
    return PromotionError(f"no model is live in {settings.models.folder}: train one with `churn train`")
