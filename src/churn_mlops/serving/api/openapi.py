"""``/openapi.json`` and ``/docs``: the routes with the request model of the model that is live. Needs no network."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel

from churn_mlops import __version__
from churn_mlops.serving.api.refusals import describe_refusals
from churn_mlops.serving.http.security_headers import page_policy
from churn_mlops.serving.model.request_models import example_customer
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel

_SCHEMAS = "#/components/schemas/{model}"
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}


def add_documentation(app: FastAPI, source: ModelSlot) -> None:
    """Add ``/docs``, and make ``/openapi.json`` describe the model that is live."""
    documents = _Documents(app, source)
    app.openapi = documents.current  # type: ignore[method-assign]

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/swagger-ui.css",
            swagger_favicon_url=f"{root}/docs/favicon-32x32.png",
            swagger_ui_parameters={"validatorUrl": None},  # Swagger UI would ask a server on the internet
        )
        page.headers["Content-Security-Policy"] = page_policy(bytes(page.body).decode())
        return page

    for name, media_type in _ASSETS.items():
        app.get(f"/docs/{name}", include_in_schema=False)(_asset(name, media_type))


class _Documents:
    """The OpenAPI document, made once for each version that goes live."""

    def __init__(self, app: FastAPI, source: ModelSlot) -> None:
        self._app = app
        self._source = source
        self._made: tuple[ServedModel | None, dict[str, Any]] | None = None

    def current(self) -> dict[str, Any]:
        live = self._source.current
        if self._made is None or self._made[0] is not live:
            self._made = (live, _document(self._app, live))
        return self._made[1]


def _document(app: FastAPI, live: ServedModel | None) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=__version__,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    if live is not None:
        example = example_customer(live.predictor.contract)
        _describe_body(document, "/predict", live.customer, example)
        _describe_body(document, "/predict/batch", live.batch, {"customers": [example]})
    describe_refusals(document)
    return document


def _describe_body(document: dict[str, Any], path: str, model: type[BaseModel], example: dict[str, Any]) -> None:
    schema = model.model_json_schema(ref_template=_SCHEMAS)
    document["components"]["schemas"] |= {**schema.pop("$defs", {}), model.__name__: schema}
    content = {"schema": {"$ref": _SCHEMAS.format(model=model.__name__)}, "example": example}
    operation = document["paths"][path]["post"]
    operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    command = f"curl -X POST http://localhost:8000{path} -d '{json.dumps(example)}'"
    operation["description"] = operation.get("description", "") + f"\n\n```\n{command}\n```"


def _asset(name: str, media_type: str) -> Any:
    """A route for one file of Swagger UI, which the package fastapi-swagger ships."""
    file = resources.files("fastapi_swagger") / "resources" / name

    async def asset() -> Response:
        return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": "max-age=86400"})

    return asset
