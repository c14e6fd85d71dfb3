"""Letters that leave at an hour which their writer chose (docs/decisions/0080-scheduled-sending.md)."""
