"""Whether a whole text is in an encoding from before Unicode (Đ3.4): TCVN3, VNI, VISCII or windows-1258.

legacy_encodings.py judges names, where each word must fit. A text of mail has abbreviations, foreign names and signs in
it, and comes in any language of the world: so its words are counted. A word speaks for an encoding if it cannot be
Vietnamese as it stands, and can be when it is read so. Common words among them tell Vietnamese from what only has the
shape of it ("så" of Swedish would be "sồ").
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from hanam_mail.regulation.legacy_tables import TCVN3_LETTERS, VISCII_LETTERS, VNI_LETTERS
from hanam_mail.regulation.naming.syllables import LONGEST, is_syllable

TCVN3, VNI, VISCII, WINDOWS = "TCVN3", "VNI", "VISCII", "windows-1258"

# Words that are looked at, each once: enough for a verdict, and no work for whoever sends a book.
MOST_WORDS = 150
# At least so many words speak for an encoding, and as many of them are common ones: one will do where more speak for it
# and none against. Of five at least one is common; beside eight that speak for it one may be no word at all.
LEAST, PER_COMMON, PER_BAD = 2, 5, 8
# So many words beside each that speaks may be Vietnamese as they stand, and something else in the encoding.
STANDING = 2

_COMMON_WORDS = """
của và các được không là với để những đã đến về từ tại trên này đó đây năm ngày tháng số điều khoản điểm căn cứ quyết
định nghị thông tư báo cáo kính gửi trân trọng đề công văn việc ủy nhân dân tỉnh huyện xã phường thị trấn sở phòng cơ
đơn vị cán bộ chức viên người dưới trước giờ thời địa chỉ điện thoại họ tên thực hiện tổ hội đồng hợp kế hoạch kết quả
thống kê dự án đầu xây dựng nhà nước pháp luật chế chính phủ trưởng giám đốc phó chủ tịch thư ký nội lý quản hồ sơ
giấy mời họp lịch dịch vụ trực tuyến hành quốc chúng tôi bạn ông bà chị cô chú cháu mình cảm ơn chào lời chúc mừng
nhận thêm nếu thì cũng như vì nên bị đang sẽ rồi nữa mới lại đi làm biết thấy nói hỏi trả cần phải có thể muốn rất
nhiều ít hơn nhất một bốn sáu bảy tám chín mười triệu nghìn tiền giá phí hàng sản phẩm bán khách chất lượng miễn giảm
khuyến mãi quý hiệu lực trình duyệt tài liệu đính kèm yêu cầu đăng học giáo dục trường lớp đào tạo bệnh viện tế bảo
hiểm thuế đất đai môi nông nghiệp thôn phát triển cứu vấn đảm tuyên truyền đảng thành phố hà nguyễn trần lê phạm hoàng
đức hùng giữa mỗi cùng bằng cả còn lên xuống vào mọi ý kiến góp sửa đổi bổ phương hướng dẫn tiếp tục nhiệm trách
chuyên môn kỹ thuật nghệ mạng hệ phần mềm mật khẩu tử lạc liên tỷ lệ mức tăng phiếu lương đoàn thẻ dụng máy tính miền
cử cuộc buổi sáng chiều tối đâu nào vậy hãy luôn vẫn chưa hoàn tất trở ngoài ương chí bản sự cộng hòa hoà nghĩa độc
lập tự hạnh phúc quyền thẩm phép chấp kiểm sát tòa đội quân
"""
COMMON = frozenset(unicodedata.normalize("NFC", _COMMON_WORDS).split())

# Between words in any of them. The last one is a no-break space; VISCII has Õ there, which few words begin with.
_ASCII = r"\s\x00-\x40\x5b-\x60\x7b-\x7f\xa0"
# Taken for đ where people type it so in Unicode; here it is an octet like others.
_ETH = re.compile("[ðÐ]")
_QUOTED = re.compile("^[«»]|[«»]$")
_VOWELS = re.compile("[aeiouy]")
# What Windows has at the octets that Latin-1 leaves to control characters.
_OF_WINDOWS = {
    ord(char): code
    for code in range(0x80, 0xA0)
    if len(char := bytes([code]).decode("cp1252", "ignore")) == 1 and char > "\u00ff"
}


@dataclass(frozen=True, slots=True)
class _Encoding:
    """`parting`: what stands between words, a class of a pattern; `read`: a word's octets in Unicode."""

    name: str
    parting: re.Pattern[str]
    read: Callable[[str], str]


def encoding_of(text: str) -> str:
    """The one that the text is surely in, "" for none.

    Octets that are no UTF-8 are given as Latin-1 reads them; a text in Unicode may have been made of such octets, and
    is given as it is.
    """
    if text.isascii():
        return ""
    octets = _octets(text)
    if octets.isascii():
        return ""
    found = [(speaking, encoding.name) for encoding in _encodings() if (speaking := _speaking(octets, encoding))]
    return max(found)[1] if found else ""


def _octets(text: str) -> str:
    """As Latin-1 shows them: of the lines without a letter that no such octet can be, and that are no UTF-8 of which
    somebody took the octets for letters. Other signs part words.
    """
    lines = text.translate(_OF_WINDOWS).split("\n")
    kept = []
    for line in lines:
        if line.isascii():
            continue
        beyond = {char for char in line if char > "\u00ff"}
        if any(char.isalpha() or unicodedata.combining(char) for char in beyond):
            continue
        octets = re.sub("[^\x00-\xff]", " ", line) if beyond else line
        if not _is_utf8(octets):
            kept.append(octets)
    return "\n".join(kept)


def _is_utf8(octets: str) -> bool:
    try:
        octets.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def _speaking(octets: str, encoding: _Encoding) -> int:
    """How many words speak for the encoding, less those that speak against it; 0 where it is not this one."""
    good, common, bad, standing = 0, 0, 0, 0
    for word in _words(octets, encoding):
        # What has no blank for long is no Vietnamese in any encoding: it is not read at all.
        if len(word) > LONGEST:
            bad += 1
            continue
        reading = encoding.read(word)
        if is_syllable(word) and not _ETH.search(word):
            # What every reading leaves as it is speaks for none.
            standing += reading != word
        elif reading != word and is_syllable(reading):
            # Around "»c«" stand quotation marks; TCVN3 has ằ and ô there.
            if not _QUOTED.search(word):
                good += 1
                common += reading.casefold() in COMMON
        # An abbreviation ("NĐ-CP", "HĐND") says nothing.
        elif reading == word or _VOWELS.search(_bare(reading)):
            bad += 1
    least_common = 1 if good > LEAST and not bad else LEAST
    surely = good >= LEAST and common >= max(least_common, good // PER_COMMON)
    return good - bad if surely and bad <= good // PER_BAD and standing <= STANDING * good else 0


def _words(octets: str, encoding: _Encoding) -> Iterable[str]:
    found: dict[str, None] = {}
    for part in encoding.parting.split(octets):
        if not part.isascii():
            found[part] = None
            if len(found) >= MOST_WORDS:
                break
    return found


def _bare(word: str) -> str:
    return unicodedata.normalize("NFD", word).casefold()


@cache
def _encodings() -> tuple[_Encoding, ...]:
    return (
        _Encoding(TCVN3, _parting(TCVN3_LETTERS), _by_letter(TCVN3_LETTERS)),
        _Encoding(VNI, _parting(), _by_pair(VNI_LETTERS)),
        _Encoding(VISCII, re.compile(f"[{_ASCII}]+"), _by_letter(VISCII_LETTERS)),
        _Encoding(WINDOWS, _parting(), _of_windows),
    )


def _parting(letters: Iterable[str] = ()) -> re.Pattern[str]:
    """Also signs of Latin-1 that are no letters there."""
    signs = {chr(code) for code in range(0x80, 0xC0)} - {*letters}
    return re.compile(f"[{_ASCII}{''.join(map(re.escape, sorted(signs)))}]+")


def _by_letter(letters: Mapping[str, str]) -> Callable[[str], str]:
    table = str.maketrans(dict(letters))
    return lambda word: word.translate(table)


def _by_pair(letters: Mapping[str, str]) -> Callable[[str], str]:
    pattern = re.compile("|".join(map(re.escape, sorted(letters, key=len, reverse=True))))
    return lambda word: pattern.sub(lambda found: letters[found[0]], word)


def _of_windows(word: str) -> str:
    return unicodedata.normalize("NFC", word.encode("latin-1").decode("cp1258", "replace"))
