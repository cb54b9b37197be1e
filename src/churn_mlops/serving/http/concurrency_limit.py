"""The concurrency limit: the most requests in progress in one process and, apart from them, the most open bodies."""

from __future__ import annotations

from churn_mlops.serving.http.errors import too_busy_error


class ConcurrencyLimit:
    """Counts the requests in progress and, apart from them, those whose body still comes; each by its ID.

    A client that sends its body slowly costs a socket and some bytes, and no work. So it takes no place of a request in
    progress. Otherwise some hundred such clients, which need no key, would shut out all others.

    Args:
        most_requests: most requests in progress.
        most_bodies: most bodies that have the full time to come.
    """

    def __init__(self, most_requests: int, most_bodies: int) -> None:
        self._most_requests, self._most_bodies = most_requests, most_bodies
        self._in_progress: set[str] = set()
        self._coming: set[str] = set()

    def acquire(self, id: str) -> None:
        """Count a request as in progress.

        Raises:
            RequestError: 503, too many are.
        """
        self._coming.discard(id)
        if len(self._in_progress) >= self._most_requests:
            raise too_busy_error()
        self._in_progress.add(id)

    def wait_for_body(self, id: str) -> bool:
        """Count a request as one whose body still comes; False if too many came before it."""
        self._in_progress.discard(id)
        self._coming.add(id)
        return len(self._coming) <= self._most_bodies

    def release(self, id: str) -> None:
        """Count a request no longer."""
        self._in_progress.discard(id)
        self._coming.discard(id)
