"""Output that all commands share: progress, tables, JSON, and errors without a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import structlog
from rich import box
from rich.console import Console, JustifyMethod, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from churn_mlops.logs import is_json_only
from churn_mlops.visible_text import UNSEEN, visible

NAME_WIDTH = 14
PATIENCE = 2.0
"""Seconds of work after which a person may ask whether it goes on."""
log = structlog.get_logger("churn_mlops.cli")
TAKEN_UP = "A running `churn serve` takes it up within seconds."


class Terminal(Console):
    """Lets the frame end the command once its output has no reader; Rich itself would end it as failed."""

    def on_broken_pipe(self) -> None:
        """Called by Rich while it handles the error."""
        raise BrokenPipeError


out = Terminal(highlight=False)
err = Terminal(stderr=True, highlight=False)


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error, if that is a terminal; hand what it yields to a job as its ``progress``."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def waiting(what: str, console: Console = err, clock: Callable[[], float] = monotonic) -> Iterator[None]:
    """A line on standard error, if that is a terminal, once the work has lasted longer than :data:`PATIENCE`."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with _Late(*columns, console=console, transient=True, disable=not console.is_terminal, get_time=clock) as line:
        line.add_task(escape(visible(what)), total=None)
        yield


class _Late(Progress):
    """Progress that is shown of what lasts long only."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Called by Rich for each picture."""
        return super().get_renderables() if any((task.elapsed or 0) > PATIENCE for task in self.tasks) else ()


def table(
    title: str | None,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    right: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """Print ``rows`` as a table; columns in ``right`` are aligned to the right, the words of ``whole`` never broken."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=box.SIMPLE_HEAD)
    for column in columns:
        side: JustifyMethod = "right" if column in right else "left"
        grid.add_column(column, justify=side, overflow="fold", no_wrap=column in whole)
    for row in rows:
        grid.add_row(*(escape(visible(str(cell))) for cell in row))
    out.print(grid)


def in_lines(name: str) -> str:
    """A long ``name`` on lines of up to `NAME_WIDTH` signs, broken between its words; a longer word stays whole."""
    lines = [""]
    for word in re.findall(r"[^\W_]+[\W_]*|[\W_]+", name):
        if lines[-1] and len(lines[-1]) + len(word.rstrip()) > NAME_WIDTH:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines)


def print_json(document: Any) -> None:
    """Print ``document`` as JSON for machines, and nothing else."""
    text = json.dumps(document, indent=2, ensure_ascii=False, default=str)
    out.file.write(UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n")


def visible_id(customer: str) -> str:
    """A customer ID as :func:`visible` text, on one line."""
    return visible(customer).replace("\n", "\\n")


def say(text: str) -> None:
    """Print a line for a person; brackets in it are no markup."""
    out.print(escape(visible(text)), soft_wrap=True)


def remark(status: str, text: str) -> None:
    """Print a line that begins with its status: ok, warning or failed; or ok, ticket or page."""
    style = {"ok": "green", "warning": "yellow", "ticket": "yellow"}.get(status, "bold red")
    out.print(f"[{style}]{status:7}[/] {escape(visible(text))}", soft_wrap=True)


def complain(text: str) -> None:
    """Print an error for a person, on standard error; among lines of JSON, log it."""
    if is_json_only():
        log.error("command_failed", error=text)
    else:
        err.print(f"[bold red]Error:[/] {escape(visible(text))}", soft_wrap=True)
