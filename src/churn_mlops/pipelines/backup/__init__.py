"""Backups: one encrypted file with the store, its tombstones and the settings, and the way back."""
