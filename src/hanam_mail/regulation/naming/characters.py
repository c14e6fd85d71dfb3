"""Replacing each character of a text by what a function makes of it."""

from collections.abc import Callable


class EachCharacter(dict[int, str]):
    """A table for str.translate that asks a function for each character, once: names share few of them."""

    def __init__(self, becomes: Callable[[str], str]) -> None:
        super().__init__()
        self._becomes = becomes

    def __missing__(self, code: int) -> str:
        self[code] = self._becomes(chr(code))
        return self[code]
