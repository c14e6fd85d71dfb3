"""What kind of file was handed in, and whether it is safe to open (Đ10.6): told by its content, not its name.

An XLSX file is a zip archive of XML. Before anything is parsed for its values, every part is unpacked within a limit
and read once by a streaming parser that refuses document types (entity bombs), sheets of absurd size and merged
ranges that would fill memory. Macros, links to other files and embedded objects have no place in a list and are
refused. Everything is one sentence that says what to do.
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from xml.parsers import expat

from hanam_mail import vietnamese

MAX_FILE_OCTETS = 10 * 1024**2
MAX_UNPACKED_OCTETS = 64 * 1024**2
MAX_PARTS = 500
MAX_ROWS = 10_000
MAX_COLUMNS = 100
MAX_CELLS = 200_000
_CHUNK = 256 * 1024

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS = "mở bằng Excel hoặc LibreOffice rồi lưu lại dạng .xlsx"
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")

# Parts of a workbook that a list has no use for, and what to do about them.
_FORBIDDEN = (
    ("vbaproject.bin", f"tệp có macro (.xlsm), không nhận: {_SAVE_AS} (không có macro)"),
    ("xl/externallinks/", "tệp có liên kết tới tệp khác: chép và dán giá trị (Paste Values), bỏ liên kết rồi lưu lại"),
    ("xl/connections.xml", "tệp lấy dữ liệu từ nguồn bên ngoài: dán giá trị (Paste Values), xóa kết nối rồi lưu lại"),
    ("xl/embeddings/", "tệp có đối tượng nhúng: xóa đối tượng nhúng rồi lưu lại"),
    ("xl/activex/", "tệp có điều khiển ActiveX: xóa điều khiển rồi lưu lại"),
)
_OTHER_KINDS = (
    (b"%PDF", "đây là tệp PDF"),
    (b"{\\rtf", "đây là tệp RTF"),
    (b"\x7fELF", "đây là chương trình"),
    (b"MZ", "đây là chương trình"),
    (b"\xff\xd8\xff", "đây là tệp ảnh"),
    (b"\x89PNG", "đây là tệp ảnh"),
    (b"Rar!", "đây là tệp nén"),
    (b"7z\xbc\xaf", "đây là tệp nén"),
    (b"\x1f\x8b", "đây là tệp nén"),
)


class RefusedFile(ValueError):
    """The file as a whole cannot be taken; the message says why and what to do, in Vietnamese."""


@dataclass(frozen=True, slots=True)
class Workbook:
    """An XLSX file that is safe to parse.

    `rows` and `columns` are how far values reach in the largest of its sheets; `formulas`: some cell has a formula.
    """

    content: bytes
    rows: int
    columns: int
    formulas: bool


def inspect(content: bytes, name: str) -> Workbook | None:
    """The workbook in `content`, None when it is no archive and may be CSV.

    `name` is the file's name, for its ending only. Raises RefusedFile.
    """
    if not content.strip():
        raise RefusedFile("tệp rỗng")
    if len(content) > MAX_FILE_OCTETS:
        raise RefusedFile(f"tệp lớn hơn {vietnamese.size(MAX_FILE_OCTETS)}, không thể là danh sách: kiểm tra lại tệp")
    if content.startswith(_OLE):
        raise RefusedFile(_ole(content))
    if content.startswith(b"PK"):
        return _archive(content)
    ending = name.casefold().rpartition(".")[2]
    for magic, what in _OTHER_KINDS:
        if content.startswith(magic):
            raise RefusedFile(
                f"{what}, không phải danh sách dạng bảng: gửi tệp .xlsx (mẫu: hanam-mail import --template)"
            )
    if re.match(rb"\s*(<\?xml|<html|<!doctype|<table)", content[:300].lstrip(b"\xef\xbb\xbf"), re.IGNORECASE):
        raise RefusedFile(f"tệp dạng HTML hoặc XML mang tên bảng tính: {_SAVE_AS}")
    if ending in ("xlsx", "xls", "xlsm", "ods"):
        raise RefusedFile(f"tệp hỏng hoặc không phải bảng tính .{ending}: {_SAVE_AS}")
    return None


def _ole(content: bytes) -> str:
    """What a compound file is: an encrypted XLSX, or the format before it. Its stream names are UTF-16."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        return "tệp đặt mật khẩu: bỏ mật khẩu (Tệp > Thông tin > Bảo vệ sổ làm việc) rồi lưu lại"
    return f"tệp dạng cũ .xls (hoặc .doc), không nhận: {_SAVE_AS}"


def _archive(content: bytes) -> Workbook:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _workbook(content, archive)
    except expat.ExpatError as error:
        raise RefusedFile(f"tệp hỏng, không đọc được (XML sai ở dòng {error.lineno}): {_SAVE_AS}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        if isinstance(error, RefusedFile):
            raise
        raise RefusedFile(f"tệp hỏng, không giải nén được: {_SAVE_AS}") from error


def _workbook(content: bytes, archive: zipfile.ZipFile) -> Workbook:
    parts = archive.infolist()
    _check_parts(parts)
    budget, scans = MAX_UNPACKED_OCTETS, []
    for part in parts:
        scan = _Scan(part.filename.casefold())
        with archive.open(part) as stream:
            while chunk := stream.read(_CHUNK):
                budget -= len(chunk)
                if budget < 0:
                    most = vietnamese.size(MAX_UNPACKED_OCTETS)
                    raise RefusedFile(f"tệp giải nén ra quá {most} (bom nén): không mở, hỏi lại nơi gửi")
                scan.feed(chunk)
        scan.close()
        scans.append(scan)
        if sum(scan.cells for scan in scans) > MAX_CELLS:
            raise _too_large()
    return Workbook(
        content,
        rows=max(scan.rows for scan in scans),
        columns=max(scan.columns for scan in scans),
        formulas=any(scan.formulas for scan in scans),
    )


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    names = {part.filename.casefold() for part in parts}
    if "mimetype" in names and "content.xml" in names:
        raise RefusedFile(f"tệp dạng OpenDocument (.ods, .odt), không nhận: {_SAVE_AS}")
    if "xl/workbook.xml" not in names:
        what = "tệp Word (.docx)" if any(name.startswith("word/") for name in names) else "tệp nén (.zip)"
        what = "bảng tính nhị phân .xlsb" if "xl/workbook.bin" in names else what
        raise RefusedFile(f"đây là {what}, không phải bảng tính .xlsx: {_SAVE_AS}")
    if len(parts) > MAX_PARTS:
        raise RefusedFile(f"tệp có quá {MAX_PARTS} phần, không thể là danh sách: chép bảng sang tệp mới")
    for fragment, sentence in _FORBIDDEN:
        if any(name.startswith(fragment) or name.endswith(fragment) for name in names):
            raise RefusedFile(sentence)
    # An XLSX file has no others; an LZMA part could ask for a dictionary of gigabytes.
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise RefusedFile(f"tệp nén theo cách lạ: {_SAVE_AS}")
    if any(part.flag_bits & 1 for part in parts):
        raise RefusedFile("tệp nén có mật khẩu: bỏ mật khẩu rồi lưu lại")


class _Scan:
    """One pass over a part: no document types anywhere, and a sheet's size where it is a sheet."""

    def __init__(self, name: str) -> None:
        self.cells = self.rows = self.columns = 0
        self.formulas = False
        self._at = (0, 0)
        self._parser = None
        if name.endswith((".xml", ".rels")):
            self._parser = expat.ParserCreate()
            self._parser.StartDoctypeDeclHandler = self._doctype
            if name.startswith("xl/worksheets/"):
                self._parser.StartElementHandler = self._element
            elif name == "[content_types].xml":
                self._parser.StartElementHandler = self._content_type

    def feed(self, chunk: bytes) -> None:
        if self._parser is not None:
            self._parser.Parse(chunk, False)

    def close(self) -> None:
        if self._parser is not None:
            self._parser.Parse(b"", True)

    def _doctype(self, *_: object) -> None:
        raise RefusedFile(f"tệp có khai báo DOCTYPE, không an toàn: {_SAVE_AS}")

    def _content_type(self, _: str, attributes: dict[str, str]) -> None:
        if "macroenabled" in attributes.get("ContentType", "").casefold():
            raise RefusedFile(_FORBIDDEN[0][1])

    def _element(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "c":
                self.cells += 1
                column, row = self._at
                self._at = _corner(attributes["r"]) if "r" in attributes else (column + 1, row)
            case "row":
                self._at = (0, int(attributes["r"]) if attributes.get("r", "").isdecimal() else self._at[1] + 1)
            case "v" | "is":
                self.columns, self.rows = max(self.columns, self._at[0]), max(self.rows, self._at[1])
            case "f":
                self.formulas = True
                self.columns, self.rows = max(self.columns, self._at[0]), max(self.rows, self._at[1])
            case "mergeCell":
                first, _, last = attributes.get("ref", "").partition(":")
                left, top = _corner(first)
                right, bottom = _corner(last or first)
                self.cells += max(0, right - left + 1) * max(0, bottom - top + 1)
            case _:
                return
        if self.rows > MAX_ROWS or self.columns > MAX_COLUMNS or self.cells > MAX_CELLS:
            raise _too_large()


def _corner(reference: str) -> tuple[int, int]:
    """Column and row, from 1, of a reference such as "B7"."""
    found = _REFERENCE.fullmatch(reference.replace("$", ""))
    if found is None:
        raise RefusedFile(f"tệp hỏng (ô “{reference[:20]}”): {_SAVE_AS}")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column, int(found[2])


def _too_large() -> RefusedFile:
    return RefusedFile(
        f"bảng vượt quá {MAX_ROWS} dòng hoặc {MAX_COLUMNS} cột: xóa các dòng, cột thừa ở cuối, hoặc chép phần có "
        "dữ liệu sang tệp mới"
    )
