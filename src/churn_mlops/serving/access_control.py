"""Putting the gate in front of an application, as the settings say."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from churn_mlops.config import Settings
from churn_mlops.errors import AccessError, ConfigError, StoreError
from churn_mlops.serving.access.audit_log import Trail
from churn_mlops.serving.access.authentication import Admission, House
from churn_mlops.serving.access.credential_cache import Access
from churn_mlops.serving.access.middleware import Gate
from churn_mlops.serving.access.presented_identity import Proxies
from churn_mlops.serving.api.session import add_sign_in
from churn_mlops.serving.resilience.store_client import StoreLink
from churn_mlops.store.access.api_keys import checked_secret
from churn_mlops.store.access.credentials import access_is_configured


def access_of(settings: Settings, link: StoreLink) -> Access:
    """The keys and sessions of the store.

    Raises:
        ConfigError: the file of the admin key cannot be read, or holds no key.
    """
    serving = settings.serving
    return Access(
        link,
        admin_key=None if serving.admin_key_file is None else _admin_key(serving.admin_key_file),
        guarded=serving.proxy_user_header is not None,
        refresh_seconds=serving.key_refresh_seconds,
    )


def add_access(
    app: FastAPI, access: Access | None, link: StoreLink | None, settings: Settings, *, local_only: bool
) -> Admission | None:
    """Put the gate in front of all routes of ``app``, and add those of ``/session``.

    Args:
        app: the application; what is added to it later is guarded too.
        access: the keys and sessions; None puts no gate there.
        link: the store that they are in.
        settings: of the sections ``serving`` and ``store``.
        local_only: whether the server listens on the loopback address alone.

    Returns:
        who is let in by the gate; None where there is none.
    """
    if access is None or link is None:
        return None
    serving = settings.serving
    proxies = _proxies(settings)
    house = House(
        local_only=local_only,
        allowed_hosts=serving.allowed_hosts,
        open_metrics=serving.metrics == "open",
        open_docs=serving.docs == "open",
        requests_per_second=serving.requests_per_second,
        proxies=proxies,
    )
    trail = Trail(link, settings.store.customer_hash_key)
    admission = Admission(access, house)
    app.add_middleware(Gate, routes=app.routes, access=access, admission=admission, trail=trail, house=house)
    add_sign_in(app, access, link, proxies, timedelta(hours=serving.session_hours))
    return admission


def may_leave_loopback(settings: Settings, link: StoreLink) -> bool:
    """Whether keys are configured, so that the server may listen on other addresses than loopback.

    With the store away it may: nobody is let in until the store has said who may, and it may say nobody.
    """
    serving = settings.serving
    if serving.admin_key_file is not None or serving.proxy_user_header is not None:
        return True
    try:
        return link.ask_now(access_is_configured)
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
