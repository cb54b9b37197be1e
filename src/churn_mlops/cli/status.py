"""``churn status``."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, remark, say
from churn_mlops.config import DEFAULT_PATH, Settings
from churn_mlops.errors import StoreError

if TYPE_CHECKING:
    from churn_mlops.on_call import StatusLine


def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say what works, what is late, what that costs, and what to do: the first look of the person on call.

    Changes nothing. Exit code 1 if someone has to act now (a page); a ticket does not count.

    Example: `churn status`
    """
    lines = _lines(settings_of(context), context.obj)
    counted = {urgency: sum(line.urgency == urgency for line in lines) for urgency in ("page", "ticket")}
    if as_json:
        print_json({"ok": not counted["page"], "lines": [asdict(line) for line in lines]})
    else:
        for line in lines:
            remark(line.urgency, f"{line.subject}: {_sentences(line)}")
        say(f"{counted['page']} to act on now, {counted['ticket']} within days.")
    if counted["page"]:
        raise typer.Exit(1)


def _lines(settings: Settings, config: Path | None) -> list[StatusLine]:
    """All lines, the most urgent first."""
    from churn_mlops.database_urls import shown
    from churn_mlops.on_call import empty_store, late_list, most_urgent, status_lines, unavailable_store
    from churn_mlops.pipelines.deployment.deploy import history
    from churn_mlops.store import open_store
    from churn_mlops.store.database.inspect import inspect_store
    from churn_mlops.store.overview import not_understood, read_overview
    from churn_mlops.store.scoring.browsing import expected_gain

    address, now = settings.store.url, datetime.now(UTC)
    try:
        if inspect_store(address).tables.revision is None:  # to open it would make its tables
            is_here = config is not None or DEFAULT_PATH.exists()
            hint = "" if is_here else f"; there is no {DEFAULT_PATH} here (--config names another file)"
            return [empty_store(shown(address) + hint)]
        live = next(reversed(history(settings)), None)  # of the models folder while the store names none
        with open_store(address) as store:
            seen = replace(read_overview(store), champion=live)
            late = late_list(seen, now)
            gain = None if late is None else expected_gain(store, late)
            return most_urgent(status_lines(seen, gain, now, settings.console.currency))
    except StoreError as error:
        return [unavailable_store(str(error))]
    except (TypeError, ValueError) as error:  # of a row, or its JSON
        return [unavailable_store(not_understood(error))]


def _sentences(line: StatusLine) -> str:
    cost = f" It costs: {line.cost}." if line.cost else ""
    alert = f" ({line.alert})" if line.alert else ""
    step = f" {line.next_step[0].upper()}{line.next_step[1:]}{alert}." if line.next_step else ""
    return f"{line.found}.{cost}{step}"
