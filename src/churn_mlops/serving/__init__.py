"""Serving: predictions over HTTP."""
