"""Puts access control in front of an application, as the settings say."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from churn_mlops.config import Settings
from churn_mlops.errors import AccessError, ConfigError, StoreError
from churn_mlops.serving.access.administration import Administration
from churn_mlops.serving.access.audit_log import AuditLog
from churn_mlops.serving.access.authentication import AccessConfig, Authenticator
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.middleware import AuthMiddleware
from churn_mlops.serving.access.presented_identity import Proxies
from churn_mlops.serving.access.sign_in import SignInService
from churn_mlops.serving.api.session import add_sign_in
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.access.api_keys import checked_secret
from churn_mlops.store.access.credentials import access_is_configured


@dataclass(frozen=True)
class Access:
    """The access control of an application.

    Args:
        authenticator: decides which requests are let in.
        sign_in: begins and ends sessions.
        administration: reads and changes users and keys.
    """

    authenticator: Authenticator
    sign_in: SignInService
    administration: Administration


def credential_cache_of(settings: Settings, store: StoreClient) -> CredentialCache:
    """The keys and sessions of the store.

    Raises:
        ConfigError: the file of the admin key cannot be read, or holds no key.
    """
    serving = settings.serving
    return CredentialCache(
        store,
        admin_key=None if serving.admin_key_file is None else _admin_key(serving.admin_key_file),
        guarded=serving.proxy_user_header is not None or settings.oidc.issuer is not None,
        refresh_seconds=serving.key_refresh_seconds,
    )


def add_access(
    app: FastAPI, access: CredentialCache | None, store: StoreClient | None, settings: Settings, *, local_only: bool
) -> Access | None:
    """Put access control in front of all routes of ``app``, and add those of ``/session``.

    Args:
        app: the application; routes that are added later are covered too.
        access: the keys and sessions; None adds no access control.
        store: the store that they are in.
        settings: of the sections ``serving`` and ``store``.
        local_only: whether the server listens on the loopback address alone.

    Returns:
        the access control; None where there is none.
    """
    if access is None or store is None:
        return None
    serving = settings.serving
    proxies = _proxies(settings)
    config = AccessConfig(
        local_only=local_only,
        allowed_hosts=serving.allowed_hosts,
        open_metrics=serving.metrics == "open",
        open_docs=serving.docs == "open",
        requests_per_second=serving.requests_per_second,
        proxies=proxies,
    )
    authenticator = Authenticator(access, config)
    app.add_middleware(
        AuthMiddleware,
        routes=app.routes,
        access=access,
        authenticator=authenticator,
        audit=AuditLog(store, settings.store.customer_hash_key),
        config=config,
    )
    sign_in = SignInService(access, store, proxies, timedelta(hours=serving.session_hours))
    add_sign_in(app, sign_in)
    return Access(authenticator, sign_in, Administration(access, store))


def may_leave_loopback(settings: Settings, store: StoreClient) -> bool:
    """Whether keys are configured, so that the server may listen on other addresses than loopback.

    It may while the store is unavailable: no request is let in until the store has said which keys are valid.
    """
    serving = settings.serving
    if serving.admin_key_file or serving.proxy_user_header or settings.oidc.issuer:
        return True
    try:
        return store.ask_now(access_is_configured)
    except StoreError:
        return True


def _admin_key(file: Path) -> str:
    try:
        return checked_secret(file.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no plain text"
        raise ConfigError(f"serving.admin_key_file, {file}, cannot be read ({why}): put the key there") from None
    except AccessError as error:
        raise ConfigError(f"serving.admin_key_file, {file}: {error}") from None


def _proxies(settings: Settings) -> Proxies:
    serving = settings.serving
    return Proxies(
        networks=tuple(ipaddress.ip_network(network) for network in serving.trusted_proxies),
        user_header=serving.proxy_user_header,
        groups_header=serving.proxy_groups_header,
        roles=dict(pair.rsplit("=", 1) for pair in serving.proxy_roles),
    )
