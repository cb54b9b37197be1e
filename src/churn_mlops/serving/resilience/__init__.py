"""Resilience of the server: the store client, threads, queues, background tasks."""
