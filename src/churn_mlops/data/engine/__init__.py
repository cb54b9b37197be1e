"""What a cell means, as expressions that DuckDB, PostgreSQL and Spark compute alike."""
