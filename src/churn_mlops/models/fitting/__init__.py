"""Everything that learns from training data."""
