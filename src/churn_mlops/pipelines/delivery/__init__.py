"""Delivery of the list to the company's own system."""
