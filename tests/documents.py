"""Documents made by hand, octet by octet: what officials attach, and what somebody attaches who means harm.

Each takes the text that it bears and gives the file's octets. No library makes them: what a reader must bear is more
than what libraries write.
"""

import io
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

TEXT = "Kính gửi Ủy ban nhân dân tỉnh: công văn số 27 về địa điểm đấu giá quyền sử dụng đất."
MARK = "TUYỆT MẬT"

_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:v="urn:schemas-microsoft-com:vml"'
_A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:p="urn:p"'
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_CORE = (
    '<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{}</dc:title>'
    "<dc:creator>Nguyễn Văn Đức</dc:creator><cp:keywords>đấu thầu</cp:keywords></cp:coreProperties>"
)


def packed(parts: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _w(paragraphs: Sequence[str], root: str = "document") -> str:
    body = "".join(f'<w:p><w:r><w:t xml:space="preserve">{escape(each)}</w:t></w:r></w:p>' for each in paragraphs)
    return f"{_XML}<w:{root} {_W}><w:body>{body}</w:body></w:{root}>"


def docx(*paragraphs: str, title: str = "Tờ trình", more: Mapping[str, str | bytes] | None = None) -> bytes:
    """As Word writes it: the text, a header with drawn words, a footer, a comment and the properties."""
    drawn = f'{_XML}<w:hdr {_W}><w:p><w:r><v:shape><v:textpath string="{MARK}"/></v:shape></w:r></w:p></w:hdr>'
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f"{_XML}<Types/>",
        "word/document.xml": _w(paragraphs),
        "word/header1.xml": drawn,
        "word/footer1.xml": _w(["Chân trang"], "ftr"),
        "word/comments.xml": _w(["Ý kiến của lãnh đạo"], "comments"),
        "docProps/core.xml": _XML + _CORE.format(escape(title)),
    }
    return packed(parts | dict(more or {}))


def boxes() -> bytes:
    """A DOCX whose words stand in a text box, once for new programs and once for old ones, and were deleted."""
    box = (
        '<w:p><mc:AlternateContent xmlns:mc="urn:mc">'
        "<mc:Choice><w:txbxContent><w:p><w:r><w:t>Trong hộp</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
        "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>Trong hộp</w:t></w:r></w:p></w:txbxContent></mc:Fallback>"
        "</mc:AlternateContent><w:del><w:r><w:delText>đã xóa</w:delText></w:r></w:del></w:p>"
    )
    return packed({"word/document.xml": f"{_XML}<w:document {_W}><w:body>{box}</w:body></w:document>"})


def xlsx(*words: str, cells: str = "", title: str = "Bảng kê") -> bytes:
    """A workbook: words are shared, a number and a formula's result stand in cells."""
    shared = "".join(f"<si><t>{escape(word)}</t></si>" for word in words)
    row = "".join(f'<c r="A{n + 1}" t="s"><v>{n}</v></c>' for n in range(len(words)))
    numbers = '<c r="B1"><v>271828</v></c><c r="C1" t="str"><f>A1</f><v>kết quả</v></c>'
    inline = '<c r="D1" t="inlineStr"><is><t>trong ô</t></is></c>'
    margin = '<headerFooter><oddHeader>&amp;L&amp;"Times,Bold"&amp;12Lề trang</oddHeader></headerFooter>'
    return packed(
        {
            "[Content_Types].xml": f"{_XML}<Types/>",
            "xl/workbook.xml": f'{_XML}<workbook><sheets><sheet name="Dự toán quý"/></sheets></workbook>',
            "xl/sharedStrings.xml": f"{_XML}<sst>{shared}</sst>",
            "xl/worksheets/sheet1.xml": (
                f"{_XML}<worksheet><sheetData><row r='1'>{row}{numbers}{inline}{cells}</row></sheetData>{margin}"
                "</worksheet>"
            ),
            "xl/comments1.xml": f"{_XML}<comments><comment><text><r><t>Ghi chú ô</t></r></text></comment></comments>",
            "docProps/core.xml": _XML + _CORE.format(escape(title)),
        }
    )


def pptx(*slides: str, title: str = "Bài trình bày") -> bytes:
    """Slides with notes, and a master that invites to write and bears a drawn word."""

    def shapes(text: str, placeholder: str = "") -> str:
        inner = f"<a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p>"
        return f"<p:sp><p:nvPr>{placeholder}</p:nvPr><p:txBody>{inner}</p:txBody></p:sp>"

    def part(root: str, *content: str) -> str:
        return f"{_XML}<p:{root} {_A}><p:spTree>{''.join(content)}</p:spTree></p:{root}>"

    parts: dict[str, str | bytes] = {
        f"ppt/slides/slide{number}.xml": part("sld", shapes(text)) for number, text in enumerate(slides, 1)
    }
    parts["ppt/notesSlides/notesSlide1.xml"] = part("notes", shapes("Lời người trình bày"))
    parts["ppt/slideMasters/slideMaster1.xml"] = part(
        "sldMaster", shapes("Click to edit Master title style", '<p:ph type="title"/>'), shapes("Trên mọi trang")
    )
    parts["docProps/core.xml"] = _XML + _CORE.format(escape(title))
    return packed({"ppt/presentation.xml": f"{_XML}<p:presentation {_A}/>", **parts})


_ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"'
)


def odt(*paragraphs: str, title: str = "Giấy mời", manifest: str = "") -> bytes:
    """With a footer and a property. `manifest` is what its manifest says besides."""
    text = "".join(f"<text:p>{escape(each)}</text:p>" for each in paragraphs)
    styles = (
        "<office:styles>màu</office:styles><office:master-styles><text:p>Cuối trang</text:p></office:master-styles>"
    )
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": (
                f"{_XML}<office:document-content {_ODF}><office:body>{text}</office:body></office:document-content>"
            ),
            "styles.xml": f"{_XML}<office:document-styles {_ODF}>{styles}</office:document-styles>",
            "meta.xml": (
                f"{_XML}<office:document-meta {_ODF}><office:meta><dc:title>{escape(title)}</dc:title>"
                "<meta:keyword>hội nghị</meta:keyword></office:meta></office:document-meta>"
            ),
            "META-INF/manifest.xml": f"{_XML}<manifest>{manifest}</manifest>",
        }
    )


def ods(*cells: str) -> bytes:
    """A sheet with a name."""
    row = "".join(f"<table:table-cell><text:p>{escape(cell)}</text:p></table:table-cell>" for cell in cells)
    table = f'<table:table table:name="Trang tính"><table:table-row>{row}</table:table-row></table:table>'
    body = f"<office:body><office:spreadsheet>{table}</office:spreadsheet></office:body>"
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"{_XML}<office:document-content {_ODF}>{body}</office:document-content>",
        }
    )


def fodt(*paragraphs: str) -> bytes:
    """The same in one file of XML."""
    text = "".join(f"<text:p>{escape(each)}</text:p>" for each in paragraphs)
    meta = "<office:meta><dc:title>Một tệp</dc:title></office:meta>"
    return f"{_XML}<office:document {_ODF}>{meta}<office:body>{text}</office:body></office:document>".encode()


def pdf(*lines: str, title: str = "Báo cáo", catalog: str = "", trailer: str = "", pages: int = 1) -> bytes:
    """Glyphs with a table of what they mean, as programs that embed fonts write it."""
    letters = sorted(set("".join(lines)))
    number = {letter: index + 1 for index, letter in enumerate(letters)}
    shown = "".join(
        f"BT /F 5 Tf 50 {800 - 8 * at} Td <{''.join(f'{number[c]:04X}' for c in line)}> Tj ET\n"
        for at, line in enumerate(lines)
    )
    meaning = "".join(f"<{at:04X}> <{letter.encode('utf-16-be').hex()}>\n" for letter, at in number.items())
    table = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /U def\n1 begincodespacerange\n"
        f"<0000> <FFFF>\nendcodespacerange\n{len(letters)} beginbfchar\n{meaning}endbfchar\nendcmap end end"
    )
    widths = " ".join("600" for _ in range(len(letters) + 1))

    def stream(text: str) -> bytes:
        octets = zlib.compress(text.encode())
        return b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(octets), octets)

    font = "<</Type/Font/Subtype/Type0/BaseFont/A/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>"
    kids = " ".join(f"{number} 0 R" for number in [3, *range(9, 8 + pages)])
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 850]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>"
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{catalog}>>".encode(),
        f"<</Type/Pages/Kids[{kids}]/Count {pages}>>".encode(),
        page,
        stream(shown),
        font.encode(),
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/A/CIDSystemInfo<</Registry(A)/Ordering(I)/Supplement 0>>"
        f"/W[0[{widths}]]"
        "/FontDescriptor<</Type/FontDescriptor/FontName/A/Flags 4/FontBBox[0 0 1 1]/ItalicAngle 0/Ascent 1/Descent 0"
        "/CapHeight 1/StemV 1>>>>".encode(),
        stream(table),
        f"<</Title<FEFF{title.encode('utf-16-be').hex()}>>>".encode(),
        *[page] * (pages - 1),
    ]
    return pdf_of(objects, f"/Info 8 0 R{trailer}")


def pdf_of(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """A file of these objects, numbered from 1; the first is the catalog."""
    out, places = io.BytesIO(), []
    out.write(b"%PDF-1.5\n")
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(f"trailer<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF\n".encode())
    return out.getvalue()


def rtf(text: str, title: str = "Quyết định") -> bytes:
    """As Word writes it: characters by number with a substitute, a footer, a picture, fonts."""

    def coded(text: str) -> str:
        return "".join(c if c.isascii() else f"\\u{ord(c) - 65536 if ord(c) > 32767 else ord(c)}?" for c in text)

    return (
        "{\\rtf1\\ansi\\ansicpg1252\\uc1{\\fonttbl{\\f0\\fnil\\fcharset163 Times New Roman;}{\\f1\\fnil .VnTime;}}"
        f"{{\\info{{\\title {coded(title)}}}{{\\author Ph\\'f2ng}}}}{{\\footer {coded('Trang cuối')}\\par}}"
        "{\\*\\generator Riched20;}{\\pict\\pngblip 89504e470d0a1a0a}"
        f"\\f0 {coded(text)}\\par{{\\f0 \\'d0\\'ea nghi\\par}}{{\\f1 C\\'abng h\\'dfa x\\'b7 h\\'e9i\\par}}}}"
    ).encode("ascii")


def html(text: str) -> bytes:
    """With what is no text."""
    return (
        "<!DOCTYPE html><html><head><title>Trang tin</title><style>p {color: red}</style><script>var kẹt = 1</script>"
        f"<meta name='keywords' content='thông báo'></head><body><p>{escape(text)}</p><img alt='Sơ đồ'></body></html>"
    ).encode()


def eml(text: str, *attached: bytes, subject: str = "Giấy mời họp") -> bytes:
    """A message with attachments."""
    from email.message import EmailMessage

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Nguyễn Văn Đức <duc@client.example>", "b@client.example", subject
    mail.set_content(text)
    for number, octets in enumerate(attached):
        mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename=f"tệp {number}.bin")
    return mail.as_bytes()


# --- What Office wrote before 2007 -----------------------------------------------------------------------------------


type Tree = Mapping[str, "bytes | Tree"]
"""Storages, and streams in them, by their names."""

_SECTOR = 512
_NONE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


class _Compound:
    """Sectors of a compound file, and the entries of its directory."""

    def __init__(self) -> None:
        self.sectors, self.entries = list[bytes](), list[bytearray]()
        self.table = list[int]()

    def put(self, octets: bytes) -> int:
        """The first sector of a stream."""
        first, number = len(self.sectors), -(-len(octets) // _SECTOR)
        filled = octets.ljust(number * _SECTOR, b"\0")
        self.sectors += [filled[at : at + _SECTOR] for at in range(0, len(filled), _SECTOR)]
        self.table += [*range(first + 1, first + number), _END]
        return first

    def add(self, name: str, kind: int, octets: bytes = b"") -> int:
        """The number of an entry, whose siblings and child are not known yet."""
        text = f"{name}\0".encode("utf-16-le")
        head = text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, _NONE, _NONE, _NONE)
        place = self.put(octets) if octets else _END
        self.entries.append(bytearray(head + bytes(36) + struct.pack("<IQ", place, len(octets))))
        return len(self.entries) - 1

    def fill(self, storage: int, tree: Tree) -> None:
        """Each child but the first is the right sibling of the one before."""
        before = None
        for name, child in tree.items():
            if isinstance(child, bytes):
                # None lies among the small ones.
                entry = self.add(name, 2, child.ljust(4096, b"\0"))
            else:
                entry = self.add(name, 1)
                self.fill(entry, child)
            where, at = (storage, 76) if before is None else (before, 72)
            self.entries[where][at : at + 4] = struct.pack("<I", entry)
            before = entry


def ole(tree: Tree) -> bytes:
    """A compound file; each stream is filled up to 4096 octets."""
    made = _Compound()
    made.fill(made.add("Root Entry", 5), tree)
    folder = made.put(b"".join(made.entries))
    table = [*made.table, _TABLE]
    if len(table) > _SECTOR // 4:
        raise ValueError("too large")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    head += struct.pack("<9I", 1, folder, 0, 4096, _END, 0, _END, 0, len(table) - 1)
    octets = struct.pack(f"<{len(table)}I", *table).ljust(_SECTOR, b"\xff")
    return head.ljust(_SECTOR, b"\xff") + b"".join(made.sectors) + octets


def summary(title: str) -> bytes:
    """A stream of properties ([MS-OLEPS]): the code page is UTF-8, the title its only other one."""
    octets = title.encode() + b"\0"
    value = struct.pack("<II", 0x1E, len(octets)) + octets + bytes(-len(octets) % 4)
    page = struct.pack("<IHH", 2, 65001, 0)
    section = struct.pack("<IIIIII", 24 + len(page) + len(value), 2, 1, 24, 2, 24 + len(page)) + page + value
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 2, bytes(16), 1, bytes(16), 48) + section


def doc(text: str, *, encrypted: bool = False) -> bytes:
    """Word 97: a first block that says where the text is, in UTF-16."""
    # Each paragraph ends with its mark.
    octets = f"{text}\r".encode("utf-16-le")
    flags = 0x1000 | (0x0100 if encrypted else 0)
    head = struct.pack("<HHHHHH", 0xA5EC, 0xC1, 0, 0x042A, 0, flags).ljust(24, b"\0")
    head += struct.pack("<II", 1536, 1536 + len(octets))
    return ole({"WordDocument": head.ljust(1536, b"\0") + octets, "\x05SummaryInformation": summary("Công điện")})


def xls(*words: str, encrypted: bool = False) -> bytes:
    """Excel 97: a sheet of cells that point into a table of words."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def word(text: str) -> bytes:
        return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")

    table = record(0xFC, struct.pack("<II", len(words), len(words)) + b"".join(map(word, words)))
    cells = b"".join(record(0xFD, struct.pack("<HHHI", n, 0, 15, n)) for n in range(len(words)))
    begin, end = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 1997, 0, 6)), record(0x0A, b"")
    lock = record(0x2F, bytes(54)) if encrypted else b""
    name = "Bảng".encode("utf-16-le")
    place = len(begin + lock) + 4 + 8 + len(name) + len(table) + len(end)
    sheet = record(0x85, struct.pack("<IHBB", place, 0, 4, 1) + name)
    return ole({"Workbook": begin + lock + sheet + table + end + begin + cells + end})


def ppt(*texts: str) -> bytes:
    """PowerPoint 97: atoms of text in a slide list."""
    atoms = b"".join(struct.pack("<HHI", 0, 0x0FA0, 2 * len(text)) + text.encode("utf-16-le") for text in texts)
    slides = struct.pack("<HHI", 0x0F, 0x0FF0, len(atoms)) + atoms
    return ole({"PowerPoint Document": struct.pack("<HHI", 0x0F, 0x03E8, len(slides)) + slides, "Current User": b""})


# --- Encodings -------------------------------------------------------------------------------------------------------


def tcvn3(text: str) -> bytes:
    """The text in TCVN3 (ABC), small letters for capitals with tones."""
    from hanam_mail.regulation.legacy_tables import TCVN3_LETTERS

    back = {new: old for old, new in TCVN3_LETTERS.items()}
    return "".join(back.get(c, back.get(c.lower(), c)) for c in unicodedata.normalize("NFC", text)).encode("latin-1")


def vni(text: str) -> bytes:
    """The text in VNI, a vowel and its sign apart."""
    from hanam_mail.regulation.legacy_tables import VNI_LETTERS

    back = {new: old for old, new in VNI_LETTERS.items()}
    return "".join(back.get(c, c) for c in unicodedata.normalize("NFC", text)).encode("latin-1")


def viscii(text: str) -> bytes:
    """The text in VISCII."""
    from hanam_mail.regulation.legacy_tables import VISCII_LETTERS

    back = {new: old for old, new in VISCII_LETTERS.items()}
    return "".join(back.get(c, c) for c in unicodedata.normalize("NFC", text)).encode("latin-1")


def windows_1258(text: str) -> bytes:
    """The text in Windows' page for Vietnamese, which has most tones apart from their letters."""
    found = []
    for char in unicodedata.normalize("NFC", text):
        letter, tone = char, ""
        for mark in "\u0300\u0301\u0303\u0309\u0323":
            if mark in (parted := unicodedata.normalize("NFD", char)):
                letter, tone = unicodedata.normalize("NFC", parted.replace(mark, "")), mark
        try:
            found.append(char.encode("cp1258"))
        except UnicodeEncodeError:
            found.append((letter + tone).encode("cp1258"))
    return b"".join(found)


# --- What means harm -------------------------------------------------------------------------------------------------


def zeros(size: int) -> bytes:
    """A zip of some kilobytes that unpacks to so many octets."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.txt", "w") as stream:
        for _ in range(size // 2**20):
            stream.write(b" " * 2**20)
    return buffer.getvalue()


def bomb_of_many(each: int, number: int) -> bytes:
    """A zip whose parts stay below what one may have, and are more together than a document may have."""
    return packed({f"{n}.txt": (b"cong van so %d " % n) * (each // 15) for n in range(number)})


def nested(depth: int, inner: bytes) -> bytes:
    """A zip in a zip in a zip."""
    for _ in range(depth):
        inner = packed({"a.zip": inner})
    return inner


def quine() -> bytes:
    """A zip of which a part is the zip itself: its directory says that the part begins where the file does."""
    name = b"r.zip"
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    # Stored, so that the part's octets are the file's from there on: directory and end within it, which it reads anew.
    size = len(local) + 46 + len(name) + 22
    entry = struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, size, size, len(name), 0, 0, 0, 0, 0, 0
    )
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) + len(name), len(local), 0)
    return local + entry + name + end


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha ha ha ha ha ha ha ha ha ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + f"]><w:document {_W}><w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body></w:document>"
)
ELSEWHERE = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    f"<w:document {_W}><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>"
)


def endless_xml(size: int) -> bytes:
    """A DOCX of some hundred kilobytes with so many octets of XML."""
    buffer = io.BytesIO()
    piece = b"<w:p><w:r><w:rPr/></w:r></w:p>" * 30_000
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as stream,
    ):
        stream.write(f"{_XML}<w:document {_W}><w:body>".encode())
        for _ in range(size // len(piece) + 1):
            stream.write(piece)
        stream.write(b"</w:body></w:document>")
    return buffer.getvalue()


def deep_xml(depth: int) -> bytes:
    """A DOCX with elements in each other."""
    return packed(
        {"word/document.xml": f"{_XML}<w:document {_W}>" + "<w:p>" * depth + "</w:p>" * depth + "</w:document>"}
    )


def many_cells(number: int) -> bytes:
    """A workbook with so many cells."""
    rows = "".join(
        f"<row r='{row}'>" + "".join(f"<c><v>{row}{column}</v></c>" for column in range(100)) + "</row>"
        for row in range(number // 100)
    )
    return packed({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": f"<worksheet>{rows}</worksheet>"})


def pdf_loops() -> dict[str, bytes]:
    """PDFs whose parts lead back to themselves."""
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 850]/Contents 4 0 R/Resources<</XObject<</X 4 0 R>>>>>>"
    draws_itself = (
        b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 12"
        b"/Resources<</XObject<</X 4 0 R>>>>>>stream\n/X Do /X Do \nendstream"
    )
    catalog, pages = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return {
        "pages": pdf_of([catalog, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>"]),
        "objects": pdf_of([catalog, b"3 0 R", b"2 0 R"]),
        "forms": pdf_of([catalog, pages, page, draws_itself]),
        "length": pdf_of(
            [catalog, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, b"<</Length 4 0 R>>stream\nx\nendstream"]
        ),
        "tables": pdf("a").replace(b"startxref\n", b"startxref\n9\nstartxref\n"),
    }


def pdf_bomb() -> bytes:
    """A PDF of some ten kilobytes whose page unpacks to a gigabyte, packed three times."""
    octets = b"q " * 2**19
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(octets) for _ in range(1000)) + packer.flush()
    twice = zlib.compress(once, 9)
    stream = b"<</Length %d/Filter[/FlateDecode/FlateDecode]>>stream\n%s\nendstream" % (len(twice), twice)
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 850]/Contents 4 0 R>>"
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, stream])


def deep_rtf(depth: int) -> bytes:
    """Groups in each other."""
    return b"{\\rtf1 " + b"{" * depth + b"x" + b"}" * depth + b"}"


def deep_mail(depth: int) -> bytes:
    """Messages with parts in parts."""
    head = b"From: a@client.example\r\nSubject: a\r\nMIME-Version: 1.0\r\n"
    for number in range(depth):
        head += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number)
    return head + b"Content-Type: text/plain\r\n\r\nx\r\n"
