"""A page: a template with what every page shows, and the headers that let a browser do no more than it needs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import jinja2
from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.config import Settings
from churn_mlops.serving.access.presented_identity import SECURE_COOKIE, cookie_name, headers_of
from churn_mlops.serving.access.principal import LOCAL, Principal
from churn_mlops.serving.console.frame.formats import LOCALES, Formats
from churn_mlops.serving.console.frame.forms import form_token
from churn_mlops.serving.console.frame.navigation import customer_path, local_path, may_open, navigation
from churn_mlops.serving.console.frame.static_files import StaticFiles
from churn_mlops.serving.console.frame.texts import Texts

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "churn_theme"
_OF_ADDRESSES = "/?&=%#:;,+@!$'()*~[]"  # what else a header must not hold is quoted
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    # A form then says by its header Origin where it comes from; no other site learns an address.
    "Referrer-Policy": "same-origin",
    "Vary": "Cookie",
}


@dataclass(frozen=True)
class Banner:
    """A line at the top of a page: what was just done, or what went wrong.

    Args:
        kind: ``done``, ``warning`` or ``error``.
        text: for people.
    """

    kind: str
    text: str


class Pages:
    """Makes pages out of templates.

    Args:
        app: the application, whose routes say which pages there are.
        settings: of the sections ``console`` and ``schedule``.
        is_guarded: whether there is access control; without it, every request is one of this machine.
    """

    def __init__(self, app: FastAPI, settings: Settings, *, is_guarded: bool) -> None:
        self._app, self._is_guarded = app, is_guarded
        self.texts = Texts()
        self.static = StaticFiles()
        console = settings.console
        zone = ZoneInfo(settings.schedule.time_zone or "UTC")
        self.formats = Formats(LOCALES[console.locale], console.currency, zone, self.texts)
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("churn_mlops.serving.console"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "t": self.texts,
            "f": self.formats,
            "static": self.static.address,
            "customer_path": customer_path,
            "query": _query,
        }

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        banner: Banner | None = None,
        **values: Any,
    ) -> Response:
        """A page for the principal of ``request``.

        Args:
            request: whose page it is.
            template: name of the template, without its ending; also the name of the page in the navigation.
            status: of the answer.
            headers: of the answer, besides those of every page.
            banner: at its top.
            values: of the template.
        """
        token, cookie = form_token(request)
        shown = self._frame(request, template) | {"csrf_token": token, "banner": banner} | values
        text = self._templates.get_template(f"{template}.html.j2").render(shown)
        response = Response(text, status, PAGE_HEADERS | dict(headers or {}), "text/html; charset=utf-8")
        if cookie is not None:
            response.headers.append("Set-Cookie", cookie)
        return response

    def principal(self, request: Request) -> Principal | None:
        """The principal of a request, None where it is not known: on open pages, and where a request was refused."""
        state = request.scope.get("state", {})
        if not self._is_guarded:
            return LOCAL
        principal: Principal | None = state.get("caller")
        return None if principal is None or principal.name == "anonymous" else principal

    def _frame(self, request: Request, name: str) -> dict[str, Any]:
        principal = self.principal(request)
        role = None if principal is None else principal.role
        paths = {str(getattr(route, "path", "")) for route in self._app.routes}
        given = request.cookies.get(THEME_COOKIE)
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return {
            "page_name": name,
            "navigation": navigation(paths, role, name),
            "principal": principal,
            "principal_name": "" if principal is None else principal.name.removeprefix("person:"),
            "is_signed_in": "session" in request.scope.get("state", {}),
            "may_open": lambda path: may_open(role, path),
            "theme": given if given in THEMES else "auto",
            "themes": THEMES,
            "here": local_path(path) if request.method == "GET" else "/",
        }


def redirect(path: str, *cookies: str) -> Response:
    """On to another page, which is asked for by GET.

    Args:
        path: an address within this server.
        cookies: headers ``Set-Cookie``.
    """
    response = Response(status_code=303, headers={"Location": quote(path, safe=_OF_ADDRESSES)})
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


def theme_cookie(request: Request, theme: str) -> str:
    """The header ``Set-Cookie`` that keeps the choice between light and dark for a year."""
    secure = "; Secure" if cookie_name(headers_of(request.scope)) == SECURE_COOKIE else ""
    return f"{THEME_COOKIE}={theme}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax{secure}"


def _query(**values: object) -> str:
    """A query of the values that are not empty."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    return f"?{urlencode(given)}" if given else ""
