"""HTTP itself: errors, headers, limits of a request."""
