"""The numbers behind the dashboard: measured from the store and the source, and kept in the store."""
