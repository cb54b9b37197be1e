"""The beginning of every job: contract, source, validation, as-of date."""
