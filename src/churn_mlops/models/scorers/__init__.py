"""The plain forms of a fitted model, which score without training libraries."""
