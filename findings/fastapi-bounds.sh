#!/usr/bin/env bash
# A route bounds a number of its path, and a validator before it refuses numbers that are written in another way (1.0).
# Guess: OpenAPI states the bounds as `minimum` and `maximum`, with or without the validator.
# Instead: with a BeforeValidator in the same Annotated, the schema says `ge` and `le`, which are no words of OpenAPI.
# Clients that are generated from it, and tools that test by it, know of no bounds. The server still enforces them. The
# same model field outside of a path parameter says `minimum`, and so does the route without the validator.
# Seen with FastAPI 0.165.0 and pydantic 2.14.3. No issue was found.
# Met: refusing `/contacts/1.0`, which was read as 1, while a test holds the bounds in /openapi.json.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/python -m pip install --quiet fastapi==0.165.0 pydantic==2.14.3
venv/bin/python - <<'EOF'
from importlib.metadata import version
from typing import Annotated

from fastapi import FastAPI, Path
from pydantic import BeforeValidator

print("FastAPI", version("fastapi"), "pydantic", version("pydantic"))
app = FastAPI()


def digits(text: object) -> object:
    if not str(text).isdigit():
        raise ValueError("digits alone")
    return text


@app.get("/plain/{number}")
def plain(number: Annotated[int, Path(ge=1, le=9)]) -> int:
    return number


@app.get("/checked/{number}")
def checked(number: Annotated[int, BeforeValidator(digits), Path(ge=1, le=9)]) -> int:
    return number


found = {}
for path in ("plain", "checked"):
    (parameter,) = app.openapi()["paths"][f"/{path}/{{number}}"]["get"]["parameters"]
    found[path] = {key: value for key, value in parameter["schema"].items() if key not in ("title", "type")}
    print(path, found[path])
changed = found != {"plain": {"maximum": 9, "minimum": 1}, "checked": {"ge": 1, "le": 9}}
raise SystemExit("the behaviour has changed" if changed else 0)
EOF
