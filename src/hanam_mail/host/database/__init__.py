"""The accounts database: its schema, its roles, and the rows that a plan changes."""
