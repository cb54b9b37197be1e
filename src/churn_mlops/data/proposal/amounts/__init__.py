"""Amounts that must not be added up as they stand: currencies, failed payments, returns."""
