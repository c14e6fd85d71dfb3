"""The end of a mailbox: what is erased, by whose document."""
