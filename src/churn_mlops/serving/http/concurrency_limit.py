"""How many requests a process has at once: those that are worked on and, apart from them, whose body still comes."""

from __future__ import annotations

from churn_mlops.serving.http.errors import too_busy_error


class UnderWay:
    """Counts requests, each by its id, where it stands.

    Nothing is done for a client that sends its body slowly: it costs a socket and some bytes. So it takes no place of
    those that are worked on, or some hundred such clients, which need no key, would shut out everybody else.

    Args:
        at_once: most requests that are worked on.
        bodies_at_once: most bodies that are waited for with patience.
    """

    def __init__(self, at_once: int, bodies_at_once: int) -> None:
        self._at_once, self._bodies_at_once = at_once, bodies_at_once
        self._worked_on: set[str] = set()
        self._coming: set[str] = set()

    def work_on(self, id: str) -> None:
        """Count a request as worked on, now that it can be.

        Raises:
            RequestError: 503, too many are.
        """
        self._coming.discard(id)
        if len(self._worked_on) >= self._at_once:
            raise too_busy_error()
        self._worked_on.add(id)

    def wait_for_body(self, id: str) -> bool:
        """Count a request as one whose body comes; False where too many came before it."""
        self._worked_on.discard(id)
        self._coming.add(id)
        return len(self._coming) <= self._bodies_at_once

    def leave(self, id: str) -> None:
        """Count a request no longer."""
        self._worked_on.discard(id)
        self._coming.discard(id)
