"""The rows that a figure of the dashboard counted: who they are, and how much each counts."""
