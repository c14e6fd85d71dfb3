"""The quarantine: takes in by LMTP what the filter holds, keeps it, lets it go (docs/decisions/0050-quarantine.md)."""
