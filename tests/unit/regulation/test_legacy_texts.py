"""Mail in an encoding from before Unicode is known, and no text in another language is taken for it (Đ3.4)."""

from collections.abc import Callable, Mapping

import pytest
from tests import documents
from tests.unit.regulation.foreign_texts import TEXTS

from hanam_mail.regulation import legacy_texts
from hanam_mail.regulation.legacy_tables import VISCII_LETTERS

pytestmark = pytest.mark.dieu3

WRITTEN: Mapping[str, Callable[[str], bytes]] = {
    legacy_texts.TCVN3: documents.tcvn3,
    legacy_texts.VNI: documents.vni,
    legacy_texts.VISCII: documents.viscii,
    legacy_texts.WINDOWS: documents.windows_1258,
}
VIETNAMESE = [
    "V/v báo cáo kết quả tháng 6",
    "Giấy mời họp giao ban",
    "Kính gửi: Sở Thông tin và Truyền thông tỉnh Hà Nam. Đề nghị quý cơ quan cử cán bộ tham dự hội nghị.",
    "Căn cứ Quyết định số 27/2023/QĐ-UBND, Sở Nội vụ đề nghị các đơn vị gửi báo cáo trước ngày 15.",
    "Em gửi anh bảng lương tháng này, anh xem giúp em nhé. Em cảm ơn!",
    "Chào chị, hồ sơ của chị còn thiếu giấy khai sinh, đề nghị bổ sung trước thứ sáu.",
    "Trung tâm Y tế huyện thông báo lịch tiêm chủng mở rộng đợt 2 tại các xã, thị trấn.",
    "NĐ-CP, TT-BTC, QĐ-UBND: danh mục văn bản đã hết hiệu lực, kèm theo công văn này",
    "Theo John Smith (Microsoft), phần mềm được cập nhật; đề nghị phòng kỹ thuật kiểm tra máy chủ và mạng nội bộ.",
    "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\n\nBÁO CÁO\nTình hình thực hiện nhiệm vụ",
    "Học sinh nghỉ học ngày mai do mưa bão, phụ huynh đón con trước 16 giờ.",
    "Dự toán chi ngân sách năm 2026: tăng 5% so với năm trước; trình Ủy ban nhân dân huyện phê duyệt.",
]


@pytest.mark.parametrize("encoding", WRITTEN)
@pytest.mark.parametrize("text", VIETNAMESE)
def test_vietnamese_in_each_encoding_is_known(text: str, encoding: str) -> None:
    assert legacy_texts.encoding_of(WRITTEN[encoding](text).decode("latin-1")) == encoding


@pytest.mark.parametrize("encoding", WRITTEN)
def test_what_a_program_has_taken_for_windows_letters_and_sent_in_unicode_is_known(encoding: str) -> None:
    for text in VIETNAMESE:
        octets = WRITTEN[encoding](text)
        shown = "".join(bytes([each]).decode("cp1252", "ignore") or chr(each) for each in octets)
        assert legacy_texts.encoding_of(shown) == encoding, shown


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Th«ng b¸o vÒ viÖc nghØ lÔ", legacy_texts.TCVN3),
        ("C¨n cø LuËt Tæ chøc chÝnh quyÒn ®Þa ph\xad¬ng", legacy_texts.TCVN3),
        ("ñeà nghò caùc ñôn vò baùo caùo", legacy_texts.VNI),
        ("COÄNG HOØA XAÕ HOÄI CHUÛ NGHÓA VIEÄT NAM", legacy_texts.VNI),
        # A line in Unicode above a quoted one that is not.
        ("Tôi không đọc được thư này:\n> KÝnh göi c¸c ®¬n vÞ, ®Ò nghÞ göi b¸o c¸o.", legacy_texts.TCVN3),
        ("“KÝnh göi c¸c ®¬n vÞ” – ®Ò nghÞ göi b¸o c¸o…", legacy_texts.TCVN3),
    ],
)
def test_it_is_known_as_people_see_it(text: str, encoding: str) -> None:
    assert legacy_texts.encoding_of(text) == encoding


@pytest.mark.parametrize("language", TEXTS)
def test_no_other_language_is_taken_for_it_in_any_encoding_of_its_own(language: str) -> None:
    codecs, texts = TEXTS[language]
    assert texts
    for text in [*texts, "\n".join(texts), " ".join(texts)]:
        assert legacy_texts.encoding_of(text) == "", text
        for codec in codecs:
            assert legacy_texts.encoding_of(text.encode(codec, "ignore").decode("latin-1")) == "", (codec, text)


def test_there_are_enough_of_both() -> None:
    assert len(VIETNAMESE) * len(WRITTEN) >= 40
    assert sum(len(texts) for _, texts in TEXTS.values()) >= 80


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Kinh gui",
        *VIETNAMESE,
        # Words that have only letters of Latin-1 are Unicode's as well.
        "Cô Hà và bà Thúy có báo cáo quý",
        "Tôi là giáo viên",
        # UTF-8 that somebody has encoded twice.
        "Kính gửi: Sở Thông tin và Truyền thông".encode().decode("latin-1"),
        "成功です。おそらく成功です".encode().decode("latin-1"),
        "成功です。おそらく成功です".encode().decode("cp1252", "ignore"),
        # Half of what a short text says.
        "Anh Hïng",
        "10 µm, 5 ®, © 2026 «a» ¶ §3 °C ±1 ¼ ½",
        "A\xadB re\xadport ti\xadtle",
    ],
)
def test_unicode_and_what_says_too_little_is_left_alone(text: str) -> None:
    assert legacy_texts.encoding_of(text) == ""


def test_a_long_text_costs_no_more_than_a_short_one() -> None:
    """Words are looked at to a number; whoever sends a book has not a book read."""
    words = [f"{chr(97 + place % 26)}{chr(0xC0 + place % 60)}{'x' * (place % 7)}" for place in range(100_000)]
    assert legacy_texts.encoding_of(" ".join(words)) == ""
    legacy = documents.tcvn3(VIETNAMESE[3]).decode("latin-1")
    assert legacy_texts.encoding_of(legacy + "\n" + " ".join(words[:20])) == ""


def test_viscii_has_every_letter_but_the_six_at_control_characters() -> None:
    assert len({*VISCII_LETTERS.values()}) == len(VISCII_LETTERS) == 128
    vietnamese = {char for char in "".join(VISCII_LETTERS.values()) if char.isalpha()}
    assert len(vietnamese) == 128
    assert {"ẳ", "ẵ", "ẫ", "ỷ", "ỹ", "ỵ"} <= vietnamese
    # RFC 1456's own examples of places.
    assert (VISCII_LETTERS["\xd5"], VISCII_LETTERS["\xf0"], VISCII_LETTERS["\xdf"]) == ("ạ", "đ", "ư")
