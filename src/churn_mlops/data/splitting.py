"""Which customers no model version ever trains on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt


def set_aside(customers: Iterable[str], key: str, share: float) -> npt.NDArray[np.bool_]:
    """Whether each customer is set aside, shape (customers,): by a keyed hash, so the same answer in every run.

    Args:
        customers: ids as text.
        key: another key sets other customers aside.
        share: expected share set aside, in (0, 1).
    """
    secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
    limit = int(share * 2**64)
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(str(name).encode(), key=secret, digest_size=8).digest()) < limit
            for name in customers
        ],
        dtype=bool,
    )
