"""Measurements of speed and quality; run with ``make bench``."""
