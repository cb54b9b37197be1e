"""The files of the pages: style, script and icon, out of this package."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.http.errors import RequestError

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class StaticFile:
    """A file as it is sent: its content, its media type, and a hash that changes with the content."""

    content: bytes
    media_type: str
    mark: str


class StaticFiles:
    """All files, read once. An address holds the hash of its file, so a browser may keep what it got."""

    def __init__(self) -> None:
        folder = resources.files("churn_mlops.serving.console") / "static"
        self._files = {file.name: _read(file.name, file.read_bytes()) for file in folder.iterdir() if "." in file.name}

    def address(self, name: str) -> str:
        """The address of a file."""
        return f"/static/{name}?v={self._files[name].mark}"

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""

        @app.get("/static/{name}", include_in_schema=False)
        async def static(request: Request, name: str) -> Response:
            found = self._files.get(name)
            if found is None:
                raise RequestError(404, "there is no such file")
            is_marked = request.query_params.get("v") == found.mark
            headers = {"Cache-Control": _FOREVER if is_marked else "no-cache"}
            return Response(found.content, media_type=found.media_type, headers=headers)


def _read(name: str, content: bytes) -> StaticFile:
    return StaticFile(content, _TYPES[name.rpartition(".")[2]], hashlib.sha256(content).hexdigest()[:12])
