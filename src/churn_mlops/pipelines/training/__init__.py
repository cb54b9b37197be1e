"""The training job and its phases."""
