"""Addresses of databases: what of them may be shown, since they may hold a password."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_SECRET_KEYS = ("pass", "pwd", "token", "secret", "key", "auth", "cred")
_ANY_LENGTH = 4


def shown(address: str) -> str:
    """``address`` without user, password and options; of an address that can be read in two ways, its scheme alone."""
    parts = _parts(address)
    if parts is None:
        return f"{address.partition('://')[0]}://***"
    _, at, host = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{'***@' if at else ''}{host}{parts.path}{'?***' if parts.query else ''}"


def scrubbed(text: str, address: str) -> str:
    """``text``, such as a driver's error, without what ``address`` holds in secret."""
    parts = _parts(address)
    if parts is None:
        return (
            "the address cannot be read in one way only: write @ / ? # and : of a user or password as "
            "%40 %2F %3F %23 and %3A"
        )
    for secret in sorted(_secrets(parts), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def name_in(address: str) -> str | None:
    """Name of the database in ``address``, None where there is none that is surely no password."""
    parts = _parts(address)
    return None if parts is None else PurePosixPath(parts.path).stem or None


def _parts(address: str) -> SplitResult | None:
    """The parts, None where a password with ``/``, ``?``, ``#`` or ``@`` in it may have been cut in two."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises where it is no number: the beginning of a password, then
    except ValueError:
        return None
    elsewhere = any("@" in part for part in (parts.path, parts.query, parts.fragment))
    # Drivers end the password at the first @ or at the last.
    return None if elsewhere or parts.netloc.count("@") > 1 else parts


def _secrets(parts: SplitResult) -> set[str]:
    user_and_password = parts.netloc.rpartition("@")[0]
    found = {user_and_password, parts.password or "", parts.query, parts.fragment}
    for pair, (name, value) in zip(
        (pair for pair in parts.query.split("&") if pair), parse_qsl(parts.query, keep_blank_values=True), strict=True
    ):
        if len(value) >= _ANY_LENGTH or any(word in name.lower() for word in _SECRET_KEYS):
            found |= {value, pair.partition("=")[2]}
    return {secret for text in found for secret in (text, unquote(text)) if secret}
