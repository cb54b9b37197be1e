"""``/users``: who may sign in, for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.administration import Administration
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.console.frame.confirmation import Question, ask, is_confirmed
from churn_mlops.serving.console.frame.forms import Form, add_form, read_form
from churn_mlops.serving.console.frame.pages import Banner, Pages, redirect
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.store.access.users import PERSON_ROLES
from churn_mlops.store.database.clock import utc_now

USERS = "/users"
CHANGES = ("role", "disable", "enable", "sessions", "password")
ASKED = ("role", "disable", "sessions", "password")
"""The changes that end sessions of the user: a page asks first."""


@dataclass(frozen=True)
class UserPages:
    """The routes.

    Args:
        pages: makes pages.
        administration: reads and changes users.
    """

    pages: Pages
    administration: Administration

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get(USERS, include_in_schema=False)(self.all)
        app.get(f"{USERS}/{{name}}", include_in_schema=False)(self.one)
        add_form(app, USERS, self.add)
        app.post(f"{USERS}/{{name}}", include_in_schema=False)(self.change)

    async def all(self, request: Request) -> Response:
        """All users, and the form for another one."""
        return await self._all(request, {})

    async def add(self, request: Request, form: Form) -> Response:
        """Add a user, and show their first password this once; a form that cannot be taken comes back."""
        name = form.get("name", "").strip()
        try:
            user, password = await self.administration.add(name, form.get("role", ""), principal_of(request))
        except RequestError as refused:
            if refused.status != 409:
                raise
            return await self._all(request, form, refused)
        return self._password(request, "added", user.name, password)

    async def one(self, request: Request, name: str) -> Response:
        """One user: their sessions, and what may be changed."""
        done = request.query_params.get("done")
        banner = Banner("done", self.pages.texts(f"user_done.{done}")) if done in CHANGES else None
        return await self._one(request, name, banner)

    async def change(self, request: Request, name: str) -> Response:
        """Change one thing of a user; their page shows a refusal."""
        form, by = await read_form(request), principal_of(request)
        await self.administration.user(name)
        do = form.get("do", "")
        if do in ASKED and not is_confirmed(form):
            return self._ask(request, name, do, form)
        try:
            if do == "password":
                made = await self.administration.reset_password(name, by)
                return self._password(request, "reset", name, made)
            if do == "role":
                await self.administration.change_role(name, form.get("role", ""), by)
            elif do == "disable":
                await self.administration.disable(name, by)
            elif do == "enable":
                await self.administration.enable(name, by)
            elif do == "sessions":
                await self.administration.end_sessions(name, by)
            else:
                raise RequestError(422, "there is no such change", [("do", f"must be one of {', '.join(CHANGES)}")])
        except RequestError as refused:
            if refused.status != 409:
                raise
            return await self._one(request, name, Banner("error", _said(refused)), 409)
        return redirect(f"{USERS}/{quote(name)}?done={do}")

    async def _all(self, request: Request, form: Form, refused: RequestError | None = None) -> Response:
        return self.pages.page(
            request,
            "users",
            status=200 if refused is None else refused.status,
            banner=None if refused is None else Banner("error", _said(refused)),
            users=await self.administration.users(),
            roles=PERSON_ROLES,
            now=utc_now(),
            form=form,
        )

    async def _one(self, request: Request, name: str, banner: Banner | None, status: int = 200) -> Response:
        return self.pages.page(
            request,
            "user",
            status=status,
            banner=banner,
            found=await self.administration.user(name),
            is_self=principal_of(request).name == f"person:{name}",
            roles=PERSON_ROLES,
            now=utc_now(),
        )

    def _ask(self, request: Request, name: str, do: str, form: Form) -> Response:
        text, path = self.pages.texts, f"{USERS}/{quote(name)}"
        role = form.get("role", "")
        known = text(f"role_names.{role}") if role in PERSON_ROLES else role
        question = Question(
            text(f"user_asked.{do}", name=name, role=known),
            text(f"user.{do}_help"),
            text(f"user.{do}_button"),
            text("shown_once.to_user", name=name),
        )
        return ask(self.pages, request, question, form, action=path, back=path)

    def _password(self, request: Request, done: str, name: str, password: str) -> Response:
        text = self.pages.texts
        return self.pages.page(
            request,
            "shown_once",
            title=text(f"shown_once.{done}", name=name),
            label=text("shown_once.password"),
            secret=password,
            help=text("shown_once.password_help", name=name),
            back=f"{USERS}/{quote(name)}",
            back_label=text("shown_once.to_user", name=name),
        )


def _said(refused: RequestError) -> str:
    """The sentence of a refusal, as it stands on a page."""
    return f"{refused.error[:1].upper()}{refused.error[1:]}."
