"""An address becomes tables: files, folders, databases, Spark, DataFrames."""

from churn_mlops.data.sources.open import open_table

__all__ = ["open_table"]
