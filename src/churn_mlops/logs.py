"""Structured logs on standard error: one event, one line.

Logs hold no customer attribute. A field of an event is one plain value; a row, a table or anything else that holds
values is written as its type only, and a traceback shows no local variables.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from numbers import Integral, Real
from pathlib import PurePath
from types import TracebackType
from typing import Any, Literal

import structlog
from pydantic_core import PydanticSerializationError, to_json
from structlog.typing import EventDict, Processor

from churn_mlops.trace_context import current_trace
from churn_mlops.visible_text import visible

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "json", "text"]

_HANDLER = "churn"
_PLAIN = (str, int, bool)
# These carry what structlog itself needs; the renderers take them out.
_STRUCTLOG = frozenset({"exc_info", "stack_info", "_record", "_from_structlog"})


def configure(level: Level = "info", format: Format = "auto") -> None:
    """Send the events of this program, and those of its libraries, to standard error.

    Calling it again replaces what the call before set up.

    Args:
        level: the least important events that are shown.
        format: ``json`` is one object a line; ``text`` is for people; ``auto`` is text on a terminal, JSON elsewhere.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    terminal = sys.stderr.isatty()
    as_text = format == "text" or (format == "auto" and terminal)
    _Lines.threshold, _Lines.as_json, _Lines.json_only = threshold, not as_text, format == "json"
    rendering = _text(colors=terminal) if as_text else _json()
    structlog.configure(
        processors=[*_shared(), *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        # structlog asks for a text file, and uses only its write and flush.
        logger_factory=structlog.WriteLoggerFactory(file=_StandardError()),  # type: ignore[arg-type]
        cache_logger_on_first_use=False,
    )
    _configure_libraries(threshold, rendering)
    _catch_the_rest(format == "json")


def is_json_only() -> bool:
    """Whether standard output and standard error hold lines of JSON and nothing else: ``logging.format: json``.

    Then what a server would say to a person is an event too.
    """
    return _Lines.json_only


def info_lines(event: str, lines: Sequence[Mapping[str, str | int | float]]) -> None:
    """Log the same event many times: JSON, the form of a server, is put together and written in one go.

    A line is the same as ``info(event, **line)`` of a logger writes, in a fifth of the time.

    Args:
        event: the event.
        lines: the fields of each, the same field first in all; texts and finite numbers, and no value of a customer.
    """
    if not _Lines.as_json:
        log = structlog.get_logger()
        for line in lines:
            log.info(event, **line)
    elif lines and _Lines.threshold <= logging.INFO:
        said = {"event": event, "level": "info", "timestamp": datetime.now(UTC).replace(tzinfo=None).isoformat() + "Z"}
        end = f",{_as_json(said)[1:]}\n"
        # A text may end like a line, but the name of the first field follows no text: that stands between lines only.
        first = "{" + _as_json({next(iter(lines[0])): 0})[1:-2]
        _StandardError().write(_as_json(lines)[1:-2].replace("}," + first, end + first) + end)


class _Lines:
    """How lines are written since :func:`configure`; before, structlog's own way."""

    threshold, as_json, json_only = logging.INFO, False, False
    hooks: tuple[Any, Any, Any] | None = None
    """The hooks of Python that stood there before those of :func:`_catch_the_rest`."""


class _StandardError:
    """``sys.stderr`` as it is at the time of writing: a test or a progress bar may have replaced it.

    Its reader may be gone, and its disk may be full: the program goes on, and the line is lost.
    """

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.flush()


def _configure_libraries(threshold: int, rendering: list[Processor]) -> None:
    """Give the standard library's loggers (uvicorn, MLflow) the same shape."""
    handler = logging.StreamHandler(_StandardError())
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers = [other for other in root.handlers if other.get_name() != _HANDLER] + [handler]
    # Libraries explain themselves at length at "info"; only their warnings concern an operator.
    root.setLevel(max(threshold, logging.WARNING) if threshold > logging.DEBUG else threshold)
    for name in ("httpx", "httpcore"):
        # They write whole addresses, which may hold a token.
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def _catch_the_rest(as_events: bool) -> None:
    """Log warnings, and errors that nothing catches; or leave them to Python, which writes several lines of text."""
    if not as_events:
        if _Lines.hooks is not None:
            logging.captureWarnings(False)
            sys.excepthook, threading.excepthook, sys.unraisablehook = _Lines.hooks
            _Lines.hooks = None
        return
    if _Lines.hooks is None:
        _Lines.hooks = sys.excepthook, threading.excepthook, sys.unraisablehook
    logging.captureWarnings(True)
    log = structlog.get_logger("churn_mlops")

    def uncaught(kind: type[BaseException], _error: BaseException | None, where: TracebackType | None) -> None:
        if issubclass(kind, SystemExit):  # the end of a thread, and no fault
            return
        frames = "".join(traceback.format_tb(where))  # without its message, which may quote a customer's values
        log.error("uncaught_error", kind=kind.__name__, frames=frames)

    sys.excepthook = uncaught
    threading.excepthook = lambda found: uncaught(found.exc_type, found.exc_value, found.exc_traceback)
    sys.unraisablehook = lambda found: uncaught(found.exc_type, found.exc_value, found.exc_traceback)


def _shared() -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _plain_values,
        _with_trace,
    ]


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_as_json)]


def _as_json(event: Mapping[str, Any] | Sequence[Mapping[str, Any]], **_: Any) -> str:
    try:
        return to_json(event).decode()  # in a quarter of the time that the standard library takes
    except PydanticSerializationError:  # half a surrogate pair, which is no UTF-8
        return json.dumps(event, separators=(",", ":"))


def _text(*, colors: bool) -> list[Processor]:
    # structlog's own choice, where rich is installed, prints the local variables of every frame: customers, that is.
    return [
        _visible_values,
        structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback),
    ]


def _plain_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    return {name: value if name in _STRUCTLOG else _plain(value) for name, value in event.items()}


def _with_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    """The event with the request and the trace in which it happens, unless it names its own."""
    trace = current_trace()
    if trace is None:
        return event
    named = {} if trace.request_id is None else {"request_id": trace.request_id}
    return {**named, "trace_id": trace.trace_id, **event}


def _visible_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> EventDict:
    return {name: visible(value) if isinstance(value, str) else value for name, value in event.items()}


def _plain(value: Any) -> str | int | float | bool | None:
    """One value that JSON can say; of anything that holds values, its type only."""
    if value is None or type(value) in _PLAIN or isinstance(value, bool | str):
        return value  # type: ignore[no-any-return]
    if type(value) is float and -math.inf < value < math.inf:
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, PurePath | date):
        return str(value)
    return f"<{type(value).__name__}>"
