"""What time runs: the life cycle, notices, reports."""
