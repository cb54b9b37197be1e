"""Access: the principal of a request, and what their role may do."""
