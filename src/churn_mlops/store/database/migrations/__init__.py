"""The steps from each revision of the store's tables to the next, run by ``store.migrating``."""
