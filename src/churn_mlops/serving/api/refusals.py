"""The refusals of a route and their reasons, as documented: all statuses of all routes, in one place.

A route describes its own refusals (:func:`refusing`), such as the meaning of its 404. The refusals of all routes, and
of all routes with authentication, are added to the document here, from the table of permissions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from churn_mlops.serving.access.permissions import Rule, rule_of
from churn_mlops.serving.model.request_models import ErrorBody

_MEANINGS = {
    400: "The header Host names another machine, or the bytes are no HTTP",
    401: "No valid key or session was sent",
    403: "The role may not do that, or X-CSRF-Token is missing",
    408: "The body did not come in time; the connection is closed",
    413: "The body is too large",
    422: "The request is wrong; `fields` names what",
    429: "Too many requests of this principal",
    500: "A fault of the server; its log says what, under the request_id",
    503: "Too many requests are in progress, no model is live, or the store cannot be reached",
}
_FRAMEWORKS = "HTTPValidationError"
"""FastAPI documents its own shape of 422, which no route here answers."""
_RETRY = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "seconds to wait"}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}},
    429: {"Retry-After": _RETRY["Retry-After"] | {"required": True}},
    503: _RETRY,
}
_HEX = "[0-9a-fA-F]"
_REQUEST_ID = {
    "X-Request-Id": {
        "schema": {"type": "string", "pattern": f"^({_HEX}{{32}}|{_HEX}{{8}}(-{_HEX}{{4}}){{3}}-{_HEX}{{12}})$"},
        "required": True,
        "description": "names this request in the server's log: the ID that the client sent, or a new one",
    },
    "traceparent": {
        "schema": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$"},
        "description": "this request in its trace (W3C Trace Context): that of the client, or a new one",
    },
}
# A key comes in one of two headers. The cookie, which a browser sends by itself, is enough for reading alone.
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "an API key"},
    "session": {"type": "apiKey", "in": "cookie", "name": "churn_session", "description": "of `POST /session`"},
    "csrf": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "as `GET /session` returns it"},
}


def refusing(meanings: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """The refusals of one route, as FastAPI takes them.

    Args:
        meanings: of each status, what it means there.
    """
    return {status: {"model": ErrorBody, "description": meaning} for status, meaning in meanings.items()}


def describe_refusals(document: dict[str, Any]) -> None:
    """Add the roles and every status of a refusal to each operation of ``document``."""
    _describe_shared(document.setdefault("components", {}))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            rule = rule_of(method.upper(), path)
            _describe_callers(operation, method, rule)
            answers = operation["responses"]
            for status in _refused(path, operation, rule):
                if _FRAMEWORKS in str(answers.get(str(status), _FRAMEWORKS)):
                    answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
            _describe_headers(answers)


def _describe_shared(components: dict[str, Any]) -> None:
    error = ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.setdefault("schemas", {})
    schemas |= {**error.pop("$defs"), "ErrorBody": error}
    for name in (_FRAMEWORKS, "ValidationError"):
        schemas.pop(name, None)
    components["securitySchemes"] = _SCHEMES
    components["responses"] = {str(status): _described(status) for status in _MEANINGS}


def _described(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorBody"}
    return {
        "description": _MEANINGS[status],
        "headers": _REQUEST_ID | _HEADERS.get(status, {}),
        "content": {"application/json": {"schema": schema}},
    }


def _refused(path: str, operation: Mapping[str, Any], rule: Rule) -> Iterator[int]:
    yield from (400, 413, 500)
    if path != "/health":  # a process that is alive says so, whatever else
        yield 503
    if not rule.open:
        yield from (401, 403, 429)
    if "requestBody" in operation or operation.get("parameters"):
        yield 422
    if "requestBody" in operation:
        yield 408


def _describe_callers(operation: dict[str, Any], method: str, rule: Rule) -> None:
    if rule.open:
        operation["security"] = []
        return
    by_cookie: dict[str, list[str]] = {"session": []} if method == "get" else {"session": [], "csrf": []}
    operation["security"] = [{"bearer": []}, {"key": []}, by_cookie]
    roles = f"May be called by: {', '.join(sorted(rule.roles))}."
    operation["description"] = f"{operation.get('description', '')}\n\n{roles}".strip()


def _describe_headers(answers: dict[str, Any]) -> None:
    for status, answer in answers.items():
        if "$ref" not in answer:
            answer["headers"] = _REQUEST_ID | _HEADERS.get(int(status), {}) | answer.get("headers", {})
