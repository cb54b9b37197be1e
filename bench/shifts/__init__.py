"""Two years of shifts of the demo company: which cost money, and which page."""
