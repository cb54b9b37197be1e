"""The server process: the champion of this machine behind a socket."""

from __future__ import annotations

import errno
import gc
import ipaddress
import signal
import socket
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog
import uvicorn

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError
from churn_mlops.serving.access import Access
from churn_mlops.serving.app import create_app
from churn_mlops.serving.at_once import AtOnceProtocol
from churn_mlops.serving.champion import ChampionWatch
from churn_mlops.serving.guarding import access_of, may_leave_loopback
from churn_mlops.serving.live import LiveSource
from churn_mlops.serving.risk import ReadCustomer
from churn_mlops.serving.store_link import StoreLink

GRACE_SECONDS = 10
log = structlog.get_logger("churn_mlops.serving")


def serve(
    settings: Settings,
    announce: Callable[[str], None] | None = None,
    read_customer: ReadCustomer | None = None,
) -> None:
    """Serve the champion until the process is told to stop; requests under way are answered first.

    A new champion is taken up while requests are answered.

    Args:
        settings: where to listen, and what to serve.
        announce: called with the server's address once it answers.
        read_customer: reads one customer of the source by his name; None where this server has no source.

    Raises:
        ConfigError: the address is not one of this machine alone, or its port is in use.
        PromotionError: no model is live.
    """
    store, source = StoreLink(settings.store.url), LiveSource()
    access = access_of(settings, store)
    keyed = is_loopback(settings.serving.host) or may_leave_loopback(settings, store)
    listening = listen(settings.serving.host, settings.serving.port, keyed=keyed)
    watch = ChampionWatch(settings, store, source)
    try:
        watch.first()
        watch.start()
        address = address_of(listening)
        # What is there now stays: the collector need not walk through it whenever a large body makes many objects.
        gc.collect()
        gc.freeze()
        Server(source, settings, address, announce, store=store, access=access, read_customer=read_customer).run(
            sockets=[listening]
        )
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a person stops it
    finally:
        watch.stop()
        store.close()
        listening.close()


def listen(host: str, port: int, *, keyed: bool = False) -> socket.socket:
    """A socket on a loopback address, or on any where there are keys.

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
    """uvicorn, saying when it answers, and ``/ready`` saying no from the moment it is told to stop."""

    def __init__(
        self,
        source: LiveSource,
        settings: Settings,
        address: str,
        announce: Callable[[str], None] | None,
        *,
        store: StoreLink | None = None,
        access: Access | None = None,
        read_customer: ReadCustomer | None = None,
    ) -> None:
        local_only = is_loopback(settings.serving.host)
        app = create_app(
            source, settings, store=store, access=access, local_only=local_only, read_of_source=read_customer
        )
        super().__init__(
            uvicorn.Config(
                app,
                http=partial(AtOnceProtocol, app.state.at_once),  # type: ignore[arg-type]  # called like the class
                log_config=None,
                proxy_headers=False,  # it would take the word of whoever asks from this machine for his address
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._source = source
        self._address = address
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            live = self._source.current
            log.info("serving", address=self._address, model_version=live.version if live else None)
            if self._announce is not None:
                self._announce(self._address)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no new connections; from now on this server is not ready."""
        self._source.draining = True
        log.info("stopping", signal=signal.Signals(sig).name)
        super().handle_exit(sig, frame)


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine's own address, which no other machine reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may resolve to anything


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use: stop the other program, or take another port with `--port`"
    if error.errno == errno.EACCES:
        return f"this user may not listen on port {port}: take one above 1023 with `--port`"
    return f"cannot listen on {host}, port {port}: {error.strerror}"
