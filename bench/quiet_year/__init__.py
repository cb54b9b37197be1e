"""A year in which nothing goes wrong: how many alerts the person on call gets from it."""
