"""The text of documents as officials make them, in whatever form and encoding (Đ3.3, Đ3.4)."""

import io
import shutil
import unicodedata
import warnings
import zipfile
from collections.abc import Callable

import pytest
from tests import documents
from tests.documents import MARK, TEXT

from hanam_mail.host.extract import kinds, reader
from hanam_mail.host.extract.kinds import Kind
from hanam_mail.host.extract.work import End, Limits, Refused, Work

pytestmark = [pytest.mark.dieu3]

# On a host role extractor installs them, and tests/roles/test_extractor.py reads the same documents there.
needs_poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler-utils is not installed here")
needs_catdoc = pytest.mark.skipif(shutil.which("catdoc") is None, reason="catdoc is not installed here")


def read(data: bytes, limits: Limits | None = None) -> tuple[End, str]:
    """How it ended, and the text."""
    work = Work(limits or Limits())
    end, _ = reader.read(data, work)
    return end, work.text().decode()


def refusal(data: bytes, limits: Limits | None = None) -> tuple[End, str]:
    with pytest.raises(Refused) as refused:
        read(data, limits)
    return refused.value.end, refused.value.reason


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        pytest.param(
            documents.docx(TEXT, "Trang hai & ba", title="Tờ trình"),
            [
                TEXT,
                "Trang hai & ba",
                "Chân trang",
                MARK,
                "Ý kiến của lãnh đạo",
                "Tờ trình",
                "Nguyễn Văn Đức",
                "đấu thầu",
            ],
            id="docx",
        ),
        pytest.param(documents.boxes(), ["Trong hộp", "đã xóa"], id="docx with boxes"),
        pytest.param(
            documents.xlsx("Công văn", "đấu giá"),
            ["Dự toán quý", "Công văn", "đấu giá", "271828\tkết quả\ttrong ô", "Lề trang", "Ghi chú ô", "Bảng kê"],
            id="xlsx",
        ),
        pytest.param(
            documents.pptx("Trang một", "Trang hai"),
            ["Trang một", "Trang hai", "Lời người trình bày", "Trên mọi trang", "Bài trình bày"],
            id="pptx",
        ),
        pytest.param(documents.odt(TEXT), [TEXT, "Cuối trang", "Giấy mời", "hội nghị"], id="odt"),
        pytest.param(documents.ods("ô một", "ô hai"), ["Trang tính", "ô một", "ô hai"], id="ods"),
        pytest.param(documents.fodt(TEXT), [TEXT, "Một tệp"], id="fodt"),
        pytest.param(
            documents.rtf(TEXT, "Quyết định"),
            ["Trang cuối", TEXT, "Đê nghi", "Công hòa xã hội", "Quyết định", "Phòng"],
            id="rtf",
        ),
        pytest.param(documents.html(TEXT), [TEXT, "Sơ đồ", "Trang tin", "thông báo"], id="html"),
        pytest.param(
            documents.eml("Nội dung thư", documents.xlsx("Trong bảng")),
            ["Giấy mời họp", "Nội dung thư", "tệp 0.bin", "Trong bảng"],
            id="eml",
        ),
        pytest.param(
            documents.packed(
                {"tệp.docx": documents.docx("Trong nén"), "b.zip": documents.packed({"c.txt": "Sâu hơn"})}
            ),
            ["tệp.docx", "Trong nén", "Sâu hơn"],
            id="zip",
        ),
        pytest.param(documents.doc(TEXT), [TEXT, "Công điện"], id="doc", marks=needs_catdoc),
        pytest.param(
            documents.xls("Công văn", "đấu giá"), ["Bảng", "Công văn", "đấu giá"], id="xls", marks=needs_catdoc
        ),
        pytest.param(documents.ppt("Trang một"), ["Trang một"], id="ppt", marks=needs_catdoc),
        pytest.param(documents.pdf(TEXT, "Dòng hai"), [TEXT, "Dòng hai", "Báo cáo"], id="pdf", marks=needs_poppler),
    ],
)
def test_every_word_that_a_person_can_see_is_read_with_the_properties_behind_it(data: bytes, lines: list[str]) -> None:
    end, text = read(data)
    assert end is End.WHOLE
    found = [line.strip() for line in text.splitlines() if line.strip()]
    assert [line for line in found if line in lines] == lines, text
    assert not [word for word in ("color", "kẹt", "màu", "Click", "Riched20", "89504e", "PK") if word in text]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize(
    "make", [documents.docx, documents.odt, documents.rtf, documents.html, documents.xlsx, lambda text: text.encode()]
)
def test_text_comes_out_composed_however_it_was_written(make: Callable[[str], bytes], form: str) -> None:
    _, text = read(make(unicodedata.normalize(form, TEXT)))  # type: ignore[arg-type]
    assert TEXT in text
    assert unicodedata.is_normalized("NFC", text)


def vni(text: str) -> str:
    from hanam_mail.regulation.legacy_tables import VNI_LETTERS

    back = {new: old for old, new in VNI_LETTERS.items()}
    return "".join(back.get(char, char) for char in text)


def cp1258(text: str) -> bytes:
    """As Windows writes it: letters whole, tones behind them."""
    out = b""
    for char in text:
        try:
            out += char.encode("cp1258")
        except UnicodeEncodeError:
            tones = [mark for mark in unicodedata.normalize("NFD", char) if mark in "\u0300\u0301\u0303\u0309\u0323"]
            letter = "".join(c for c in unicodedata.normalize("NFD", char) if c not in tones)
            out += (unicodedata.normalize("NFC", letter) + "".join(tones)).encode("cp1258")
    return out


LETTER = "kính gửi các sở, ngành\nđề nghị cho ý kiến về địa điểm đấu giá\nhà nước\n"


@pytest.mark.parametrize(
    "data",
    [
        LETTER.encode(),
        LETTER.encode("utf-8-sig"),
        LETTER.encode("utf-16"),
        b"\xfe\xff" + LETTER.encode("utf-16-be"),
        cp1258(LETTER),
        documents.tcvn3(LETTER),
        vni(LETTER).encode("latin-1"),
        vni(LETTER).encode(),
        LETTER.encode()[:-2] + "ớ".encode()[:2],
        b"<html><meta charset=windows-1258><pre>" + cp1258(LETTER),
    ],
    ids=[
        "utf-8",
        "bom",
        "utf-16",
        "utf-16-be",
        "cp1258",
        "tcvn3",
        "vni",
        "vni in utf-8",
        "cut off",
        "said by the page",
    ],
)
def test_every_encoding_that_vietnamese_was_written_in_is_recognised(data: bytes) -> None:
    _, text = read(data)
    assert text.startswith("kính gửi các sở, ngành\nđề nghị cho ý kiến về địa điểm đấu giá\nhà nư")


def test_a_document_in_the_fonts_before_unicode_is_converted_and_its_neighbours_in_unicode_are_not() -> None:
    _, text = read(documents.docx(documents.tcvn3("Đề nghị cho ý kiến.").decode("latin-1"), "Chân dung"))
    assert "đề nghị cho ý kiến." in text.lower()
    assert "Chân dung" in text
    assert "Chân trang" in text


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (documents.docx("a"), Kind.OOXML),
        (documents.odt("a"), Kind.ODF),
        (documents.packed({"a": "b"}), Kind.ZIP),
        (documents.doc("a"), Kind.WORD),
        (documents.xls("a"), Kind.EXCEL),
        (documents.ppt("a"), Kind.POWERPOINT),
        (b"\n\n%PDF-1.7\n", Kind.PDF),
        (documents.rtf("a"), Kind.RTF),
        (documents.html("a"), Kind.HTML),
        (documents.eml("a"), Kind.MAIL),
        (b"<?xml version='1.0'?><a>b</a>", Kind.XML),
        (b"Subject: a note that is no message", Kind.TEXT),
        (b"", None),
        (b"\x89PNG\r\n", None),
        (b"MZ\x90\0", None),
        (b"Rar!\x1a\x07", None),
        (b"\0\1\2\3", None),
    ],
)
def test_a_file_is_what_its_octets_are(data: bytes, kind: Kind | None) -> None:
    assert kinds.kind(data) is kind


@pytest.mark.parametrize(
    "data",
    [
        documents.doc("a", encrypted=True),
        documents.xls("a", encrypted=True),
        documents.ole({"EncryptedPackage": b"a", "EncryptionInfo": b"b"}),
        documents.odt("a", manifest="<file-entry><encryption-data/></file-entry>"),
        # The first part's flag in both places where a zip has one.
        documents.packed({"a.txt": "b"}, 0)
        .replace(b"PK\x03\x04\x14\0\0", b"PK\x03\x04\x14\0\1")
        .replace(b"PK\x01\x02\x14\x03\x14\0\0", b"PK\x01\x02\x14\x03\x14\0\1"),
    ],
    ids=["doc", "xls", "docx", "odt", "zip"],
)
def test_an_encrypted_document_is_told_apart(data: bytes) -> None:
    assert refusal(data) == (End.ENCRYPTED, "")


@needs_poppler
def test_an_encrypted_pdf_is_told_apart() -> None:
    lock = "<</Filter/Standard/V 1/R 2/Length 40/P -4/O<{0}>/U<{0}>>>".format("11" * 32)
    assert refusal(documents.pdf("a", trailer=f"/Encrypt {lock}/ID[<00><00>]")) == (End.ENCRYPTED, "")


def test_what_an_archive_holds_besides_is_read_and_what_is_not_read_is_told() -> None:
    parts = {"a.png": b"\x89PNG", "b.docx": documents.docx("Còn đọc được"), "c.doc": documents.doc("x", encrypted=True)}
    work = Work(Limits())
    assert reader.read(documents.packed(parts), work) == (End.PARTIAL, "encrypted, picture")
    assert "Còn đọc được" in work.text().decode()


def test_more_text_than_is_given_is_cut_and_said_to_be() -> None:
    end, text = read(documents.docx(*(f"{number} {TEXT}" for number in range(500))), Limits(text=10_000))
    assert end is End.CUT
    assert 9_000 < len(text.encode()) <= 10_001
    assert text.startswith(f"0 {TEXT}")


def test_a_document_whose_end_is_missing_gives_what_is_there_and_is_said_to_be_no_whole() -> None:
    """The index of search reads so many octets of a message."""
    picture = bytes(range(256)) * 400
    data = documents.docx(TEXT, more={"word/media/image1.png": picture})
    assert read(data[:-500])[0] is End.PARTIAL
    assert TEXT in read(data[:-500])[1]


def test_empty_paragraphs_take_no_room_and_lines_stay_lines() -> None:
    end, text = read(documents.docx(*([""] * 5_000), MARK, *([""] * 5_000), "cuối"), Limits(text=200))
    assert end is End.WHOLE
    assert text.startswith(f"{MARK}\ncuối\n")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"key: value\r\n" * 16, Kind.TEXT),
        (b"<!-- a --> <!-- b -->\n<html><p>a", Kind.HTML),
        (b"<!-- a -->\n" + b"<!---->" * 27 + b"<p>a", Kind.HTML),
        (b"X-A: b\r\n c: d\r\nReceived: from a\r\nDate: b\r\n\r\nc", Kind.MAIL),
        (b"From a@example\nTo: b\nSubject: c\n\nd", Kind.MAIL),
        (b"Subject: a note\n\nb", Kind.TEXT),
        (b"a note\nReceived: a\nDate: b\n\nc", Kind.TEXT),
    ],
)
def test_text_is_told_from_pages_and_mail_by_how_it_begins(data: bytes, kind: Kind) -> None:
    assert kinds.kind(data) is kind


LEGACY = "Công văn của ủy ban nhân dân tỉnh về việc đấu thầu"


@pytest.mark.parametrize("between", [" ", "\n"], ids=["one long line", "many lines"])
def test_however_long_its_lines_are_a_text_in_tcvn3_is_converted_or_said_not_to_be(between: str) -> None:
    text = documents.tcvn3(between.join([LEGACY] * 10_000))
    end, found = read(text)
    assert end is End.WHOLE
    assert found.split() == LEGACY.split() * 10_000
    end, found = read(text * 3, Limits(text=10**8))
    assert end is End.PARTIAL
    assert found.startswith("Công văn của")


def test_a_text_that_grew_by_its_conversion_and_was_cut_is_not_whole() -> None:
    text = documents.tcvn3("\n".join([LEGACY] * 100))
    end, found = read(text, Limits(text=len(text.decode("latin-1").encode()) + 100))
    assert end is End.CUT
    assert "Công văn" in found


@pytest.mark.parametrize(
    "data",
    [
        documents.docx("chữ " * 2000, title="Tuyệt mật"),
        documents.odt("chữ " * 2000, title="Tuyệt mật"),
        pytest.param(documents.pdf(*["chữ " * 15] * 60, title="Tuyệt mật"), marks=needs_poppler),
        pytest.param(documents.doc("chữ " * 2000), marks=needs_catdoc),
    ],
    ids=["docx", "odt", "pdf", "doc"],
)
def test_what_a_document_says_of_itself_is_given_also_when_its_text_is_cut(data: bytes) -> None:
    end, found = read(data, Limits(text=1000))
    assert end is End.CUT
    assert "chữ" in found
    assert "Tuyệt mật" in found or "Công điện" in found


BROKEN_PARTS = {
    "a margin that is none": {"word/header99.xml": "<a>"},
    "properties with a document type": {"docProps/core.xml": documents.LAUGHS},
    "notes with a document type": {"word/footnotes.xml": documents.LAUGHS},
    "a part that is packed too tightly": {"word/footer99.xml": b" " * (20 * 2**20)},
    "elements in each other": {"word/header98.xml": "<a>" * 2000},
    "another body": {"word/document9.xml": "<a>"},
    "a workbook beside it": {"xl/workbook.xml": "<a>"},
}


@pytest.mark.parametrize("more", BROKEN_PARTS.values(), ids=BROKEN_PARTS.keys())
def test_a_part_that_cannot_be_read_hides_no_other(more: dict[str, str | bytes]) -> None:
    """Word opens such a file: it does not look at what nothing refers to."""
    end, found = read(documents.docx(TEXT, more=more))
    assert end is End.PARTIAL
    assert TEXT in found


@pytest.mark.parametrize("name", ["styles.xml", "meta.xml", "META-INF/manifest.xml"])
def test_nor_does_one_of_odf(name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(documents.odt(TEXT))) as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    end, found = read(documents.packed({**parts, name: b"<a>"}))
    assert end is End.PARTIAL
    assert TEXT in found
    assert refusal(documents.packed({**parts, "content.xml": b"<a>"})) == (End.BROKEN, "xml")


def test_a_body_that_cannot_be_read_is_no_document() -> None:
    assert refusal(documents.docx(more={"word/document.xml": "<a>"})) == (End.BROKEN, "xml")


def test_two_parts_of_one_name_are_not_one_whole() -> None:
    octets = io.BytesIO(documents.docx(TEXT))
    with zipfile.ZipFile(octets, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("word/document.xml", archive.read("word/document.xml"))
    end, found = read(octets.getvalue())
    assert end is End.PARTIAL
    assert TEXT in found
