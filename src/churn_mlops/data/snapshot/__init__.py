"""Point-in-time features and labels."""
