"""Where a secrecy mark stands as one, and where its letters are another word (Đ3.3)."""

import time
import unicodedata
from contextlib import suppress

import pytest

from hanam_mail.host.secrecy import alike, marks, titles
from hanam_mail.host.secrecy.words import Mark

pytestmark = pytest.mark.dieu3

STAMPS = {
    "MẬT": Mark.SECRET,
    "TỐI MẬT": Mark.TOP,
    "TUYỆT MẬT": Mark.UTMOST,
    "TOI MAT": Mark.TOP,
    "TUYET MAT": Mark.UTMOST,
    "Tối mật": Mark.TOP,
    "tuyệt mật": Mark.UTMOST,
    "TUYỆT MAT": Mark.UTMOST,
    "TÔI MÂT": Mark.TOP,
}
AROUND = [
    "{}",
    "\n\n  {}  \n",
    "Kính gửi anh\n{}\nNội dung",
    "> {}",
    "** {} **",
    "UBND TỈNH\t{}\tCỘNG HÒA",
    "[{}]",
    "\ufeff{}\r\n",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("stamp", "mark"), STAMPS.items())
@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKD"])
def test_a_stamp_of_its_own_is_found_with_its_degree(form: str, stamp: str, mark: Mark, around: str) -> None:
    assert marks.in_text(unicodedata.normalize(form, around.format(stamp))) is mark


@pytest.mark.parametrize("stamp", STAMPS)
def test_in_a_sentence_it_is_none(stamp: str) -> None:
    for sentence in (f"Xin hỏi về dấu {stamp} của văn bản này.", f"việc xác định độ {stamp}", f"{stamp} khẩu của tôi"):
        assert marks.in_text(sentence) is None, sentence


@pytest.mark.parametrize(
    "text", ["MAT", "Mat", "mật", "Mật", "Toi mat", "tuyet mat", "MẤT", "TÔI MẤT", "MẶT", "TỐI MẶT"]
)
def test_what_only_resembles_one_is_none(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert marks.in_text(unicodedata.normalize(form, f"Kính gửi\n{text}\nNội dung")) is None


FORMS_OF_DOCUMENTS = [
    "BÁO CÁO",
    "CHỈ THỊ",
    "THÔNG BÁO",
    "ĐIỆN KHẨN",
    "THƯ MỜI",
    "LỆNH",
    "DANH SÁCH",
    "PHIẾU TRÌNH",
    "CAM KẾT",
    "NGHỊ QUYẾT",
    "ĐƯỜNG BỘ VIỆT NAM",
    "HẠT KIỂM LÂM",
    "CÁ NHÂN",
    "ĐỘ KHẨN: HỎA TỐC",
    "NGÔ VĂN AN",
    "MÃ SỐ 12",
    "Độc lập",
]


@pytest.mark.parametrize("line", FORMS_OF_DOCUMENTS)
def test_no_line_of_an_office_above_or_below_makes_another_word_of_it(line: str) -> None:
    for text in (f"MẬT\n{line}", f"{line}\nMẬT", f"{line}\tMẬT", f"MẬT\t{line}", f"{line}\n\n\nMẬT\n\n{line}"):
        assert marks.in_text(text) is Mark.SECRET, text


@pytest.mark.parametrize("name", ["NGUYỄN QUỐC BẢO", "TRẦN ĐÌNH CƠ", "LÊ VĂN THỊ", "NGUYỄN VĂN AN"])
def test_a_signature_above_a_stamp_does_not_hide_it(name: str) -> None:
    assert marks.in_text(f"KT. CHỦ TỊCH\n{name}\nMẬT") is Mark.SECRET
    assert marks.in_text(f"TT\tHọ và tên\n{name}\nMẬT") is Mark.SECRET


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Độ mật: Mật", True),
        ("ĐỘ MẬT : TỐI MẬT.", True),
        ("Độ mật - Tuyệt mật, độ khẩn - Khẩn", True),
        ("Do mat: mat", True),
        ("Độ mật    Mật", True),
        ("Độ mật\n\nMật", True),
        ("Độ mật Mật", True),
        ("Mức độ mật:\tMAT", True),
        ("Độ mật: mật khẩu", False),
        ("Độ mật: mật độ", False),
        ("Độ mật: Mật, Tối mật hoặc Tuyệt mật", False),
        ("Độ mật:", False),
        ("Nêu rõ độ mật Mật của tài liệu", False),
        ("Độ mật: không", False),
        ("Có độ mật: cao hơn Mật", False),
    ],
)
def test_the_value_of_a_label_is_one(text: str, found: bool) -> None:
    assert bool(marks.in_text(text)) is found


AFTER_A_DASH = [
    "BÁO CÁO",
    "DANH MỤC",
    "CHỈ ĐẠO",
    "ĐIỆN MẬT MÃ",
    "LỆNH",
    "THƯ MỜI",
    "KẾT QUẢ",
    "QUẢN LÝ NHÀ NƯỚC",
    "ĐƯỜNG",
]


@pytest.mark.parametrize("words", AFTER_A_DASH)
def test_no_words_beyond_a_dash_or_a_bracket_make_another_word_of_it(words: str) -> None:
    for text in (f"MẬT - {words}", f"[MẬT] {words}", f"MẬT (bản 01): {words}", f"{words} (MẬT)", f"MẬT: {words} 2024"):
        assert titles.in_subject(text) is Mark.SECRET, text
    if words != "ĐƯỜNG":
        for text in (
            f"MẬT - {words}",
            f"{words} - MẬT",
            f"{words} năm 2024 (MẬT)",
            f"MẬT: {words}",
            f"MẬT (01 bản) {words}",
        ):
            assert marks.in_text(f"Kính gửi\n{text}\nNội dung") is Mark.SECRET, text
    assert marks.in_text("MẬT - ĐƯỜNG - SỮA") is None


SUBJECTS = {
    "[MẬT] Kế hoạch": Mark.SECRET,
    "Fwd: Re: MẬT": Mark.SECRET,
    "Kế hoạch (TỐI MẬT)": Mark.TOP,
    "TUYET MAT: a": Mark.UTMOST,
    "Báo cáo TUYỆT MẬT": Mark.UTMOST,
    "Gửi công văn MẬT": Mark.SECRET,
    "TỐI MẬT BÁO CÁO QUÝ": Mark.TOP,
    "Bảo vệ bí MẬT": None,
    "Bà LÊ THỊ MẬT": None,
    "MẬT ONG": None,
    "MẬT ĐỘ": None,
    "Toi mat ve": None,
    "TOI MAT VE": None,
    "Mật": None,
    "Gửi chị Mật": None,
    "Danh mục độ TUYỆT MẬT": None,
    "Tuyệt mật, Tối mật và Mật": None,
    "": None,
}


@pytest.mark.parametrize(("subject", "mark"), SUBJECTS.items())
def test_a_subject_bears_one_at_its_begin_at_its_end_or_apart(subject: str, mark: Mark | None) -> None:
    assert titles.in_subject(subject) is mark


NAMES = {
    "TUYET MAT - to trinh.docx": Mark.UTMOST,
    "TUYETMAT.pdf": Mark.UTMOST,
    "tuyệt mật.pdf": Mark.UTMOST,
    "toimat.pdf": None,
    "KH_TOI_MAT.docx": Mark.TOP,
    "Tối mật - kế hoạch.odt": Mark.TOP,
    "MẬT.docx": Mark.SECRET,
    "01-MẬT-KH.docx": Mark.SECRET,
    "C:\\ho so\\[MẬT] a.docx": Mark.SECRET,
    "KE HOACH TOI MAT.tar.gz": Mark.TOP,
    "BÁO_CÁO_MẬT.docx": Mark.SECRET,
    "LE THI MAT.docx": None,
    "LÊ_THỊ_MẬT.docx": None,
    "MẬT ONG.docx": None,
    "MAT BANG.pdf": None,
    "BÍ_MẬT.docx": None,
    "bao-mat.pdf": None,
    "du lieu.MAT": None,
    "TOI MAT XE.docx": None,
    "HO_SO_BAO_MAT.docx": None,
    "": None,
}


@pytest.mark.parametrize(("name", "mark"), NAMES.items())
def test_a_file_name_bears_one_apart_from_its_other_words(name: str, mark: Mark | None) -> None:
    assert titles.in_file_name(name) is mark


def test_every_letter_that_looks_like_one_is_taken_for_it() -> None:
    for strange in (
        "МẬТ",
        "ΜẬΤ",
        "ＭẬＴ",
        "𝗠Ậ𝗧",
        "ᴍẬᴛ",
        "M\u00adẬ\u200dT",
        "M\ufe0fẬ\u034fT",
        "Ⓜ️ẬT",
        "MËT",
        "MAÄT",
        "M\x87T",
    ):
        assert alike.plain(strange) == "MẬT", strange


HOSTILE = [
    "MẬT ĐỘ\n",
    "MẬT\t",
    "M ",
    "M\n",
    "độ mật ",
    "Độ mật\n",
    "t ",
    "☒ ",
    "[",
    "(mật",
    "tối\n",
    "MẬT ",
    "\u0323",
    "\u200b",
    "a" * 50,
]


@pytest.mark.parametrize("piece", HOSTILE, ids=range(len(HOSTILE)))
def test_its_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    def seconds(size: int) -> float:
        began = time.process_time()
        for look in (marks.in_text, titles.in_subject, titles.in_file_name):
            with suppress(marks.TooManyMarks):
                look(piece * (size // len(piece)))
        return time.process_time() - began

    seconds(1000)
    # Ten times the text takes some ten times as long; of a square it would be a hundred.
    assert seconds(200_000) < 30 * seconds(20_000) + 0.3
