"""An address becomes tables: files, folders, databases, Spark, DataFrames."""
