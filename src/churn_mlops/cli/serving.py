"""``churn serve``."""

from __future__ import annotations

from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import say
from churn_mlops.logs import is_json_only

if TYPE_CHECKING:
    from churn_mlops.config import Settings
    from churn_mlops.models.bundle import Bundle
    from churn_mlops.pipelines.scoring.kept_source import CustomerRow
    from churn_mlops.pipelines.scoring.single_customer import CustomerReader
    from churn_mlops.serving.api.customers import ReadCustomer


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of serving.host.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on, instead of serving.port.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that answer, instead of serving.workers.")
    ] = None,
) -> None:
    """Serve the champion over HTTP until stopped (Ctrl-C).

    Example: `churn serve --port 8000`
    """
    from churn_mlops.serving.server import serve as run
    from churn_mlops.serving.workers import leave

    settings = settings_of(context)
    given = {name: value for name, value in (("host", host), ("port", port), ("workers", workers)) if value is not None}
    settings = settings.model_copy(update={"serving": settings.serving.model_copy(update=given)})
    run(settings, announce=announce, read_customer=reader(settings))
    leave()


def reader(settings: Settings) -> ReadCustomer | None:
    """Reads one customer of the source; None where none is configured, or what reads sources is not installed."""
    if settings.source.url is None or find_spec("ibis") is None:
        return None
    return _Reader(settings)


class _Reader:
    """Reads customers with what it loads at the first request: the server starts without what reads sources."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, customer: str, bundle: Bundle) -> CustomerRow | None:
        """As of :meth:`CustomerReader.read`."""
        return self._reader.read(customer, bundle)

    @cached_property
    def _reader(self) -> CustomerReader:
        from churn_mlops.pipelines.scoring.single_customer import CustomerReader

        return CustomerReader(self._settings)


def announce(address: str) -> None:
    """Say where the server answers; among lines of JSON, the event `server_started` says it."""
    if not is_json_only():
        say(f"Serving on {address} (documentation: {address}/docs). Stop with Ctrl-C.")
