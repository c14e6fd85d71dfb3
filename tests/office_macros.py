"""Office files with macros, made by hand: a compound file with a VBA project ([MS-OVBA]), that in a DOCM, and ODT.

The macro does nothing; whoever looks for macros finds the project, not what it does.
"""

import io
import struct
import zipfile

from tests import documents

MACRO = 'Attribute VB_Name = "Thu"\r\nSub AutoOpen()\r\n    MsgBox "Kinh gui"\r\nEnd Sub\r\n'


def compressed(octets: bytes) -> bytes:
    """A container of [MS-OVBA], section 2.4.1, that copies nothing: each token is its octet."""
    if len(octets) > 3_600:
        raise ValueError("too large")
    tokens = b"".join(b"\0" + octets[at : at + 8] for at in range(0, len(octets), 8))
    return b"\1" + struct.pack("<H", 0xB000 | (len(tokens) - 1)) + tokens


def vba() -> documents.Tree:
    """The storage of a project with one module ([MS-OVBA], section 2.3.4.2)."""
    name = "Thu"
    wide = name.encode("utf-16-le")

    def record(kind: int, content: bytes = b"") -> bytes:
        return struct.pack("<HI", kind, len(content)) + content

    project = (
        record(0x01, struct.pack("<I", 3))
        + record(0x02, struct.pack("<I", 0x409))
        + record(0x14, struct.pack("<I", 0x409))
        + record(0x03, struct.pack("<H", 1252))
        + record(0x04, b"Project")
        + record(0x05)
        + record(0x40)
        + record(0x06)
        + record(0x3D)
        + record(0x07, bytes(4))
        + record(0x08, bytes(4))
        + struct.pack("<HIIH", 0x09, 4, 1, 1)
        + record(0x0C)
        + record(0x3C)
        + record(0x0F, struct.pack("<H", 1))
        + record(0x13, b"\xff\xff")
        + record(0x19, name.encode())
        + record(0x47, wide)
        + record(0x1A, name.encode())
        + record(0x32, wide)
        + record(0x1C)
        + record(0x48)
        + record(0x31, bytes(4))
        + record(0x1E, bytes(4))
        + record(0x2C, b"\xff\xff")
        + record(0x21)
        + record(0x2B)
        + record(0x10)
    )
    return {
        "dir": compressed(project),
        "_VBA_PROJECT": b"\xcc\x61\xff\xff\0\0\0",
        name: compressed(MACRO.encode()),
    }


def doc() -> bytes:
    """Word 97 with macros."""
    block = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x042A, 0, 0x1000)
    return documents.ole({"WordDocument": block, "Macros": {"VBA": vba(), "PROJECT": b'Module="Thu"\r\n'}})


def docm() -> bytes:
    """Word of today with macros: a ZIP in which the project lies as a compound file."""
    project = documents.ole({"VBA": vba(), "PROJECT": b'Module="Thu"\r\n'})
    return documents.docx("Kính gửi", more={"word/vbaProject.bin": project})


LANGUAGES = {
    "basic": {
        "Basic/script-lc.xml": "<library:libraries/>",
        "Basic/Standard/script-lb.xml": '<library:library library:name="Standard"/>',
        "Basic/Standard/Thu.xml": '<script:module script:language="StarBasic">Sub Main\nEnd Sub</script:module>',
    },
    "python": {"Scripts/python/thu.py": "def thu(): pass\n"},
}
"""Of macros in documents of LibreOffice: where they stand in it (OpenDocument 1.3, part 2, section 3.1)."""


def odt(language: str) -> bytes:
    """LibreOffice's text with macros."""
    buffer = io.BytesIO(documents.odt("Kính gửi"))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in LANGUAGES[language].items():
            archive.writestr(name, content)
    return buffer.getvalue()


def fodt() -> bytes:
    """The same as one XML file, with Basic."""
    module = '<ooo:module ooo:name="Thu"><ooo:source-code>Sub Main\nEnd Sub</ooo:source-code></ooo:module>'
    library = (
        f'<ooo:libraries><ooo:library-embedded ooo:name="Standard">{module}</ooo:library-embedded></ooo:libraries>'
    )
    scripts = f'<office:scripts><office:script script:language="ooo:Basic">{library}</office:script></office:scripts>'
    return documents.fodt("Kính gửi").replace(b"<office:body>", scripts.encode() + b"<office:body>")


PROGRAM = struct.pack("<2s58xI64x4sHH", b"MZ", 128, b"PE\0\0", 0x8664, 0) + bytes(3_000)
"""The heads of a program of Windows ([PE format], "MS-DOS Stub", "COFF File Header"), which does nothing."""
