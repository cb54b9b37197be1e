"""The times of a database as its rows bear them out: the newest day, the ends, the times of recording."""
