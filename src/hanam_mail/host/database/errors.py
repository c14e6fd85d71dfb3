"""What the database commands answer when they refuse."""


class DatabaseError(Exception):
    """The database refuses to go where the package wants it; the text says why, for the operator."""
