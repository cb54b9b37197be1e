"""Notes are added once a key, however often they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient

LOCAL = "http://localhost"
NOTES = "/customers/C1/notes"


@pytest.fixture
def client(source, settings, tmp_path: Path) -> Iterator[TestClient]:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    with TestClient(create_app(source, settings, store=link), base_url=LOCAL) as client:
        yield client
    link.close()


def note(client: TestClient, key: str, text: str = "They called.") -> Response:
    answer: Response = client.post(NOTES, json={"text": text}, headers={"Idempotency-Key": key})
    return answer


def test_a_note_that_is_sent_again_under_its_key_is_answered_200_and_another_409(client: TestClient) -> None:
    first, again, other = note(client, "k1"), note(client, "k1"), note(client, "k1", "They called again.")
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert again.content == first.content
    assert other.json()["fields"] == [{"field": "Idempotency-Key", "problem": "was used for another request"}]
    assert note(client, "a\tb").status_code == 422
    assert len(client.get("/customers/C1/timeline").json()["notes"]) == 1


def test_a_note_without_a_key_is_added_each_time(client: TestClient) -> None:
    answers = [client.post(NOTES, json={"text": "They called."}).status_code for _ in range(2)]
    assert (answers, len(client.get("/customers/C1/timeline").json()["notes"])) == ([201, 201], 2)
