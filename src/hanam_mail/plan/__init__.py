"""What leads from one state of the accounts to another, and how a person reads it. Nothing here reads or writes."""
