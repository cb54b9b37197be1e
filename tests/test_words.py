"""Code and pages use no word that ``docs/glossary.md`` bans."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prose import Text, texts_of_messages, texts_of_module, texts_of_page, texts_of_template
from tests.words import BANNED_FROM, GLOSSARY, ROOT, hits

PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "notebooks").glob("*.ipynb"),
    ]
)
CODE = sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "src").rglob("*.j2"), *(ROOT / "src").rglob("texts/*.toml")])


def texts_of(path: Path) -> Iterator[Text]:
    text = path.read_text(encoding="utf-8")
    if path == GLOSSARY:
        text = text.partition(BANNED_FROM)[0]
    elif path.name == "CHANGELOG.md":
        first, newest, *_ = text.split("\n## [")
        text = f"{first}\n## [{newest}"
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    readers = {".py": texts_of_module, ".j2": texts_of_template, ".toml": texts_of_messages}
    return readers.get(path.suffix, texts_of_page)(text)


def hits_in(paths: list[Path]) -> list[str]:
    """A line for each banned word, with its file and its sentence."""
    return [f"{path.relative_to(ROOT)}:{hit}" for path in paths for text in texts_of(path) for hit in hits(text)]


def test_the_pages_use_the_words_of_the_glossary() -> None:
    found = hits_in(PAGES)
    assert found == [], "\n".join(found)


def test_the_code_uses_the_words_of_the_glossary() -> None:
    found = hits_in(CODE)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize(
    "words",
    [
        "The customer and his offer.",
        "It is told\nto stop.",
        "LEAVERS come first.",
        "Who leaves is scored.",
        "All. Of these, two.",
    ],
)
def test_a_banned_word_is_found(words: str) -> None:
    assert len(list(hits(Text(1, words)))) == 1


@pytest.mark.parametrize(
    "words", ["The history is this.", "Who leaves?", "`customer.forgotten` and `leavers_only`", "of whatever kind", ""]
)
def test_other_words_pass(words: str) -> None:
    assert list(hits(Text(1, words))) == []


def test_strings_comments_docstrings_and_names_of_a_module_are_read() -> None:
    source = '''"""Nobody."""

set_aside = {"leaver": f"he {len('x')} left"}
# A comment goes on
# at its end: him.
def told(moment: int) -> None:
    """One. Somebody."""
'''
    found = {(hit.line, hit.word) for text in texts_of_module(source) for hit in hits(text)}
    assert found == {(1, "Nobody"), (3, "he"), (5, "him"), (6, "told"), (6, "moment"), (7, "Somebody")}


def test_headings_lists_tables_and_code_of_a_page_are_read() -> None:
    page = "# Who\n\n- Who.\n  He.\n\n| Who | Of it. |\n|---|---|\n\n```\nhis\n```\n\nSee [it](him.md)\nanew.\n"
    found = [(hit.line, hit.word) for text in texts_of_page(page) for hit in hits(text)]
    assert found == [(4, "He"), (3, "Who"), (6, "Of"), (10, "his"), (14, "anew")]
