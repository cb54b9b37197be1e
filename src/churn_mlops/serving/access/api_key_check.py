"""The check of the API key of a request: it is read from the headers, hashed, and looked up among the valid keys.

``credential_cache.py`` holds the valid keys with their expiry; ``store/access/api_keys.py`` creates and revokes keys.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import cast

from churn_mlops.serving.access.credential_cache import CredentialSnapshot, Instant
from churn_mlops.serving.access.presented_identity import Headers, unauthorized
from churn_mlops.serving.access.principal import Principal, Role
from churn_mlops.store.access.credentials import Credential


def api_key_in(headers: Headers) -> bytes | None:
    """The key of ``Authorization: Bearer KEY`` or ``X-API-Key``, None where there is none.

    Raises:
        RequestError: 401, there are two, or one of another kind.
    """
    bearer, key = headers.get(b"authorization"), headers.get(b"x-api-key")
    if bearer is None:
        return key
    if key is not None:
        raise unauthorized("send the key once: as Authorization: Bearer KEY, or as X-API-Key")
    scheme, _, token = bearer.partition(b" ")
    if scheme.lower() != b"bearer":
        raise unauthorized("the header Authorization is not understood: send Authorization: Bearer KEY")
    return token.strip()


def principal_of_api_key(key: bytes, credentials: CredentialSnapshot, now: Instant) -> Principal | None:
    """The principal of a valid API key; None where the key is unknown, expired, revoked, or the token of a session."""
    found = valid_credential(key, credentials, now)
    return None if found is None or found.csrf_token is not None else _principal(found.caller, found.role)


def valid_credential(secret: bytes, credentials: CredentialSnapshot, now: Instant) -> Credential | None:
    """The valid key or session of this secret; None where there is none."""
    return credentials.find(hashlib.sha256(secret).hexdigest(), now)


@lru_cache(maxsize=1024)  # the same few keys come thousands of times a second
def _principal(caller: str, role: str) -> Principal:
    return Principal(caller, cast("Role", role))  # the rules of the tables let no other role in
