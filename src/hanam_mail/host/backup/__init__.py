"""Backup of a host, restores from it, and the upkeep of the repositories it goes to (decisions 0010, 0038)."""
