"""Recording final labels of published predictions."""
