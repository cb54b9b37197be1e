"""Forms of the pages: every one is read here, and only here, with the check that a page of ours sent it."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.presented_identity import SECURE_COOKIE, cookie_name, headers_of
from churn_mlops.serving.access.principal import principal_of, session_of
from churn_mlops.serving.http.errors import RequestError, sentence
from churn_mlops.serving.http.small_body import small_body

CSRF_FIELD = "csrf_token"
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 80
Form = Mapping[str, str]
AnswerForm = Callable[[Request, Form], Awaitable[Response]]


def add_form(app: FastAPI, path: str, answer: AnswerForm) -> None:
    """Add a route that takes a form; ``answer`` sees it only once :func:`read_form` has let it in."""

    async def take(request: Request) -> Response:
        return await answer(request, await read_form(request))

    app.post(path, include_in_schema=False)(take)


async def read_form(request: Request) -> Form:
    """The fields of a form, without its CSRF token.

    Raises:
        RequestError: 403, another site's page sent it, or its CSRF token is missing or wrong; 413, 408 or 422, it is
            too large, too slow or malformed; 415, it is no form.
    """
    _check_origin(request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise RequestError(415, f"send a form, with the header Content-Type: {_FORM}")
    fields = _fields(await small_body(request))
    given = fields.pop(CSRF_FIELD, None)
    _check_token(request, request.headers.get("x-csrf-token", given))
    return fields


def form_token(request: Request) -> tuple[str, str | None]:
    """The CSRF token of the forms of a page, and the header ``Set-Cookie`` that goes with it, if any.

    It is that of the session. Without one (before the sign-in, behind a proxy, on a machine without keys) it is a
    random text, which stands in a cookie too: a foreign page can neither read it nor set it.
    """
    session = session_of(request)
    if session is not None and session.csrf_token is not None:
        return session.csrf_token, None
    known = request.cookies.get(_cookie_name(request))
    if known:
        return known, None
    token = secrets.token_urlsafe(32)
    name = _cookie_name(request)
    secure = "; Secure" if name.startswith("__Host-") else ""
    return token, f"{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"


def _check_origin(request: Request) -> None:
    """A browser says from which page a form comes; what is no browser says nothing."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        is_ours = site in ("same-origin", "none")
    else:
        is_ours = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_ours:
        raise RequestError(403, "this form was sent by a page of another site: open the page here, and send it again")


def _check_token(request: Request, given: str | None) -> None:
    if principal_of(request).name.startswith("key:"):
        return  # a browser adds no key by itself
    session = session_of(request)
    expected = request.cookies.get(_cookie_name(request)) if session is None else session.csrf_token
    if given is None or not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise RequestError(403, "the form is too old, or was not made by this server: open the page again")


def _fields(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (ValueError, UnicodeError):
        raise RequestError(422, "the form cannot be read", [("body", "is no form")]) from None
    repeated = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if repeated:
        problems = [(name[:100], "is given more than once") for name in repeated]
        raise RequestError(422, sentence(problems), problems)
    return dict(pairs)


def _cookie_name(request: Request) -> str:
    is_secure = cookie_name(headers_of(request.scope)) == SECURE_COOKIE
    return "__Host-churn_form" if is_secure else "churn_form"
