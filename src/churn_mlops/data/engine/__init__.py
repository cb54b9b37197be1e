"""The meaning of a cell, as expressions that DuckDB, PostgreSQL and Spark compute alike."""
