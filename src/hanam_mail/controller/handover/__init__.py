"""Opening a handover file, and the sheets that its agency gets."""
