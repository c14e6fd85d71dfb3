"""A file that an agency handed in as sheets of plain values.

Whatever the file holds, what comes out is sheets or RefusedFile's one sentence: no error of a parser reaches the
caller.
"""

from pathlib import Path

from hanam_mail.errors import InputError, Problem
from hanam_mail.importing import container, delimited, workbook
from hanam_mail.importing.container import RefusedFile
from hanam_mail.importing.sheet import Sheet


def read(path: Path) -> list[Sheet]:
    """The sheets of an XLSX file that hold something, or the one of a CSV file.

    Raises InputError with one problem when the file as a whole cannot be taken.
    """
    try:
        # One octet more than is taken tells a file that is too large, however large it is.
        with path.open("rb") as stream:
            content = stream.read(container.MAX_FILE_OCTETS + 1)
        return parse(content, str(path))
    except RefusedFile as error:
        raise InputError([Problem(str(path), 0, "", str(error), "Đ11.4")]) from error
    except OSError as error:
        raise InputError([Problem(str(path), 0, "", f"không đọc được tệp: {error.strerror}")]) from error


def parse(content: bytes, file: str) -> list[Sheet]:
    """The same from octets; `file` names them. Raises RefusedFile."""
    found = container.inspect(content, file)
    if found is None:
        return [delimited.parse(content, file)]
    return workbook.parse(found, file)
