"""The scoring job, its list and its publication."""
