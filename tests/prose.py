"""The texts that a person reads in a page, a template or a Python file."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^```[^\n]*\n.*?^```$", re.MULTILINE | re.DOTALL)
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")

STORED = {
    "set_aside": "key of the data contract",
    "set_aside_share": "setting of training",
    "set_aside_key": "setting of training",
    "set_aside_left": "field of report.json",
    "set_aside_customers": "field of report.json",
    "taken_by_stayers_share": "setting of decision",
    "gain_from_leaver": "property of Economics, which scripts may read",
    "cost_of_stayer": "property of Economics, which scripts may read",
    "requests_at_once": "setting of serving",
    "notation": "property of `Feature` up to version 0.1",
    "matured_at": "column of scoring_runs",
    "live_periods": "table of the store",
    "SetAside": "public name of the package up to version 0.1",
    "SetAsideReason": "public name of the package up to version 0.1",
    "held_out": "the hold-out rows of a fit, where it is the field's word",
}
"""Names that stand in files, in the database or in scripts and so stay as they are, each with its reason."""


@dataclass(frozen=True)
class Text:
    """A paragraph, cell, comment, string or name.

    Args:
        line: the line of its file on which it begins, from 1.
        words: the text.
        sentences: whether it consists of sentences, unlike a heading, a name or a title in a cell.
    """

    line: int
    words: str
    sentences: bool = True


def texts_of_page(markdown: str) -> Iterator[Text]:
    """The headings, paragraphs, list items, table cells and lines of code of a page."""
    kept = 0
    for fence in _FENCE.finditer(markdown):
        yield from _prose(markdown[kept : fence.start()], markdown.count("\n", 0, kept) + 1)
        line = markdown.count("\n", 0, fence.start()) + 1
        yield from (Text(line + k, words, sentences=False) for k, words in enumerate(fence[0].splitlines()) if k)
        kept = fence.end()
    yield from _prose(markdown[kept:], markdown.count("\n", 0, kept) + 1)


def _prose(markdown: str, first: int) -> Iterator[Text]:
    held: list[str] = []
    lines = re.sub(r"\]\([^)\s]*\)", "]", markdown).split("\n")
    for number, line in enumerate([*lines, ""], start=first):
        apart = not line.strip() or line.startswith(("#", "|")) or _ITEM.match(line)
        if apart and held:
            yield Text(number - len(held), "\n".join(held))
            held = []
        if line.startswith("#"):
            yield Text(number, line, sentences=False)
        elif line.startswith("|"):
            cells = (cell.strip() for cell in line.strip("|").split("|"))
            yield from (Text(number, cell, sentences=cell.endswith(".")) for cell in cells)
        elif line.strip():
            held.append(_ITEM.sub("", line))


def texts_of_module(source: str) -> Iterator[Text]:
    """The docstrings, strings, comments and names of a Python file."""
    yield from _comments(source)
    strings = _Strings()
    strings.visit(ast.parse(source))
    yield from strings.found


def texts_of_template(source: str) -> Iterator[Text]:
    """The lines of a template."""
    yield from (Text(number, line, sentences=False) for number, line in enumerate(source.splitlines(), start=1))


def texts_of_messages(source: str) -> Iterator[Text]:
    """The texts of a file of messages by key; one may be a label, or the end of a sentence."""
    yield from texts_of_template(source)


def _comments(source: str) -> Iterator[Text]:
    """Comments, those on lines of their own that follow each other as one."""
    first = 0
    held: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        alone = not token.line[: token.start[1]].strip()
        if not (held and alone and token.start[0] == first + len(held)):
            yield from [Text(first, "\n".join(held))] if held else []
            first, held = token.start[0], []
        held.append(token.string.lstrip("#").strip())
    yield from [Text(first, "\n".join(held))] if held else []


class _Strings(ast.NodeVisitor):
    """Collects strings, an f-string as one with ``{}`` in it, and the names that the file gives."""

    def __init__(self) -> None:
        self.found: list[Text] = []

    def visit(self, node: ast.AST) -> None:
        name = _given_name(node)
        if name and name not in STORED:
            self.found.append(Text(node.lineno, _apart(name), sentences=False))  # type: ignore[attr-defined]
        super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            self.found.append(Text(node.lineno, node.value.value))  # a docstring
        else:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._keep(node.lineno, node.value)

    def _keep(self, line: int, words: str) -> None:
        """Without a blank it is a value, such as a key or a column, and no prose."""
        if len(words.split()) > 1:
            self.found.append(Text(line, words, sentences=words.endswith(".")))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pieces = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        self._keep(node.lineno, "".join(map(str, pieces)))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)


def _given_name(node: ast.AST) -> str:
    """The name that ``node`` gives to something: a definition, an argument or the target of an assignment."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.arg):
        return node.arg
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return node.attr
    return ""


def _apart(name: str) -> str:
    """A name as its words: ``set_aside`` and ``SetAside`` are "set aside"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " ")).strip().lower()
