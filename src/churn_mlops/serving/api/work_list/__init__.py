"""``/api/list``: the contact list of today, and the work on it."""
