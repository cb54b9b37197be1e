"""Which model version is live, and how another one becomes live."""
