"""The pages of today's list: its rows, the work on them, and the list as a file."""
