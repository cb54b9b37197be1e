"""What keeps the server answering: the store client, threads, queues, background tasks."""
