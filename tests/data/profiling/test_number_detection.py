"""How a column writes its numbers, by the shapes of its texts."""

from __future__ import annotations

from churn_mlops.data.profiling.number_detection import detect_number_format, looks_written, shapes_of


def test_a_long_text_is_no_number_and_is_not_searched_for_hours() -> None:
    shapes = shapes_of([("12 months, then 30 days; " * 50_000, 1), *((f"({place}.50)", 1) for place in range(9))])
    assert detect_number_format(shapes, 10) is None
    assert looks_written(shapes)
