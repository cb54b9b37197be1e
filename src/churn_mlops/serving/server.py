"""The server: the champion behind a socket, answered by one process or by several."""

from __future__ import annotations

import asyncio
import errno
import gc
import math
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from types import FrameType

import structlog
import uvicorn

from churn_mlops.config import Settings
from churn_mlops.config.exposure import check_hash_key, is_loopback
from churn_mlops.errors import ConfigError
from churn_mlops.logs import configure
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access_control import credential_cache_of, may_leave_loopback
from churn_mlops.serving.api.customers import ReadCustomer
from churn_mlops.serving.app import create_application
from churn_mlops.serving.fast_path.predict_protocol import FastPathProtocol
from churn_mlops.serving.model.model_watcher import ModelWatcher
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.span_export import SpanExport
from churn_mlops.serving.prediction.suppression import reapply_lost_erasures
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.serving.workers import Workers
from churn_mlops.store.database.network_volume import check_local

GRACE_SECONDS, SAME_SECONDS = 10, 1.0
BACKLOG = 2048
SWITCH_SECONDS = 0.001
COLLECT_AFTER = 20_000
log = structlog.get_logger("churn_mlops.serving")


def serve(
    settings: Settings,
    announce: Callable[[str], None] | None = None,
    read_customer: ReadCustomer | None = None,
) -> None:
    """Serve the champion until the process is stopped; requests in progress are answered first.

    A new champion is taken up while requests are answered.

    Args:
        settings: the address, the model and the number of processes.
        announce: called with the server's address once it answers.
        read_customer: reads one customer of the source by customer ID; None if this server has no source. Can be
            pickled, for other processes.

    Raises:
        ConfigError: the address is not one of this machine alone, or its port is in use; or others reach the server
            or the store, and the hash key is the one that comes with the program.
        PromotionError: no model is live.
        StoreError: the file of the store is on a network volume.
        ServingError: processes do not start, or end again and again.
    """
    check_local(settings.store.url)
    with closing(StoreClient(settings.store.url, connections=settings.store.connections)) as store:
        credential_cache_of(settings, store)  # a fault of the settings is reported before anything starts
        reapply_lost_erasures(settings, store)
        if settings.serving.traces_url is not None:
            SpanExport(settings.serving.traces_url).close()  # its packages are there, also for other processes
        keyed = is_loopback(settings.serving.host) or may_leave_loopback(settings, store)
        if keyed:  # without keys it starts for this machine alone, and says so first
            check_hash_key(settings)
        if settings.serving.workers > 1:
            ModelWatcher(settings, store, ModelSlot()).first()
    with listen(settings.serving.host, settings.serving.port, keyed=keyed) as listening:
        report = partial(announce or _keep_silent, address_of(listening))
        if settings.serving.workers == 1:
            _answer(settings, listening, read_customer, report)
            return
        work = partial(_work, settings, listening, read_customer)
        patience = settings.serving.drain_seconds + grace_seconds(settings) + GRACE_SECONDS
        Workers(settings.serving.workers, work, patience, on_stop=listening.close).run(report)


def _keep_silent(address: str) -> None:
    pass


def _work(
    settings: Settings, listening: socket.socket, read_customer: ReadCustomer | None, ready: Callable[[], None]
) -> None:
    """One of several processes."""
    configure(settings.logging.level, settings.logging.format)
    _answer(settings, listening, read_customer, ready)


def _answer(
    settings: Settings, listening: socket.socket, read_customer: ReadCustomer | None, ready: Callable[[], None]
) -> None:
    """Serve on a socket, from one process, until it is stopped."""
    store, source = StoreClient(settings.store.url, connections=settings.store.connections), ModelSlot()
    access, watch = credential_cache_of(settings, store), ModelWatcher(settings, store, source)
    try:
        watch.first()
        watch.start()
        # The present objects stay: the collector need not visit them whenever a large body makes many objects.
        gc.collect()
        gc.freeze()
        # It need not look so often at records that wait to be written: requests leave no cycles behind.
        gc.set_threshold(COLLECT_AFTER, 20, 20)
        # The thread of the prediction log has to release the interpreter sooner than Python's 5 ms.
        sys.setswitchinterval(SWITCH_SECONDS)
        Server(source, settings, address_of(listening), ready, store, access, read_customer).run(sockets=[listening])
    finally:
        watch.stop()
        store.close()


def listen(host: str, port: int, *, keyed: bool = False) -> socket.socket:
    """A socket on a loopback address, or on any if there are keys.

    Raises:
        ConfigError: the address is another one without there being keys, or the port is in use.
    """
    address = "127.0.0.1" if host == "localhost" else host
    if not keyed and not is_loopback(host):
        raise ConfigError(
            f"serving.host is {host}: without API keys the server binds to the loopback address only; make the first "
            "key by `churn keys create --name NAME --role admin`, or take 127.0.0.1"
        )
    listening = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise ConfigError(_why_not(host, port, error)) from None
    return listening


def address_of(listening: socket.socket) -> str:
    """Such as ``http://127.0.0.1:8000``."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn with a report when it answers, and with a graceful shutdown.

    After SIGTERM, ``/ready`` answers 503, and the server still answers requests for ``serving.drain_seconds``. In that
    time load balancers send new requests elsewhere. A later signal, or Ctrl-C, ends that time. A SIGTERM within a
    second of the first is the same one: systemd sends it to every process, and the parent of several passes it on.
    """

    def __init__(
        self,
        source: ModelSlot,
        settings: Settings,
        address: str,
        ready: Callable[[], None],
        store: StoreClient | None = None,
        access: CredentialCache | None = None,
        read_customer: ReadCustomer | None = None,
    ) -> None:
        local_only = is_loopback(settings.serving.host)
        made = create_application(
            source, settings, store=store, access=access, local_only=local_only, read_of_source=read_customer
        )
        super().__init__(
            uvicorn.Config(
                made.app,
                http=partial(FastPathProtocol, made.fast_path),  # type: ignore[arg-type]  # called like the class
                log_config=None,
                proxy_headers=False,  # it would trust any client on this machine about the client address
                access_log=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=grace_seconds(settings),
            )
        )
        self._source, self._address, self._ready = source, address, ready
        self._drain_seconds = settings.serving.drain_seconds
        self._signals: list[int] = []
        self._signalled_at = -math.inf

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            live = self._source.current
            log.info("server_started", address=self._address, model_version=live.version if live else None)
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Go on to answer for a while, then take no new connections and answer the requests in progress."""
        clock = asyncio.get_running_loop().time
        until = clock() + self._drain_seconds
        while self._signals == [signal.SIGTERM] and clock() < until:
            await asyncio.sleep(0.05)
        await super().shutdown(sockets=sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """From now on this server is not ready; it ends by itself, and with exit code 0."""
        before, self._signalled_at = self._signalled_at, time.monotonic()
        if sig == signal.SIGTERM and self._signalled_at - before < SAME_SECONDS:
            return
        self._source.draining = True
        self.force_exit = self.force_exit or (self.should_exit and sig == signal.SIGINT)
        self.should_exit = True
        self._signals.append(sig)
        log.info("shutdown_started", signal=signal.Signals(sig).name)


def grace_seconds(settings: Settings) -> int:
    """The time in which open requests may end after the drain: as long as a request may take, or longer."""
    return max(GRACE_SECONDS, math.ceil(settings.serving.request_seconds))


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: stop the other program, or take another port with `--port`"
    if error.errno == errno.EACCES:
        return f"this user may not listen on port {port}: take one above 1023 with `--port`"
    return f"cannot listen on {host}, port {port}: {error.strerror}"
