"""What a merge request does, as its reviewer reads it."""
