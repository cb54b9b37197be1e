"""The proposal for the tables of a billing system that a preset speaks of: which rows count, and what they are."""
