"""The upgrade path: hosts of an earlier release become those of this one, and nothing is lost (scenario upgrade)."""
