"""How the tables of a database belong together."""
