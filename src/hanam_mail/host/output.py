"""What other programs print, line by line."""


def rows(output: str) -> list[str]:
    """The lines of it, ended by a line feed.

    str.splitlines would end them at U+2028, U+0085 and others as well. People and strangers choose names of folders and
    addresses that have these, and what follows would count as a line of the program's own.
    """
    return output.removesuffix("\n").split("\n") if output else []
