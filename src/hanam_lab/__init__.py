"""Throw-away systemd hosts for `make up` and for every molecule scenario."""
