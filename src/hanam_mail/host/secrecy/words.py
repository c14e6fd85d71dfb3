"""The words of the marks, and the words beside which they are something else. All of text that `alike.plain` gave."""

import re
from enum import IntEnum
from itertools import product

from hanam_mail.alphabet import without_accents


class Mark(IntEnum):
    """Degrees of secrecy (Luật Bảo vệ bí mật nhà nước, Điều 8), the highest last."""

    SECRET = 1
    TOP = 2
    UTMOST = 3

    @property
    def words(self) -> str:
        """In ASCII, as headers and logs have it."""
        return ("MAT", "TOI MAT", "TUYET MAT")[self - 1]


LOWEST = "MẬT"
# Characters of a mark, blanks between its letters and signs around it included.
LONGEST = 200
_SECOND = ("MẬT", "MÂT", "MẠT", "MAT")
_FIRST = {Mark.TOP: ("TỐI", "TÔI", "TÓI", "TOI"), Mark.UTMOST: ("TUYỆT", "TUYÊT", "TUYẸT", "TUYET")}
# Both words of the higher degrees, joined. With all their accents they mean nothing else, in small letters either.
EXACT = {"TỐIMẬT": Mark.TOP, "TUYỆTMẬT": Mark.UTMOST}
HIGHER = {first + second: mark for mark, firsts in _FIRST.items() for first, second in product(firsts, _SECOND)}
# Where none of these is found there is no mark, however its letters are spaced.
HINT = re.compile(
    r"M[\W_]*[ẬÂẠA][\W_]*T(?![^\W\d_])"
    r"|(?i:(?:t[\W_]*[ốo][\W_]*i|t[\W_]*u[\W_]*y[\W_]*[ệe][\W_]*t|độ|do)[\W_]*m[\W_]*[ậâạa][\W_]*t|[☒☑✓✔✗✘x]\]?\s{0,9}mật)(?![^\W\d_])"
    r"|(?i:[\[(【]\s{0,9}mật)"
)
_WORDS = re.compile(r"[^\W_]+")
_DEGREES = re.compile(r"(?<![^\W\d_])(?:(tuyệt|tuyet)\s+|(tối|toi)\s+)?mật(?![^\W\d_])", re.I)

# What follows MẬT, or goes before it, in words that are no mark, where a line or a cell ends between the two. No word
# with which the line of an office, of a kind of document or of a form begins or ends.
LINE_AFTER = frozenset(["KHẨU", "ONG", "THIẾT", "NGỌT", "RỪNG", "RỈ", "THÁM"])
LINE_BEFORE = frozenset(["BÍ", "BẢO", "CƠ", "RỈ", "TÚI", "GAN", "SỎI", "ỐNG", "HÚT", "LẤY", "NUÔI", "QUAY", "GIẢI"])
# The same in a subject or a name, where both stand side by side.
_AFTER = """
ĐỘ MÃ VỤ THƯ LỆNH ƯỚC DANH BÁO ĐÀM HOA MÍA GẤU NGHỊ CHỈ TÔNG PHIẾU THẤT DỤ ĐIỆN
"""
AFTER = LINE_AFTER | frozenset(_AFTER.split())
BEFORE = LINE_BEFORE | frozenset(["THÂN", "DỊCH", "TIẾT", "ĐƯỜNG", "NƯỚC", "THỊ", "VĂN"])
# What stands alone in the cell or line beside it where it is honey or a part of the body; some with a second word.
_BESIDE = """
LÚA NGÔ MÍA ĐƯỜNG SỮA GẠO KHOAI SẮN LẠC VỪNG ĐỖ ĐẬU CHÈ TRỨNG THỊT CÁ TÔM RAU QUẢ NHÃN VẢI CAM BƯỞI CHUỐI ONG
SÁP PHẤN DẦU MUỐI NẾP BỘT MẠCH BÁNH NẤM DƯA CỐM RƯỢU GIẤM HẠT SEN GAN TỤY LÁCH THẬN RUỘT TIM PHỔI
"""
BESIDE = frozenset(_BESIDE.split())
BESIDE_WITH_MORE = frozenset(["SỮA", "GẠO", "BÁNH", "TRỨNG", "THỊT", "RAU", "KHOAI"])
_FAMILIES = """
NGUYỄN TRẦN LÊ PHẠM HOÀNG HUỲNH PHAN VŨ VÕ ĐẶNG BÙI ĐỖ HỒ NGÔ DƯƠNG LÝ ĐINH TRỊNH LƯƠNG LẠI TẠ CHU ĐÀO MAI CAO
VƯƠNG ĐOÀN HÀ TRƯƠNG LÂM PHÙNG KIỀU QUÁCH THÁI TÔ LÃ
"""
FAMILIES = frozenset(_FAMILIES.split())
_DOCUMENTS = frozenset(
    """bao cao,ke hoach,to trinh,cong van,van ban,tai lieu,ho so,quyet dinh,thong bao,phuong an,chi thi,nghi quyet,
    cong dien,bien ban,danh sach,de an,ban do,so do,ket luan,phieu trinh,giay moi,thong tin""".replace("\n", "")
    .replace(" ,", ",").split(",")
)  # fmt: skip
_SHORT = frozenset(["bc", "kh", "cv", "ttr", "qd", "nq", "tb", "file", "tep"])
# What goes before a degree that is spoken of.
SPOKEN_OF = frozenset(["ĐỘ", "DO", "DẤU", "DAU", "HOẶC", "HOAC", "VÀ", "VA", "LÀ", "LA"])


def fold(text: str) -> str:
    """In small letters without accents."""
    return without_accents(text.lower())


def names_a_document(*words: str) -> bool:
    """Whether the words end, or begin, as one says which kind of document something is."""
    if not words:
        return False
    folded = [fold(word) for word in words]
    return " ".join(folded) in _DOCUMENTS or any(word in _SHORT for word in folded)


def said(text: str) -> list[str]:
    """Its words, in capitals."""
    return _WORDS.findall(text.upper())


def squashed(text: str) -> str:
    """Its letters and digits alone."""
    return "".join(filter(str.isalnum, text))


def degree(text: str) -> Mark | None:
    """What degree a text is the mark of that consists of nothing else; capitals are asked of MẬT and of what lacks
    accents.
    """
    if len(text) > LONGEST:
        return None
    letters = squashed(text)
    if letters == LOWEST:
        return Mark.SECRET
    return HIGHER.get(letters) or EXACT.get(letters.upper())


def degrees(text: str) -> set[Mark]:
    """Which degrees are spoken of in it."""
    return {Mark.UTMOST if found[1] else Mark.TOP if found[2] else Mark.SECRET for found in _DEGREES.finditer(text)}
