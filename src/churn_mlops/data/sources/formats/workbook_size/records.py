"""The records of a part of a workbook of the kind .xlsb, which is binary.

Source: [MS-XLSB], 2.1.4 and 2.3.2.
"""

from __future__ import annotations

from collections.abc import Iterator

_MORE = 0x80
_LENGTH_BYTES = 4


def records(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """The records in ``chunks``: the number of the kind, and the bytes. One that is cut off at the end is left out."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        at = 0
        while (head := _head(rest, at)) is not None and head[2] <= len(rest):
            kind, begin, end = head
            yield kind, rest[begin:end]
            at = end
        rest = rest[at:]


def number_at(body: bytes, at: int) -> int:
    """The whole number of four bytes in ``body`` from ``at`` on."""
    return int.from_bytes(body[at : at + 4], "little")


def text_at(body: bytes, at: int) -> tuple[str, int]:
    """The text in ``body`` from ``at`` on, and the place behind it."""
    end = at + 4 + 2 * number_at(body, at)
    return body[at + 4 : end].decode("utf-16-le", "replace"), end


def _head(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Kind, begin and end of the record at ``at``; None where its head is cut off."""
    try:
        kind = data[at]
        at += 1
        if kind & _MORE:
            kind = kind - _MORE | data[at] << 7
            at += 1
        length = 0
        for place in range(_LENGTH_BYTES):
            byte = data[at]
            at += 1
            length |= (byte & ~_MORE) << 7 * place
            if not byte & _MORE:
                break
    except IndexError:
        return None
    return kind, at, at + length
