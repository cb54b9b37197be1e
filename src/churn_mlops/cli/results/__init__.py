"""Commands about results: the report of a model, and the figures of the dashboard."""
