"""Scoring runs, their predictions and their outcomes."""
