"""The content of the columns of one table."""
