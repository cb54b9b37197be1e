"""``churn serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import say


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on, instead of serving.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of serving.port.")] = None,
) -> None:
    """Serve the champion over HTTP until stopped (Ctrl-C).

    Example: `churn serve --port 8000`
    """
    from churn_mlops.serving.server import serve as run

    settings = settings_of(context)
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update={"serving": settings.serving.model_copy(update=given)})
    run(settings, announce=announce)


def announce(address: str) -> None:
    """Say where the server answers."""
    say(f"Serving on {address} (documentation: {address}/docs). Stop with Ctrl-C.")
