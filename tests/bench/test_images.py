"""The sizes of an image are read as the builder states them."""

from __future__ import annotations

from bench.images import layers


def test_each_layer_is_named_by_what_it_holds_and_empty_ones_are_left_out() -> None:
    history = [
        {"CreatedBy": "/bin/sh -c #(nop) CMD", "size": 0},
        {"CreatedBy": "COPY dir:1 in /opt/churn", "size": 8_600_000},
        {"CreatedBy": "COPY dir:2 in /opt/libraries", "size": 196_000_000},
        {"CreatedBy": "/bin/sh -c useradd --uid 10001", "size": 24_100},
        {"CreatedBy": "/bin/sh -c #(nop) ADD file:3", "size": 176_000_000},
    ]
    assert layers(history) == {"base": 176.0, "useradd": 0.02, "/opt/libraries": 196.0, "/opt/churn": 8.6}
