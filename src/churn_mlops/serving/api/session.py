"""``/session``: sign in with a password, see the principal of a request, sign out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.serving.access.principal import principal_of, session_of
from churn_mlops.serving.access.sign_in import SignInService
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.small_body import small_body
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json

ACCESS = "Access"
_REFUSALS = refusing(
    {401: "Name or password is wrong", 415: "The body is not declared as JSON", 429: "Too many tries to sign in"}
)


class SignIn(BaseModel):
    """The name and the password of a user."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024, repr=False)


class SessionBody(BaseModel):
    """The principal, and what a browser needs to ask for changes."""

    name: str = Field(description="such as `person:anna` or `key:crm`")
    role: str
    csrf_token: str | None = Field(description="goes into the header X-CSRF-Token; null with a key, which needs none")
    expires_at: datetime | None = Field(description="when the session ends")


def add_sign_in(app: FastAPI, sign_in: SignInService) -> None:
    """Add the routes of ``/session``.

    Args:
        app: the application.
        sign_in: begins and ends sessions.
    """
    routes = _Sessions(sign_in)
    app.post(
        "/session",
        summary="Sign in",
        tags=[ACCESS],
        status_code=201,
        response_model=SessionBody,
        responses=_REFUSALS,
        openapi_extra=_DESCRIPTION,
    )(routes.sign_in)
    app.get("/session", summary="Who am I?", tags=[ACCESS], response_model=SessionBody)(routes.who)
    app.delete(
        "/session",
        summary="Sign out",
        tags=[ACCESS],
        status_code=204,
        response_class=Response,
        responses=refusing({409: "There is no session to end"}),
    )(routes.sign_out)


@dataclass(frozen=True)
class _Sessions:
    """The routes; :func:`add_sign_in` describes the fields. A name of a method is part of its operation's id."""

    service: SignInService

    async def sign_in(self, request: Request) -> Response:
        """Begin a session; its cookie is in the answer."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            # A foreign page can have a browser send a form, and so sign a user in under another name.
            raise RequestError(415, "send the header Content-Type: application/json")
        given = read_fields(await small_body(request), SignIn, "a sign-in")
        user, started = await self.service.begin(request, given.name, given.password)
        body = _body(f"person:{user.name}", user.role, started.csrf_token, started.expires_at)
        cookie = self.service.cookie(request, started.token)
        return Response(body, 201, {"Set-Cookie": cookie}, "application/json")

    async def who(self, request: Request) -> Response:
        """The principal, their role, and the token that changes need."""
        principal, session = principal_of(request), session_of(request)
        sent = None if session is None else session.csrf_token
        if principal.name.startswith("proxy:"):
            sent = "proxy"  # no secret: that a page of ours sends it is all it says
        expires_at = None if session is None else session.expires_at
        return Response(_body(principal.name, principal.role, sent, expires_at), media_type="application/json")

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        cookie = await self.service.end(request)
        return Response(status_code=204, headers={"Set-Cookie": cookie})


def _body(name: str, role: str, csrf_token: str | None, expires_at: datetime | None) -> bytes:
    expires = None if expires_at is None else expires_at.isoformat()
    return as_json({"name": name, "role": role, "csrf_token": csrf_token, "expires_at": expires})


_DESCRIPTION = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": SignIn.model_json_schema()}}}
}
