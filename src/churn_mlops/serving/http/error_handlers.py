"""Every refusal of an application in the one shape; its middleware answers every other fault."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Scope

from churn_mlops.errors import DataError
from churn_mlops.serving.http.errors import RequestError, error_response, http_sentence, refusal, sentence, shortened


def add_error_handlers(app: FastAPI) -> None:
    """Answer every refusal of ``app`` in the one shape."""

    @app.exception_handler(RequestError)
    @app.exception_handler(DataError)
    async def refused(request: Request, error: RequestError | DataError) -> Response:
        return refusal(error, request.scope["state"]["request_id"])

    @app.exception_handler(RequestValidationError)
    async def bad_parameter(request: Request, error: RequestValidationError) -> Response:
        problems = [(shortened(str(item["loc"][-1])), str(item["msg"])) for item in error.errors()]
        return error_response(422, sentence(problems), request.scope["state"]["request_id"], problems)

    @app.exception_handler(HTTPException)
    async def http_refusal(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework names the methods of the first route of this address alone.
            headers["Allow"] = ", ".join(_methods_of(app, request.scope))
        message = http_sentence(error.status_code, headers.get("Allow"))
        return error_response(error.status_code, message, request.scope["state"]["request_id"], headers=headers)


async def refuse_repeated_parameters(request: Request) -> None:
    """Refuse a query that gives a parameter twice; the framework would take the last silently.

    Raises:
        RequestError: 422, naming the parameters.
    """
    if request.scope["query_string"]:
        counts = Counter(name for name, _ in request.query_params.multi_items())
        problems = [(shortened(name), "is given more than once") for name, count in counts.items() if count > 1]
        if problems:
            raise RequestError(422, sentence(problems), problems)


ONE_EACH = [Depends(refuse_repeated_parameters)]
"""The dependencies of a route whose query gives each parameter once."""


def _methods_of(app: FastAPI, scope: Scope) -> list[str]:
    here = [route for route in app.routes if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE]
    return sorted({method for route in here for method in route.methods or ()})
