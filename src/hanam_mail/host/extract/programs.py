"""Kinds that programs of Debian read: PDF (poppler) and what Office wrote before 2007 (catdoc).

They are children of the process that reads one document: each has the same limits of memory, processor and files, and
they end with it. The document is a file in memory without a name.
"""

import fcntl
import os
import signal
import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from hanam_mail.host.extract import ole
from hanam_mail.host.extract.kinds import Kind
from hanam_mail.host.extract.work import End, Refused, Work

_CHUNK = 65536
_COMPLAINT = 4096
_END = 0x0A  # of the globals of a workbook
_OLD_OFFICE = {
    Kind.WORD: ("catdoc", "-dutf-8", "-w"),
    Kind.EXCEL: ("xls2csv", "-dutf-8", "-c\t", "-q0", "-b\n"),
    Kind.POWERPOINT: ("catppt", "-dutf-8"),
}
_PDF_PROPERTIES = ("Title", "Subject", "Keywords", "Author")


def read_pdf(data: bytes, work: Work) -> None:
    """Text of all pages in the order in which it reads, and the properties."""
    with _File(data, work) as document:
        lines, limited = _output(["pdfinfo", "-enc", "UTF-8", document.path], document)
        if limited:
            work.missed.add("properties")
        for line in lines:
            name, _, value = line.partition(":")
            if name in _PDF_PROPERTIES:
                work.add_property(value)
        _run(["pdftotext", "-enc", "UTF-8", "-nopgbrk", document.path, "-"], document, work)


def read_old_office(data: bytes, kind: Kind, work: Work) -> None:
    """DOC, XLS and PPT: the text that catdoc finds, the properties that the file's streams tell."""
    compound = ole.Compound(data)
    if _is_encrypted(compound, kind):
        raise Refused(End.ENCRYPTED)
    ole.add_properties(compound, work)
    for name in _sheets(compound) if kind is Kind.EXCEL else ():
        work.add(f"{name}\n")
    with _File(data, work) as document:
        _run([*_OLD_OFFICE[kind], document.path], document, work)


def _is_encrypted(compound: ole.Compound, kind: Kind) -> bool:
    """By the flag of Word's first block, Excel's record FILEPASS, PowerPoint's stream."""
    if kind is Kind.WORD:
        head = compound.stream("WordDocument")[:12]
        return len(head) == 12 and bool(struct.unpack_from("<H", head, 10)[0] & 0x0100)
    if kind is Kind.EXCEL:
        return any(record == 0x2F for record, _ in _records(compound))
    return "EncryptedSummary" in compound.names()


def _records(compound: ole.Compound) -> Iterator[tuple[int, bytes]]:
    """The first records of a workbook, as far as they are of the whole ([MS-XLS] 2.1.4)."""
    book, at = compound.stream("Workbook") or compound.stream("Book"), 0
    for _ in range(20_000):
        if at + 4 > len(book):
            return
        record, size = struct.unpack_from("<HH", book, at)
        yield record, book[at + 4 : at + 4 + size]
        at += 4 + size
        if record == _END:
            return


def _sheets(compound: ole.Compound) -> Iterator[str]:
    """Names of the sheets, which xls2csv does not tell (BOUNDSHEET, [MS-XLS] 2.4.28)."""
    for record, content in _records(compound):
        if record == 0x85 and len(content) > 8:
            codec, width = ("utf-16-le", 2) if content[7] & 1 else ("latin-1", 1)
            yield content[8 : 8 + width * content[6]].decode(codec, "replace")


class _File:
    """Octets as a file in memory."""

    def __init__(self, data: bytes, work: Work) -> None:
        if len(data) > work.limits.octets:
            # One that was packed in another: the memory of all readings counts with files of the size of a body.
            raise Refused(End.UNKNOWN, "size")
        self.number = os.memfd_create("document", os.MFD_CLOEXEC)
        self.path = f"/proc/self/fd/{self.number}"
        view = memoryview(data)
        while view:
            view = view[os.write(self.number, view) :]

    def __enter__(self) -> "_File":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.number)


@contextmanager
def _started(line: Sequence[str], document: _File) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """The program, its output and the file of its complaints; gone in the end."""
    # The file's place is one for all who have it open.
    os.lseek(document.number, 0, os.SEEK_SET)
    # No larger than this: what a program complains of beyond it is not written, and the program goes on.
    complaints = os.memfd_create("complaints", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(complaints, _COMPLAINT)
    fcntl.fcntl(complaints, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    process = subprocess.Popen(
        line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
        pass_fds=[document.number], env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"},
    )  # fmt: skip
    if process.stdout is None:
        raise AssertionError
    try:
        yield process, process.stdout.fileno(), complaints
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
        os.close(complaints)


def _run(line: Sequence[str], document: _File, work: Work) -> None:
    """The program's output becomes text. Raises Full, and Refused when it failed."""
    with _started(line, document) as (process, output, complaints):
        kept = b""
        while octets := os.read(output, _CHUNK):
            text, kept = _decoded(kept + octets)
            work.add(text)
        work.add(kept.decode("utf-8", "replace") + "\n")
        code = process.wait()
        complaint = os.pread(complaints, _COMPLAINT, 0).decode("ascii", "replace")
    if code == -signal.SIGXCPU:
        raise Refused(End.LIMIT, "time")
    # Poppler says so and goes on, or aborts; SIGKILL is the kernel's.
    if code in (-signal.SIGKILL, -signal.SIGABRT) or "ut of memory" in complaint:
        raise Refused(End.LIMIT, "memory")
    if "Incorrect password" in complaint:
        raise Refused(End.ENCRYPTED)
    if code != 0:
        raise Refused(End.BROKEN, "program" if code < 0 else "document")


def _output(line: Sequence[str], document: _File) -> tuple[list[str], bool]:
    """The lines of a program that says little, none of one that fails; whether a limit ended it."""
    with _started(line, document) as (process, output, _complaints):
        octets, more = b"", b"?"
        while len(octets) < _CHUNK and (more := os.read(output, _CHUNK)):
            octets += more
        limited = not more and process.wait() in (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGABRT)
    return octets.decode("utf-8", "replace").splitlines(), limited


def _decoded(octets: bytes) -> tuple[str, bytes]:
    """Text, and the octets of a character that is not whole yet."""
    whole = len(octets)
    for back in range(1, min(4, whole) + 1):
        if octets[whole - back] >= 0xC0:
            whole -= back
            break
        if octets[whole - back] < 0x80:
            break
    return octets[:whole].decode("utf-8", "replace"), octets[whole:]
