"""The shapes of one table that holds a history: events, spells with a start and an end, a row for each period."""
