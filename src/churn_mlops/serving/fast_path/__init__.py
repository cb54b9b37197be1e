"""``/predict`` answered in the protocol; the only files that subclass uvicorn's classes."""
