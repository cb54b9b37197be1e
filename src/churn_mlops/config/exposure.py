"""Whether more than this machine reaches what is set up here, and what must be set then."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import parse_qsl, urlsplit

from churn_mlops.config.settings import Settings, Store
from churn_mlops.database_urls import shown
from churn_mlops.errors import ConfigError

_HOSTS = ("host", "hostaddr", "service")
"""Options of PostgreSQL that say where the server is; a service is a name in a file, which may name any."""


def check_hash_key(settings: Settings) -> None:
    """Refuse the hash key that comes with the program where others reach the server or the store.

    Anyone knows this key: with it, a reader of the audit log or of the tombstones can try out whose a hash is.

    Raises:
        ConfigError: ``store.customer_hash_key`` is the default, and this is no set-up of one machine.
    """
    place = _reached_at(settings)
    if place is not None and settings.store.customer_hash_key == Store.model_fields["customer_hash_key"].default:
        raise ConfigError(
            f"store.customer_hash_key is the one that comes with the program, and {place}, so that others could try "
            "out which customer a hash stands for: make your own by `openssl rand -hex 32`, keep it in a file, and "
            "name the file in CHURN__STORE__CUSTOMER_HASH_KEY_FILE; docs/erasure.md says what to do about customers "
            "who were erased under the old key"
        )


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine's own address, which no other machine reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False  # a name may resolve to anything


def _reached_at(settings: Settings) -> str | None:
    """The place that others reach, as part of a sentence; None where there is none."""
    if not is_loopback(settings.serving.host):
        return f"other machines reach the server (serving.host is {settings.serving.host})"
    if not _is_here(settings.store.url):
        return f"the store is on another machine (store.url is {shown(settings.store.url)})"
    return None


def _is_here(url: str) -> bool:
    """Whether a store is on this machine: a file, or a server at a loopback address or a socket in a folder."""
    try:
        parts = urlsplit(url)
        given = parse_qsl(parts.query)
        hosts = [parts.hostname or "", *(value for name, value in given if name in _HOSTS)]
    except ValueError:
        return False
    return all(_is_of_this_machine(host) for several in hosts for host in several.split(","))


def _is_of_this_machine(host: str) -> bool:
    bare = host.rpartition(":")[0] if re.search(r"^[^:]*:\d+$", host) else host  # SQLAlchemy takes a port there too
    return not bare or bare.startswith("/") or is_loopback(bare)
