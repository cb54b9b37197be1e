"""The identity in a request: a session's cookie, or a trusted proxy's headers."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from starlette.types import Scope

from churn_mlops.serving.access.permissions import EVERY_ROLE
from churn_mlops.serving.access.principal import Principal, Role
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.request_limits import is_local

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="churn"'}
# The prefix has a browser refuse it from other hosts of the same domain; it goes with Secure, which needs TLS.
SECURE_COOKIE, LOCAL_COOKIE = "__Host-churn_session", "churn_session"
Headers = Mapping[bytes, bytes]


def unauthorized(error: str) -> RequestError:
    """401, with the way to authenticate."""
    return RequestError(401, error, headers=_CHALLENGE)


_ONCE = frozenset({b"authorization", b"x-api-key", b"x-csrf-token"})


def headers_of(scope: Scope, once: Collection[bytes] = ()) -> Headers:
    """The headers by name; of one that comes twice, the last.

    Args:
        scope: of the request.
        once: names, besides those of keys, that may come once only.

    Raises:
        RequestError: 400, one that identifies the principal comes twice.
    """
    given = scope["headers"]
    headers = dict(given)
    if len(headers) < len(given):
        counts = Counter(name for name, _ in given)
        for name in (*_ONCE, *once):
            if counts[name] > 1:
                raise RequestError(400, f"the header {name.decode()} stands there more than once: send it once")
    return headers


def cookie_name(headers: Headers) -> str:
    """The name of the session's cookie: without TLS, that is on this machine, a browser takes no secure one."""
    return LOCAL_COOKIE if is_local(headers.get(b"host", b"").decode("latin-1")) else SECURE_COOKIE


def session_in(headers: Headers) -> str | None:
    """The token of the session's cookie, None where there is none."""
    cookies = headers.get(b"cookie")
    if not cookies:
        return None
    wanted = cookie_name(headers)
    for pair in cookies.decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted:
            return value
    return None


def role_of_groups(groups: Collection[str], roles: Mapping[str, str]) -> Role | None:
    """The role of a user who is in ``groups``: of several, the one that may most; None for none.

    Args:
        groups: of the user.
        roles: the role of each group; ``*`` is for users who are in none of the others.
    """
    named = {roles[group] for group in groups if group in roles and group != "*"}
    found = named or {role for group, role in roles.items() if group == "*"}
    return next((role for role in reversed(EVERY_ROLE) if role in found), None)


@dataclass(frozen=True)
class Proxies:
    """Proxies that name the user who signed in to them, by OIDC for example.

    Args:
        networks: the addresses of trusted proxies.
        user_header: the header that holds the name, None where no proxy sends it.
        groups_header: the header that holds groups, commas between; None takes the name for the one group.
        roles: the role of each group; ``*`` is for users who are in none of them.
    """

    networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network] = ()
    user_header: str | None = None
    groups_header: str | None = None
    roles: Mapping[str, str] | None = None

    @cached_property
    def headers(self) -> tuple[bytes, ...]:
        """The names of the headers that are trusted."""
        return tuple(name.lower().encode() for name in (self.user_header, self.groups_header) if name is not None)

    def principal(self, scope: Scope, headers: Headers) -> Principal | None:
        """The principal that a trusted proxy names; None without one.

        Raises:
            RequestError: 403, none of their groups has a role.
        """
        if self.user_header is None or not self._is_trusted(_peer(scope)):
            return None
        name = headers.get(self.user_header.lower().encode(), b"").decode("utf-8", "replace").strip()
        if not name:
            return None
        groups = [name]
        if self.groups_header is not None:
            named_groups = headers.get(self.groups_header.lower().encode(), b"").decode("utf-8", "replace")
            groups = [group.strip() for group in named_groups.split(",")]
        role = role_of_groups(groups, self.roles or {})
        if role is None:
            raise RequestError(403, "none of your groups has a role here: serving.proxy_roles gives them")
        return Principal(f"proxy:{name}", role)

    def address(self, scope: Scope) -> str:
        """The client address of a request: behind trusted proxies, the first address that is none of theirs."""
        address = _peer(scope)
        forwarded = headers_of(scope).get(b"x-forwarded-for", b"").decode("latin-1")
        for before in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            if not self._is_trusted(address):
                break
            address = before
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    address: str = client[0] if client else ""
    # A server that listens on `::` sees clients of IPv4 so.
    return address.removeprefix("::ffff:") if "." in address else address
