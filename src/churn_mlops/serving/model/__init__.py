"""The model that is served, and how the next one takes over."""
