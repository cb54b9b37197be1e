"""What the columns of one table hold."""
