"""When the daily job runs, and whether it is on time."""
