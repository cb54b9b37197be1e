"""Workbooks whose parts are written by hand: few cells, one of them anywhere."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

HEAD = '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>fee</t></is></c></row>'
ROWS = HEAD + '<row r="2"><c r="A2"><v>7</v></c><c r="B2"><v>1</v></c></row>'
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CELLS = ((0, 0, "id"), (0, 1, "fee"), (1, 0, "7"), (1, 1, "1"))


def write_xlsx(path: Path, more: str = "", dimension: str = "A1:B2", rows: str = ROWS) -> Path:
    """A workbook with the sheet S, which holds a header, one row and ``more``, all in the XML of a sheet."""
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("S")
    with zipfile.ZipFile(path) as archive:
        parts = {one.filename: archive.read(one) for one in archive.infolist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    head = sheet.partition("<dimension")[0]
    sheet = f'{head}<dimension ref="{dimension}"/><sheetData>{rows}{more}</sheetData></worksheet>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else part)
    return path


def write_xlsb(path: Path, more: Sequence[tuple[int, int, str]] = (), stated: tuple[int, int] | None = None) -> Path:
    """As :func:`write_xlsx`: ``more`` are cells, and ``stated`` is the last row and column by the head of the sheet."""
    cells = [*_CELLS, *more]
    last = stated or (max(row for row, _, _ in cells), max(column for _, column, _ in cells))
    sheet = _record(129) + _record(148, struct.pack("<4I", 0, last[0], 0, last[1])) + _record(145)
    for row, column, text in cells:
        if column == 0 or (row, column, text) in more:
            sheet += _record(0, struct.pack("<IIHBB", row, 0, 300, 0, 0) + b"\0" * 5)
        sheet += _record(6, struct.pack("<II", column, 0) + _text(text))
    book = _record(131) + _record(143) + _record(156, struct.pack("<II", 0, 1) + _text("rId1") + _text("S"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.bin", book + _record(144) + _record(132))
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/'
            'officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.bin", sheet + _record(146) + _record(130))
    return path


def write_ods(path: Path, more: str) -> Path:
    """As :func:`write_xlsx`: ``more`` is in the XML of such a sheet."""
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    row = "<table:table-row>" + cell.format("id") + cell.format("fee") + "</table:table-row>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body><office:spreadsheet>"
            f'<table:table table:name="S">{row}{row}{more}{cell.format("x")}</table:table-row></table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return path


def _record(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, rest = b"", len(body)
    while rest > 127:
        length, rest = length + bytes([rest & 0x7F | 0x80]), rest >> 7
    return head + length + bytes([rest]) + body


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")
