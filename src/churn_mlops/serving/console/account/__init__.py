"""Signing in and out, and the account of a user."""
