"""Findings of `churn init`, in words: what it noticed about columns, times, amounts and codes, and what it asks."""
