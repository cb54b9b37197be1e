"""Signing in and out, the account of the user who is signed in, and the choice between light and dark."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.administration import Administration
from churn_mlops.serving.access.principal import Principal, principal_of, session_of
from churn_mlops.serving.access.sign_in import SignInService
from churn_mlops.serving.console.frame.forms import Form, add_form
from churn_mlops.serving.console.frame.navigation import SIGN_IN, home_of, local_path
from churn_mlops.serving.console.frame.pages import THEMES, Banner, Pages, redirect, theme_cookie
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.store.access.users import LONGEST_PASSWORD, SHORTEST_PASSWORD

_LONGEST_NAME = 64


@dataclass(frozen=True)
class AccountPages:
    """The routes.

    Args:
        pages: makes pages.
        sign_in: begins and ends sessions; None where there is no access control.
        administration: reads and ends sessions; None where there is no access control.
        with_provider: whether users may sign in through an identity provider, too.
    """

    pages: Pages
    sign_in: SignInService | None
    administration: Administration | None
    with_provider: bool = False

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get(SIGN_IN, include_in_schema=False)(self.show_sign_in)
        app.get("/account", include_in_schema=False)(self.show_account)
        add_form(app, SIGN_IN, self.take_sign_in)
        add_form(app, "/sign-out", self.sign_out)
        add_form(app, "/account/password", self.change_password)
        add_form(app, "/account/sessions", self.end_others)
        add_form(app, "/theme", self.choose_theme)

    async def show_sign_in(self, request: Request) -> Response:
        """The form to sign in; on a machine without keys there is nothing to sign in to."""
        after = request.query_params.get("next")
        if self.sign_in is None or not await self.sign_in.is_needed():
            return redirect(local_path(after) or "/")
        return self.form(request, after=local_path(after))

    async def take_sign_in(self, request: Request, form: Form) -> Response:
        """Begin a session, and go on to where the user was going."""
        if self.sign_in is None:
            return redirect("/")
        name, password, after = form.get("name", "").strip(), form.get("password", ""), local_path(form.get("next"))
        if not 1 <= len(name) <= _LONGEST_NAME or not 1 <= len(password) <= LONGEST_PASSWORD:
            return self.form(request, after, name[:_LONGEST_NAME], "empty", 422)
        try:
            user, started = await self.sign_in.begin(request, name, password)
        except RequestError as refused:
            if refused.status not in (401, 429):
                raise
            key = "wrong" if refused.status == 401 else "too_often"
            return self.form(request, after, name, key, refused.status, refused.headers)
        return redirect(after or home_of(user.role), self.sign_in.cookie(request, started.token))

    async def sign_out(self, request: Request, form: Form) -> Response:
        """End the session."""
        if self.sign_in is None:
            return redirect("/")
        return redirect(SIGN_IN, await self.sign_in.end(request))

    async def show_account(self, request: Request) -> Response:
        """The user, their role, and their sessions."""
        ended = Banner("done", self.pages.texts("account.ended")) if request.query_params.get("done") else None
        return await self._account(request, ended)

    async def end_others(self, request: Request, form: Form) -> Response:
        """End all sessions of the user but the one of this request."""
        session, principal = session_of(request), principal_of(request)
        if self.administration is None or session is None:
            raise RequestError(409, "only a user who signed in has sessions")
        await self.administration.end_sessions(_name(principal), principal, session.sha256)
        return redirect("/account?done=sessions")

    async def change_password(self, request: Request, form: Form) -> Response:
        """Change the password of the user who is signed in."""
        texts, principal = self.pages.texts, principal_of(request)
        if self.sign_in is None or session_of(request) is None:
            raise RequestError(409, "only a user who signed in with a password can change it")
        if form.get("new") != form.get("again"):
            return await self._account(request, Banner("error", texts("account.not_alike")), 422)
        name = _name(principal)
        try:
            await self.sign_in.change_password(request, name, form.get("present", ""), form.get("new", ""))
        except RequestError as refused:
            if refused.status not in (401, 422, 429):
                raise
            keys = {401: "account.wrong", 422: "account.length", 429: "sign_in.too_often"}
            text = texts(keys[refused.status], shortest=SHORTEST_PASSWORD, longest=LONGEST_PASSWORD)
            return await self._account(request, Banner("error", text), refused.status, refused.headers)
        return await self._account(request, Banner("done", texts("account.changed")))

    async def choose_theme(self, request: Request, form: Form) -> Response:
        """Keep the choice between light and dark, and go back."""
        theme = form.get("theme", "")
        if theme not in THEMES:
            raise RequestError(422, "there is no such theme", [("theme", f"must be one of {', '.join(THEMES)}")])
        return redirect(local_path(form.get("next")) or "/", theme_cookie(request, theme))

    def form(
        self,
        request: Request,
        after: str | None,
        name: str = "",
        error: str | None = None,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """The form to sign in.

        Args:
            request: that is answered.
            after: where the user is going, an address of this server.
            name: that they gave.
            error: why they are not signed in: the end of a key of the texts.
            status: of the answer.
            headers: of the answer; one of them is kept.
        """
        banner = None if error is None else Banner("error", self.pages.texts(f"sign_in.{error}"))
        return self.pages.page(
            request,
            "sign_in",
            status=status,
            headers=_retry(headers),
            banner=banner,
            after=after or "",
            name=name,
            with_provider=self.with_provider,
        )

    async def _account(
        self,
        request: Request,
        banner: Banner | None = None,
        status: int = 200,
        headers: dict[str, str] | None = None,
    ) -> Response:
        session, sessions, with_password = session_of(request), [], False
        if self.administration is not None and session is not None:
            name = _name(principal_of(request))
            sessions = await self.administration.sessions(name)
            with_password = (await self.administration.user(name)).has_password
        return self.pages.page(
            request,
            "account",
            status=status,
            headers=_retry(headers),
            banner=banner,
            kind=principal_of(request).name.partition(":")[0],
            sessions=sessions,
            with_password=with_password,
            own=None if session is None else session.sha256,
            shortest=SHORTEST_PASSWORD,
        )


def _name(principal: Principal) -> str:
    return principal.name.removeprefix("person:")


def _retry(headers: dict[str, str] | None) -> dict[str, str]:
    """The one header of a refusal that a page keeps."""
    return {name: value for name, value in (headers or {}).items() if name == "Retry-After"}
