"""The one error that the lab's commands show to a person."""


class LabError(Exception):
    """Something the lab needs is missing or went wrong; the text says what to do."""
