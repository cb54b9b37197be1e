"""Keyed hashes of customer IDs: reproducible draws, and stand-ins that cannot be reversed by trying IDs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable


def in_test_set(customers: Iterable[str], key: str, share: float) -> list[bool]:
    """Whether each customer belongs to the test set: by a keyed hash, so the answer is the same in every run.

    Args:
        customers: customer IDs as text.
        key: another key draws another test set.
        share: expected share of the test set, in (0, 1).
    """
    secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
    limit = int(share * 2**64)
    return [
        int.from_bytes(hashlib.blake2b(str(customer).encode(), key=secret, digest_size=8).digest()) < limit
        for customer in customers
    ]


def customer_hash(key: str, customer: str) -> str:
    """The stand-in of ``customer`` in the audit log and in tombstones: HMAC-SHA256 under ``key``, in hexadecimal.

    Args:
        key: the setting ``store.customer_hash_key``; without it, trying IDs does not reveal the customer of a hash.
        customer: the customer ID, as in the customer database.
    """
    return hasher(key)(customer)


def hasher(key: str) -> Callable[[str], str]:
    """:func:`customer_hash` under ``key``, for many customers: a million a second."""
    started = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def hashed(customer: str) -> str:
        one = started.copy()
        one.update(customer.encode("utf-8", "surrogatepass"))
        return one.hexdigest()

    return hashed


def digests(key: str, purpose: str, names: Iterable[str]) -> bytes:
    """The HMAC-SHA256 under ``key`` of ``purpose`` and each of ``names``, 32 bytes a name, one after the other.

    Args:
        key: another key gives other digests.
        purpose: distinguishes draws under one key from each other.
        names: such as customer IDs.
    """
    started = hmac.new(key.encode(), purpose.encode(), hashlib.sha256)

    def digest(name: str) -> bytes:
        one = started.copy()
        one.update(name.encode("utf-8", "surrogatepass"))
        return one.digest()

    return b"".join(map(digest, names))
