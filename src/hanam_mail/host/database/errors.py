"""What the database commands answer when they refuse."""


class DatabaseError(Exception):
    """The database refuses to go where the package wants it; the text says why, for the operator."""


class NoMailboxError(DatabaseError):
    """No mailbox has this address, alias or id."""

    def __init__(self, address: str) -> None:
        super().__init__(f"không có hộp thư nào mang địa chỉ {address}")
