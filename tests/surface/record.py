"""Records the interfaces that people and programs rely on: ``python -m tests.surface.record``.

A test compares what is there with what was recorded. A changed record is a changed interface: it needs a line in
CHANGELOG.md. Names of records as arguments record these alone; ``bundles`` writes small bundle files too.
"""

from __future__ import annotations

import difflib
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from churn_mlops.models import MODEL_TYPES
from tests.surface import bundles, collect, commands, names, serving, settings, store, story

FOLDER = Path(__file__).parent / "recorded"
ADVICE = "If it is meant, run `python -m tests.surface.record` and say so in CHANGELOG.md."
Describe = Callable[[Path], Any]

RECORDS: dict[str, Describe] = {
    "openapi": serving.openapi,
    "commands": lambda _: commands.described(),
    "settings": lambda _: settings.described(),
    "contracts": lambda _: settings.contracts(),
    "names": lambda _: names.described(),
    "wire": serving.wire,
    "store_sqlite": lambda folder: store.described(f"sqlite:///{folder}/churn.db"),
}
"""What is described with an empty folder alone, and compared as a whole."""


def text_of(described: Any) -> str:
    """As a file holds it: sorted and indented, so that a difference is a few lines."""
    return json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False, default=list) + "\n"


def recorded(name: str) -> str:
    """The text of a record."""
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def check(name: str, described: Any) -> None:
    """Raise AssertionError where what is ``described`` differs from its record: line by line, and what to do."""
    before, now = recorded(name).splitlines(), text_of(described).splitlines()
    lines = list(difflib.unified_diff(before, now, f"recorded/{name}.json", "now", lineterm="", n=4))
    if lines:
        raise AssertionError("\n".join([*lines, ADVICE]))


def _record_bundles(_: Path) -> Any:
    bundles.FOLDER.mkdir(parents=True, exist_ok=True)
    for model_type in MODEL_TYPES:
        bundles.fitted(model_type).save(bundles.recorded_file(model_type))
    return bundles.described()


def _store_on_postgres(_: Path) -> Any:
    from tests.postgres import new_store, postgres_server

    with postgres_server() as server:
        return store.described(new_store(server))


def _story(folder: Path) -> Any:
    collect.make_mlflow_database(folder / "empty.db")
    (folder / "work").mkdir()
    return story.described(folder / "work", folder / "empty.db")


def main(wanted: list[str]) -> None:
    """Record what is ``wanted``, everything where nothing is named."""
    # Bundles first: the server that is described serves one of them.
    everything = {"bundles": _record_bundles, **RECORDS, "store_postgresql": _store_on_postgres, "story": _story}
    for name in wanted or everything:
        with tempfile.TemporaryDirectory() as folder:
            described = everything[name](Path(folder))
        (FOLDER / f"{name}.json").write_text(text_of(described), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
