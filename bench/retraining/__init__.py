"""Two years of retraining, by the rules of the product and by fixed calendars."""
