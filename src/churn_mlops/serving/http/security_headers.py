"""The security headers of every answer: a browser allows it as little as possible."""

from __future__ import annotations

import base64
import hashlib
import re

from starlette.types import Message

# An answer of this server is data: a browser has nothing to load, to frame or to send for it.
_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_STRICT = {
    b"content-security-policy": _NOTHING.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
    b"cache-control": b"no-store",
}
_HEADERS = tuple(_STRICT.items())


def add_security_headers(message: Message) -> None:
    """Add the strict headers to the start of an answer, but for those that it sets itself."""
    headers = message["headers"]
    given = {name for name, _ in headers if name in _STRICT}
    headers.extend(_HEADERS if not given else [header for header in _HEADERS if header[0] not in given])


SECURITY_HEADER_LINES = b"".join(b"%s: %s\r\n" % header for header in _HEADERS)
"""The strict headers as they go over the wire."""


def page_policy(page: str) -> str:
    """The policy of a page of ours: its own files, and the scripts that stand in it as they are."""
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
    allowed = " ".join(["'self'", *(f"'sha256-{one}'" for one in hashes)])
    # Swagger UI writes styles into its elements.
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
