"""The registry: YAML in git as typed, checked values, and back."""
