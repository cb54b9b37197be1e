"""The inputs of every job: contract, source, validation, as-of date."""
