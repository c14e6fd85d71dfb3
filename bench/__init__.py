"""Measurements: what the service costs. `make bench` runs them on a lab of its own and writes build/bench/."""
