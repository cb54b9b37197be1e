"""From the bytes of a request to a prediction, and its record."""
