"""Signing in through an identity provider: OpenID Connect, the authorization code flow with PKCE.

The provider says who the user is, and in which groups; the settings give groups a role. Nothing is believed that is not
in a token with the provider's signature, made for this server and for this sign-in.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from churn_mlops.config.oidc import Oidc
from churn_mlops.serving.access.presented_identity import role_of_groups
from churn_mlops.serving.access.principal import Role
from churn_mlops.trace_context import outgoing_headers

SECONDS = 5.0
"""Longest wait for an answer of the provider."""
_FRESH_SECONDS = 3600.0
_LEEWAY_SECONDS = 60
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_MOST_BYTES = 1_000_000
Fault = Literal["not_reached", "refused", "no_role"]
log = structlog.get_logger("churn_mlops.serving")


class IdentityError(Exception):
    """A sign-in that ends here.

    Args:
        fault: ``not_reached``: the provider gives no usable answer; ``refused``: the provider, or a check of what it
            sent, refuses; ``no_role``: the user is known, and none of their groups has a role.
        reason: for the log, without what identifies the user.
    """

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault


@dataclass(frozen=True)
class Attempt:
    """A sign-in that has begun: what the browser keeps until it comes back.

    Args:
        state: comes back with the answer, and ties it to this browser.
        nonce: comes back in the token, and ties it to this sign-in.
        verifier: proves that the server that asks for the token is the one that began (PKCE, RFC 7636).
    """

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        """An attempt that no one can guess."""
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True)
class Identity:
    """The user, as the provider vouches for them.

    Args:
        name: their name here.
        role: what they may do.
    """

    name: str
    role: Role


class IdentityProvider:
    """The provider that the settings name.

    Args:
        settings: with an issuer.
        transport: how its addresses are reached; None for the network.
    """

    def __init__(self, settings: Oidc, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings, self._transport = settings, transport
        self._roles = dict(pair.rsplit("=", 1) for pair in settings.roles)
        self._metadata: dict[str, Any] = {}
        self._read_at = -_FRESH_SECONDS

    async def address(self, attempt: Attempt, back_to: str) -> str:
        """The address that the browser is sent to.

        Args:
            attempt: that has just begun.
            back_to: the address of this server that the provider sends the browser back to.

        Raises:
            IdentityError: the provider is not reached.
        """
        metadata = await self._discovered()
        async with self._client(back_to) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url)

    async def identity(self, attempt: Attempt, back_to: str, answer: Mapping[str, str]) -> Identity:
        """The user who signed in.

        Args:
            attempt: what the browser kept.
            back_to: as in :meth:`address`.
            answer: the parameters that came with the browser.

        Raises:
            IdentityError: see there.
        """
        metadata = await self._discovered()
        self._check_answer(attempt, answer)
        try:
            async with self._client(back_to) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=answer["code"], code_verifier=attempt.verifier
                )
                claims = await self._claims(metadata, token, attempt)
                claims = await self._with_user_info(client, metadata, claims)
        except httpx.HTTPError as error:
            raise IdentityError("not_reached", type(error).__name__) from None
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            raise IdentityError("refused", type(error).__name__) from None
        return self._known(claims)

    def _client(self, back_to: str) -> AsyncOAuth2Client:
        secret = self._settings.client_secret
        return AsyncOAuth2Client(
            self._settings.client_id,
            secret,
            scope=self._settings.scope,
            redirect_uri=back_to,
            code_challenge_method="S256",
            token_endpoint_auth_method="none" if secret is None else "client_secret_basic",
            timeout=SECONDS,
            transport=self._transport,
            headers=outgoing_headers(),
            follow_redirects=False,
        )

    async def _discovered(self) -> dict[str, Any]:
        """The provider's description of itself, read again each hour (OpenID Connect Discovery 1.0)."""
        if time.monotonic() - self._read_at < _FRESH_SECONDS:
            return self._metadata
        found = await self._read(f"{self._settings.issuer}/.well-known/openid-configuration")
        if str(found.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise IdentityError("not_reached", "the provider calls itself by another issuer")
        missing = {"authorization_endpoint", "token_endpoint", "jwks_uri"} - found.keys()
        if missing:
            raise IdentityError("not_reached", f"the provider names no {', '.join(sorted(missing))}")
        found["keys"] = await self._read(found["jwks_uri"])
        self._metadata, self._read_at = found, time.monotonic()
        return found

    async def _read(self, address: str) -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=SECONDS, transport=self._transport) as client:
                answer = await client.get(address, headers=outgoing_headers())
                answer.raise_for_status()
                if len(answer.content) > _MOST_BYTES:
                    raise ValueError("too long")
                return dict(answer.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError) as error:
            raise IdentityError("not_reached", type(error).__name__) from None

    def _check_answer(self, attempt: Attempt, answer: Mapping[str, str]) -> None:
        if not secrets.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise IdentityError("refused", "the answer belongs to another sign-in")
        if answer.get("iss", self._settings.issuer) not in (self._settings.issuer, f"{self._settings.issuer}/"):
            raise IdentityError("refused", "the answer is that of another provider")  # RFC 9207
        if "code" not in answer:
            raise IdentityError("refused", "the provider did not sign the user in")

    async def _claims(self, metadata: dict[str, Any], token: Mapping[str, Any], attempt: Attempt) -> dict[str, Any]:
        """The claims of the ID token, once its signature and all that it must say are checked."""
        try:
            signed = jwt.decode(token["id_token"], KeySet.import_key_set(metadata["keys"]), algorithms=_ALGORITHMS)
        except (JoseError, ValueError):  # the provider may have changed its keys meanwhile
            metadata["keys"] = await self._read(metadata["jwks_uri"])
            signed = jwt.decode(token["id_token"], KeySet.import_key_set(metadata["keys"]), algorithms=_ALGORITHMS)
        expected = {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": self._settings.client_id},
        }
        checked = CodeIDToken(
            signed.claims,
            signed.header,
            expected,
            {"nonce": attempt.nonce, "client_id": self._settings.client_id, "access_token": token.get("access_token")},
        )
        checked.validate(leeway=_LEEWAY_SECONDS)
        return dict(checked)

    async def _with_user_info(
        self, client: AsyncOAuth2Client, metadata: dict[str, Any], claims: dict[str, Any]
    ) -> dict[str, Any]:
        """The claims with those that the provider gives on request; many hold groups and addresses back until then."""
        if "userinfo_endpoint" not in metadata:
            return claims
        answer = await client.get(metadata["userinfo_endpoint"])
        answer.raise_for_status()
        given = dict(answer.json())
        if given.get("sub") != claims["sub"]:
            raise IdentityError("refused", "the provider describes another user")
        return given | claims

    def _known(self, claims: Mapping[str, Any]) -> Identity:
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not name:
            raise IdentityError("refused", f"the provider gives no claim {self._settings.name_claim!r}")
        if self._settings.name_claim == "email" and claims.get("email_verified") not in (True, "true"):
            raise IdentityError("refused", "the provider has not verified the address")
        held = claims.get(self._settings.groups_claim) or []
        if not isinstance(held, str | list):
            raise IdentityError("refused", f"the claim {self._settings.groups_claim!r} holds no groups")
        groups = [held] if isinstance(held, str) else [str(group) for group in held]
        role = role_of_groups(groups, self._roles)
        if role is None:
            raise IdentityError("no_role", "none of the user's groups has a role")
        return Identity(name, role)
