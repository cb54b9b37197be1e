"""Values that change after the fact: a snapshot frozen as keyed hashes, held against the same date read again later.

A frozen snapshot holds no value and no customer: only hashes, under a key, of who and of each rounded value.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.data.leakage.report import LeakFinding

FROZEN_ROWS = 20_000
_FORMAT = 1
_DIGITS = 6
_NOTABLE = 0.01
_CHURNERS = 10
_BEYOND = 4.0
Hashes = npt.NDArray[np.uint64]
Labels = npt.NDArray[np.float64]


def freeze(
    rows: pa.Table, customer: str, as_of: date, key: str, features: Mapping[str, str], most: int = FROZEN_ROWS
) -> bytes:
    """A snapshot of one date as hashes, to be held against the same date read again later.

    Args:
        rows: the snapshot, one row a customer.
        customer: the column of the customer ID.
        as_of: its date.
        key: of the hashes; without it they reveal nothing.
        features: each feature, with the text of its declaration: one that is declared otherwise later is not compared.
        most: rows kept: those of the customers with the smallest hashes, so that the same ones are kept each time.
    """
    names = _hashes(rows[customer].cast(pa.string()).to_pylist(), f"{key}\n{as_of}")
    kept = np.sort(np.argsort(names, kind="stable")[:most])
    head = {"format": _FORMAT, "as_of": as_of.isoformat(), "features": list(features)}
    return _written(head, names[kept], _values(rows.take(pa.array(kept)), names[kept], features, key))


def without(frozen: bytes, customers: Sequence[str], key: str) -> bytes | None:
    """The frozen snapshot without these ``customers``; None where it holds none of them.

    Args:
        frozen: what :func:`freeze` gave.
        customers: their names.
        key: the same key.

    Raises:
        ValueError: ``frozen`` is no frozen snapshot.
    """
    head, names, values = _read(frozen)
    others = ~np.isin(names, _hashes(customers, f"{key}\n{head['as_of']}"))
    return None if others.all() else _written(head, names[others], values[others])


def frozen_date(frozen: bytes) -> date:
    """The as-of date of a frozen snapshot.

    Raises:
        ValueError: ``frozen`` is none.
    """
    return date.fromisoformat(_read(frozen)[0]["as_of"])


def changed(
    frozen: bytes,
    now: pa.Table,
    customer: str,
    y: Labels,
    key: str,
    features: Mapping[str, str],
    sources: Mapping[str, str] | None = None,
) -> tuple[LeakFinding, ...]:
    """Features whose values of the frozen date are others now.

    Args:
        frozen: what :func:`freeze` gave.
        now: the snapshot of the same date, read again, one row a customer.
        customer: the column of the customer ID.
        y: 1 for who left, 0 for who stayed, NaN where the label is not known, shape (rows,).
        key: the same key.
        features: each feature, with the text of its declaration.
        sources: the table that each feature reads, to be named.

    Raises:
        ValueError: ``frozen`` is no frozen snapshot.
    """
    head, then_names, then_values = _read(frozen)
    names = _hashes(now[customer].cast(pa.string()).to_pylist(), f"{key}\n{head['as_of']}")
    _, mine, theirs = np.intersect1d(names, then_names, assume_unique=False, return_indices=True)
    if not mine.size:
        return ()
    old = {name: then_values[theirs, place] for place, name in enumerate(head["features"])}
    wanted = {name: text for name, text in features.items() if name in old}
    fresh = _values(now.take(pa.array(mine)), names[mine], wanted, key)
    found = []
    for place, name in enumerate(wanted):
        if fresh[0, place] >> np.uint64(32) == old[name][0] >> np.uint64(32):  # declared as it was
            differs = fresh[:, place] != old[name]
            found.append(_rewritten(name, differs, y[mine], head["as_of"], (sources or {}).get(name)))
    return tuple(finding for finding in found if finding is not None)


def _rewritten(
    name: str, differs: npt.NDArray[np.bool_], y: Labels, as_of: str, table: str | None
) -> LeakFinding | None:
    left, stayed = differs[y == 1], differs[y == 0]
    of = f" (table {table})" if table else ""
    if min(left.size, stayed.size) >= _CHURNERS and int(left.sum()) >= _CHURNERS:
        share = float(np.concatenate([left, stayed]).mean())
        spread = math.sqrt(share * (1 - share) * (1 / left.size + 1 / stayed.size)) or math.inf
        if left.mean() > 2 * stayed.mean() and (left.mean() - stayed.mean()) / spread >= _BEYOND:
            message = (
                f"values of {as_of} have been rewritten since, for {left.mean():.0%} of churners and "
                f"{stayed.mean():.0%} of others{of}: declare when its rows were recorded (known_at)"
            )
            return LeakFinding(name, "rewritten", message)
    if differs.mean() < _NOTABLE:
        return None
    message = f"{differs.mean():.0%} of its values of {as_of} have been rewritten since{of}: declare known_at there"
    return LeakFinding(name, "rewritten", message, sure=False)


def _written(head: Mapping[str, Any], names: Hashes, values: Hashes) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), names=names, values=values)
    return sink.getvalue()


def _read(frozen: bytes) -> tuple[dict[str, Any], Hashes, Hashes]:
    try:
        with np.load(io.BytesIO(frozen)) as archive:
            head = json.loads(archive["head"].tobytes())
            names, values = archive["names"], archive["values"]
    except (OSError, EOFError, KeyError, ValueError) as error:
        raise ValueError(f"this is no frozen snapshot: {error}") from None
    if head.get("format") != _FORMAT:
        raise ValueError(f"this frozen snapshot has format {head.get('format')}, not {_FORMAT}")
    return head, names, values


def _values(rows: pa.Table, names: Hashes, features: Mapping[str, str], key: str) -> Hashes:
    """A number for each row and feature: above, 32 bits of its declaration; below, 32 bits of who and what."""
    found = np.empty((len(rows), len(features)), dtype=np.uint64)
    who = [f"{name:x}" for name in names.tolist()]
    for place, (name, declared) in enumerate(features.items()):
        mark = _hashes([declared], f"{key}\n{name}")[0] >> np.uint64(32)
        texts = [f"{one}\n{text}" for one, text in zip(who, _texts(rows[name]), strict=True)]
        found[:, place] = (mark << np.uint64(32)) | (_hashes(texts, f"{key}\n{name}") >> np.uint64(32))
    return found


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Values as texts, numbers rounded to 6 significant digits: the order of a sum must change nothing."""
    return [
        "" if value is None or value != value else f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value)
        for value in column.to_pylist()
    ]


def _hashes(texts: Sequence[str], key: str) -> Hashes:
    """64 bits of a keyed BLAKE2 hash of each text."""
    secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
    parts = [hashlib.blake2b(text.encode(), digest_size=8, key=secret).digest() for text in texts]
    return np.frombuffer(b"".join(parts), dtype="<u8").astype(np.uint64)
