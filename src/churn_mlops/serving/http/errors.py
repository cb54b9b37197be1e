"""The one shape of an error, and the plain words for the problems of a request.

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

from churn_mlops.errors import DataError

LISTED_PROBLEMS = 100
LISTED_LEVELS = 30
SUGGESTIONS = 10
_LONGEST_NAME = 100

Problem = tuple[str, str]


class RequestError(Exception):
    """A request that is refused.

    Args:
        status: the HTTP status of the answer.
        error: what is wrong, in a sentence.
        problems: ``(field, problem)`` pairs.
        headers: of the answer, such as ``Retry-After``.
    """

    def __init__(
        self, status: int, error: str, problems: Sequence[Problem] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


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
    # After a timeout the rest of the body may still come: the next request must not be read out of it.
    closing = {"Connection": "close"} if status == HTTPStatus.REQUEST_TIMEOUT else {}
    # ASCII escapes: a field's name may hold half a surrogate pair, which is no UTF-8.
    return Response(json.dumps(body).encode(), status, closing | dict(headers or {}), "application/json")


def refusal(error: RequestError | DataError, request_id: str) -> Response:
    """The answer to a request that is refused, or that holds what the model cannot read."""
    if isinstance(error, RequestError):
        return error_response(error.status, error.error, request_id, error.problems, error.headers)
    return error_response(422, sentence(error.problems), request_id, error.problems)


def no_model_error() -> RequestError:
    """The answer while no model is live."""
    return RequestError(503, "no model is live: train one with `churn train`; it goes live within seconds")


def http_sentence(status: int, allowed: str | None = None) -> str:
    """The meaning of a refusal by the framework itself."""
    if status == HTTPStatus.NOT_FOUND:
        return "there is nothing at this address; /docs lists the routes"
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return f"this address answers {allowed or 'another method'} only; /docs lists the routes"
    return HTTPStatus(status).phrase.lower()


def fault_error() -> RequestError:
    """The answer to a request after a fault of the server itself."""
    return RequestError(500, "something went wrong here; the server's log says what, under this request_id")


def too_busy_error() -> RequestError:
    """The answer to one request too many."""
    return RequestError(503, "too many requests are in progress: try again in a second", headers={"Retry-After": "1"})


def too_many_bodies_error() -> RequestError:
    """The answer to a body that came slowly, while too many requests wait for theirs."""
    error = "too many requests wait for their bodies: send it again, head and body together"
    return RequestError(503, error, headers={"Retry-After": "1", "Connection": "close"})


def too_late_error(seconds: float) -> RequestError:
    """The answer to a request that could not be answered in time."""
    error = f"there is no answer after {seconds:g} seconds, and whether it was acted on is not known: try again"
    return RequestError(503, error, headers={"Retry-After": "1"})


def too_large_error(limit: int) -> RequestError:
    """The answer to a body above ``limit`` bytes."""
    problem = f"must be at most {limit:,} bytes"
    return RequestError(413, f"the body {problem}; send less at a time", [("body", problem)])


def too_slow_error(seconds: float) -> RequestError:
    """The answer to a body that has not come whole within ``seconds``."""
    problem = f"did not come whole within {seconds:g} seconds"
    return RequestError(408, f"the body {problem}; send it again, without pauses", [("body", problem)])


class Findings:
    """The problems of a body: the first ``LISTED_PROBLEMS`` in plain words, the others only counted.

    A body of 1 MB can hold 200,000 problems. To word all of them would take seconds, and no client reads them.

    Args:
        known: names of the fields, of which the nearest is suggested for a mistyped name.
        of: the thing that they are fields of.
        lists: the address that lists them.
    """

    def __init__(self, known: Iterable[str], of: str = "this model", lists: str = "GET /model") -> None:
        self._known, self._of, self._lists = list(known), of, lists
        self._suggestions = SUGGESTIONS
        self.problems: list[Problem] = []
        self.count = 0
        self.status = 422

    def add(self, place: str, words: str) -> None:
        """Note one problem."""
        self.count += 1
        if len(self.problems) < LISTED_PROBLEMS:
            self.problems.append((place, words))

    def add_all(self, error: ValidationError, at: tuple[int | str, ...] = ()) -> None:
        """Note the problems that pydantic found in the part of the body at ``at``."""
        room = LISTED_PROBLEMS - len(self.problems)
        self.count += error.error_count()
        if room <= 0:
            return
        items = error.errors(include_url=False, include_input=False)
        if items[0]["type"] == "too_long":
            self.status = 413
        for item in items[:room]:
            if item["type"] == "extra_forbidden":
                words = self._unknown_field(str(item["loc"][-1]))
            else:
                words = _words(dict(item))
            self.problems.append((place(at + item["loc"]), words))

    def refusal(self) -> RequestError:
        """The answer to the request: 422, or 413 for too many customers."""
        return RequestError(self.status, sentence(self.problems, self.count), self.problems)

    def _unknown_field(self, name: str) -> str:
        """The nearest known name is looked for a few times only: with hundreds of fields it takes milliseconds."""
        nearest: list[str] = []
        if self._suggestions > 0:
            self._suggestions -= 1
            nearest = difflib.get_close_matches(name[:_LONGEST_NAME], self._known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"{self._lists} lists them"
        return f"is not a field of {self._of}; {hint}"


def sentence(problems: Sequence[Problem], count: int | None = None) -> str:
    """All problems in one sentence: the only one in full, otherwise the names of the first few.

    Args:
        problems: the first of them, or all.
        count: how many there are, if more.
    """
    count = count or len(problems)
    if count == 1:
        return f"{problems[0][0]} {problems[0][1]}"
    names = list(dict.fromkeys(field for field, _ in problems))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    if count > len(problems):
        more = " and more"
    return f"{count} things are wrong with the request: {', '.join(names[:5])}{more}"


def shortened(name: str) -> str:
    """A field's name as it may be repeated in an answer."""
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def place(location: tuple[int | str, ...]) -> str:
    """Such as ``customers[3].tenure``; the body itself where the location is empty."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{shortened(part)}" if name else shortened(part)
    return name or "body"


def _words(item: Mapping[str, Any]) -> str:
    kind, context = item["type"], item.get("ctx", {})
    if kind == "literal_error":
        return f"must be {_one_of(item)}"
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
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters",
    "string_pattern_mismatch": "must be an id as it was given",
    "too_short": "must hold at least {min_length}",
    "too_long": "holds {actual_length}; at most {max_length} are taken at a time",
}


def _one_of(item: Mapping[str, Any]) -> str:
    """The levels as pydantic quotes them, ``'a', 'b' or 'c'``; too many to read are left to the description."""
    expected = str(item["ctx"]["expected"])
    return expected if expected.count("', '") < LISTED_LEVELS else "one of the levels that GET /model lists"
