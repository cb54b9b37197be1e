"""Erasing a customer, and keeping erased customers out."""
