"""What every job begins with: contract, source, validation, as-of date."""
