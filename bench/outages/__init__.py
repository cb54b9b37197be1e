"""Outages under steady load: real servers behind a real proxy, on a real PostgreSQL, with what goes wrong counted."""
