"""Campaigns, the arm of each customer, customers who must not be contacted, and the work on the list."""
