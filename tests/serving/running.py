"""A server behind a real socket, for as long as a test needs it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from churn_mlops.config import Settings
from churn_mlops.serving.model.served_model import LiveSource
from churn_mlops.serving.server import Server, address_of, listen


@contextmanager
def running(source: LiveSource, settings: Settings) -> Iterator[tuple[str, int]]:
    """Host and port of a server that is ready; it stops when the block ends."""
    listening, ready = listen("127.0.0.1", 0), threading.Event()
    server = Server(source, settings, address_of(listening), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        assert ready.wait(10)
        yield listening.getsockname()[:2]
    finally:
        server.should_exit = True
        thread.join(15)
        listening.close()
    assert not thread.is_alive()
