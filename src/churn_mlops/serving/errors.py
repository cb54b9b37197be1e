"""The one shape of an error, and the plain words for what is wrong with a request.

No message repeats a value that was sent: only the names of fields, and what they should hold.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError
from starlette.responses import Response

LISTED_PROBLEMS = 100
LISTED_LEVELS = 30
_LONGEST_NAME = 100

Problem = tuple[str, str]


class RequestError(Exception):
    """A request that is refused.

    Args:
        status: the HTTP status of the answer.
        error: what is wrong, in a sentence.
        problems: ``(field, problem)`` pairs.
    """

    def __init__(self, status: int, error: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.problems = tuple(problems)


def error_response(
    status: int,
    error: str,
    request_id: str,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a request that is refused or failed."""
    fields = [{"field": field, "problem": problem} for field, problem in problems[:LISTED_PROBLEMS]]
    body = {"status": int(status), "error": error, "fields": fields, "request_id": request_id}
    # ASCII escapes: a field's name may hold half a surrogate pair, which is no UTF-8.
    return Response(json.dumps(body).encode(), status, dict(headers or {}), "application/json")


def no_model_error() -> RequestError:
    """The answer while no model is live."""
    return RequestError(503, "no model is live: train one with `churn train`, then start the server again")


def http_sentence(status: int, allowed: str | None = None) -> str:
    """What the framework's own refusals mean."""
    if status == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address; /docs lists the routes"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"this address answers {allowed or 'another method'} only; /docs lists the routes"
    return HTTPStatus(status).phrase.lower()


def too_large_error(limit: int) -> RequestError:
    """The answer to a body above ``limit`` bytes."""
    problem = f"must be at most {limit:,} bytes"
    return RequestError(413, f"the body {problem}; send fewer customers at a time", [("body", problem)])


def refusal(error: ValidationError, known: Iterable[str]) -> RequestError:
    """Translate what pydantic found wrong with a body.

    Args:
        error: raised by a request model.
        known: names of the fields, to tell which one a mistyped name is nearest to.
    """
    names = list(known)
    items = error.errors(include_url=False, include_input=False)
    problems = [(_place(item["loc"]), _words(dict(item), names)) for item in items]
    status = 413 if items[0]["type"] == "too_long" else 422
    return RequestError(status, sentence(problems), problems)


def sentence(problems: Sequence[Problem]) -> str:
    """All problems in one sentence: the only one in full, otherwise the names of the first few."""
    if len(problems) == 1:
        return f"{problems[0][0]} {problems[0][1]}"
    names = list(dict.fromkeys(field for field, _ in problems))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{len(problems)} things are wrong with the request: {', '.join(names[:5])}{more}"


def shortened(name: str) -> str:
    """A field's name as it may be repeated in an answer."""
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def _place(location: tuple[int | str, ...]) -> str:
    """Such as ``customers[3].tenure``; the body itself where the location is empty."""
    place = ""
    for part in location:
        place += f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" if place else shortened(part)
    return place or "body"


def _words(item: Mapping[str, Any], names: list[str]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_field(str(item["loc"][-1]), names)
    if kind == "literal_error":
        return f"must be {_one_of(item)}"
    if kind == "json_invalid":
        return f"is not JSON: {context['error']}"
    if kind in _PLAIN:
        return _PLAIN[kind].format(**context)
    return str(item["msg"])


_PLAIN = {
    "missing": "is missing",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "list_type": "must be a list",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "too_short": "must hold at least {min_length}",
    "too_long": "holds {actual_length}; at most {max_length} are taken at a time",
}


def _unknown_field(name: str, names: list[str]) -> str:
    nearest = difflib.get_close_matches(name[:_LONGEST_NAME], names, n=1)
    return "is not a field of this model" + (f"; did you mean {nearest[0]}?" if nearest else "; GET /model lists them")


def _one_of(item: Mapping[str, Any]) -> str:
    """The levels as pydantic quotes them, ``'a', 'b' or 'c'``; too many to read are left to the description."""
    expected = str(item["ctx"]["expected"])
    return expected if expected.count("', '") < LISTED_LEVELS else "one of the levels that GET /model lists"
