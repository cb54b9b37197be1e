"""The database under the store: connections, tables, migrations, locks, bulk loading."""
