"""The regulation as code: its numbers, its calendar, its names."""
