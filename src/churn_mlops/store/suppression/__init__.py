"""Tombstones: the keyed hashes of erased customers."""
