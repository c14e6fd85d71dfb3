"""Backup of a host, restores from it, and the upkeep of the repositories it goes to (decision 0010)."""
