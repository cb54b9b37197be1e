"""Signing in through the company's identity provider: to the provider, and back from it."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.errors import AccessError
from churn_mlops.serving.access.oidc import Attempt, IdentityError, IdentityProvider
from churn_mlops.serving.access.presented_identity import SECURE_COOKIE, cookie_name, headers_of
from churn_mlops.serving.access.sign_in import SignInService
from churn_mlops.serving.console.account.account_pages import AccountPages
from churn_mlops.serving.console.frame.navigation import SIGN_IN, home_of, local_path
from churn_mlops.serving.console.frame.pages import redirect

START, BACK = f"{SIGN_IN}/oidc", f"{SIGN_IN}/oidc/back"
_MINUTES = 10
_STATUS = {"not_reached": 503, "refused": 401, "no_role": 403}
log = structlog.get_logger("churn_mlops.serving")


@dataclass(frozen=True)
class OidcPages:
    """The routes.

    Args:
        account: shows the form to sign in, also where a sign-in ends without a session.
        provider: vouches for users.
        sign_in: begins sessions.
    """

    account: AccountPages
    provider: IdentityProvider
    sign_in: SignInService

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get(START, include_in_schema=False)(self.leave)
        app.get(BACK, include_in_schema=False)(self.come_back)

    async def leave(self, request: Request) -> Response:
        """Send the browser to the provider; what it must bring back stays in a cookie of this browser."""
        attempt, after = Attempt.new(), local_path(request.query_params.get("next"))
        try:
            address = await self.provider.address(attempt, _back_to(request))
        except IdentityError as error:
            return self._refused(request, error, after)
        kept = base64.urlsafe_b64encode(json.dumps({**asdict(attempt), "after": after}).encode()).decode()
        return redirect(address, _cookie(request, kept, _MINUTES * 60))

    async def come_back(self, request: Request) -> Response:
        """Begin a session of the user that the provider vouches for."""
        attempt, after = _kept(request)
        try:
            if attempt is None:
                raise IdentityError("refused", "this browser began no sign-in, or too long ago")
            identity = await self.provider.identity(attempt, _back_to(request), dict(request.query_params))
            started = await self.sign_in.begin_vouched(identity.name, identity.role)
        except AccessError:
            return self._refused(request, IdentityError("refused", "the user may not sign in this way"), after)
        except IdentityError as error:
            return self._refused(request, error, after)
        # Not a redirect: the browser, coming from another site, would not send the cookie of the session along.
        answer = self.account.pages.page(request, "signed_in", after=after or home_of(identity.role))
        for cookie in (self.sign_in.cookie(request, started.token), _cookie(request, "", 0)):
            answer.headers.append("Set-Cookie", cookie)
        return answer

    def _refused(self, request: Request, error: IdentityError, after: str | None) -> Response:
        log.warning("oidc_sign_in_refused", fault=error.fault, reason=str(error))
        answer = self.account.form(request, after, error=f"oidc_{error.fault}", status=_STATUS[error.fault])
        answer.headers.append("Set-Cookie", _cookie(request, "", 0))
        return answer


def _back_to(request: Request) -> str:
    """The address of :meth:`OidcPages.come_back`, as the provider has to know it: TLS, but on this machine."""
    scheme = "https" if _is_secure(request) else "http"
    return f"{scheme}://{request.headers['host']}{BACK}"


def _kept(request: Request) -> tuple[Attempt | None, str | None]:
    """The attempt that :meth:`OidcPages.leave` left in this browser; nothing where it cannot be read."""
    try:
        held = json.loads(base64.urlsafe_b64decode(request.cookies[_name(request)].encode("ascii")))
        return Attempt(str(held["state"]), str(held["nonce"]), str(held["verifier"])), local_path(held["after"])
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None, None


def _cookie(request: Request, value: str, seconds: int) -> str:
    """Lax: the provider's site sends the browser back with it."""
    secure = "; Secure" if _is_secure(request) else ""
    return f"{_name(request)}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"


def _name(request: Request) -> str:
    return "__Host-churn_oidc" if _is_secure(request) else "churn_oidc"


def _is_secure(request: Request) -> bool:
    return cookie_name(headers_of(request.scope)) == SECURE_COOKIE
