"""Writing the registry's files as a person would: one form, comments kept, whole or not at all."""
