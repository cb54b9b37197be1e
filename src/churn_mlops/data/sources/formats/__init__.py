"""The files that hold tables, one module for each kind, and what a file of each kind is read by."""
