"""Names of people of northern Vietnam, as frequent as they are among officials.

The weights within a list are set so that the figures that matter for addresses come out
as in real lists of 15,000 officials (tests/unit/test_population.py): who shares the unaccented joined name with
somebody, how many share the commonest one, how many names have three words and how many four.
"""

import re
from dataclasses import dataclass
from datetime import date
from random import Random

WOMEN = 0.52  # teachers, nurses and clerks outweigh the rest
FOUR_WORDS = {"f": 0.425, "m": 0.123}

_FAMILY = """
Nguyễn 3260 Trần 1165 Lê 832 Phạm 729 Vũ 446 Đỗ 372 Bùi 325 Hoàng 297 Đặng 229 Ngô 199 Lại 169 Dương 149 Đinh 149
Trương 138 Đào 128 Phan 128 Hà 96 Lương 96 Mai 85 Cao 74 Trịnh 74 Chu 74 Tạ 63 Lưu 63 Đoàn 63 Kiều 52 Phùng 52
Nghiêm 40 Tống 40 Quách 40 Thái 28 Lý 28 Hồ 28 Võ 28 Vương 28 Doãn 28 Khuất 15 Bạch 15 Từ 15 La 15 Triệu 15 Tô 15
Ninh 15 Giang 15 Mạc 15 Thân 15 Cù 15 Nông 15 Ứng 15 Uông 15
"""
_MIDDLE_M = """
Văn 1780 Đức 405 Xuân 349 Quang 349 Minh 341 Hữu 317 Ngọc 309 Đình 309 Thanh 300 Mạnh 282 Công 282 Duy 272 Anh 252
Tiến 252 Trọng 241 Tuấn 230 Hồng 218 Quốc 218 Thế 218 Hải 206 Viết 193 Bá 193 Trung 193 Việt 178 Thành 178 Hoàng 178
Huy 163 Kim 146 Khắc 146 Như 126 Gia 126 Đăng 126 Sỹ 115 Danh 115 Nam 103 Chí 103 Cao 103 Phú 103 Vũ 103 Doãn 89
Bảo 89
"""
_MIDDLE_F = """
Thị 2620 Thu 491 Thanh 481 Hồng 405 Ngọc 393 Minh 368 Kim 354 Thùy 340 Phương 340 Thúy 326 Bích 311 Hải 278 Lan 241
Mai 241 Hoàng 220 Quỳnh 220 Diệu 220 Khánh 197 Vân 197 Tuyết 197 Như 170 Việt 170 Kiều 170 Hà 170 Xuân 170 Mỹ 155
Ánh 155 Hương 139 Linh 139 Bảo 120
"""
_GIVEN_M = """
Hùng 276 Dũng 265 Tuấn 265 Hải 244 Minh 233 Nam 227 Cường 222 Sơn 216 Thắng 211 Hưng 199 Long 194 Anh 194 Tùng 188
Đức 182 Quân 176 Trung 176 Thành 176 Toàn 164 Hiếu 164 Huy 158 Tú 152 Tiến 152 Hoàng 146 Bình 146 Mạnh 140 Quang 140
Kiên 140 Chiến 134 Việt 127 Duy 127 Khánh 114 Phong 114 Lâm 108 Thái 108 Vinh 108 Hòa 108 Tân 101 Thịnh 101 Linh 94
Phương 94 Hà 87 Giang 87 Trường 87 Thiện 80 Công 80 Đạt 80 Hậu 73 Quyết 73 Quý 73 Hiệp 73 Ngọc 73 Phúc 73 Hoan 66
Khoa 66 Lực 66 Nghĩa 66 Tâm 66 Tài 66 Vũ 58 Luân 58 Lợi 58 Thuận 58 An 58 Dương 58 Khải 50 Chung 50 Thanh 50 Xuân 50
Trọng 50 Đông 50 Chính 50 Hào 42 Lộc 42 Hoạt 42 Thủy 42 Bắc 42 Cảnh 42 Quyền 42 Toản 42 Tuyến 42 Vượng 42 Nhất 33
Sáng 33 Đoàn 33 Biên 33 Ba 33 Doanh 33 Điệp 33 Định 33 Hạnh 33 Lượng 33 Ninh 33 Quảng 33 Quốc 33 Sỹ 33 Thăng 33
Tình 33 Trí 33 Tuyên 33 Hữu 24 Khang 24 Mười 24 Năm 24 Tấn 24 Thạch 24 Thạo 24 Thế 24 Thi 24 Thể 24 Thuyết 24 Tĩnh 24
Kha 14 Oanh 14 Ước 14 Viên 14 Yên 14
"""
_GIVEN_F = """
Hương 271 Hà 252 Hằng 222 Lan 217 Hoa 212 Thủy 212 Huyền 212 Trang 207 Linh 207 Nga 192 Thu 187 Hạnh 182 Mai 182
Ngọc 177 Hồng 177 Yến 171 Dung 166 Oanh 166 Phương 166 Thảo 161 Nhung 161 Hiền 161 Vân 150 Anh 150 Thúy 139 Loan 139
Liên 139 Huệ 122 Hường 122 Tâm 116 Hòa 116 Thanh 116 Quỳnh 110 Nguyệt 110 Tuyết 110 Ngân 104 Phượng 104 Xuân 98
Duyên 98 Bình 92 Hoài 92 Lý 86 Thoa 86 Luyến 86 Minh 80 Giang 80 Nhàn 80 Thương 80 Thơm 73 Ánh 73 Hậu 73 Tươi 67
Chi 67 Hiên 67 Quyên 67 Hải 67 Lương 60 Thắm 60 Chinh 60 Hảo 60 Thuận 60 My 53 Vui 53 Trinh 53 Tú 53 Dịu 53 Đào 53
Ngà 53 Tình 53 Sen 46 Diệp 46 Hợp 46 Khánh 46 Lệ 46 Liễu 46 Tuyến 46 Uyên 46 Gấm 38 Khuyên 38 Kim 38 Lụa 38 Mận 38
Quế 38 Quý 38 Thêu 38 Thư 38 Thuần 38 Trà 38 Xuyến 38 Nguyên 38 Là 30 Lành 30 Lưu 30 Miền 30 Mùi 30 Mơ 30 Nhài 30
Nhâm 30 Như 30 Ninh 30 Phúc 30 Sinh 30 Thìn 30 Toan 30 Trâm 30 Vinh 30 Xoan 30 Dương 30 Len 22 Na 22 Nết 22 Nghĩa 22
Nụ 22 Việt 22 Yên 22 Nhuần 22 Thịnh 22 Út 13 Ý 13 Hạ 13
"""
# The second of four words; the third is then drawn from the lists above.
_FIRST_MIDDLE_M = "Văn 260 Đức 60 Hữu 60 Đình 60 Quang 40 Xuân 40 Công 30 Trần 40 Lê 30 Phạm 20 Hoàng 20 Đỗ 20"
_FIRST_MIDDLE_F = "Thị 800 Hoàng 20 Ngọc 30 Thu 20 Trần 40 Lê 30 Phạm 20 Vũ 20 Hồng 20"
_PLACES = """
Phủ Lý=14 Duy Tiên=14 Kim Bảng=13 Lý Nhân=16 Thanh Liêm=12 Bình Lục=14
Nam Định=6 Thái Bình=4 Ninh Bình=3 Hưng Yên=2 Hà Nội=2
"""


@dataclass(frozen=True, slots=True)
class Person:
    """One official: what an agency's list says of him or her."""

    name: str
    sex: str  # f, m
    home: str
    born: date

    @property
    def details(self) -> tuple[str, str]:
        """Home place and date of birth, as Đ5.2c may need them."""
        return self.home, f"{self.born:%d/%m/%Y}"


def people(count: int, seed: int) -> list[Person]:
    """That many people. The same seed gives the same people, and the first of a longer list are the shorter one."""
    draw = Random(seed)  # noqa: S311 (no secret)
    return [_person(draw) for _ in range(count)]


def _person(draw: Random) -> Person:
    sex = "f" if draw.random() < WOMEN else "m"
    words = [_pick(draw, "family")]
    if draw.random() < FOUR_WORDS[sex]:
        words.append(_pick(draw, f"first {sex}", but=words))
    words.append(_pick(draw, f"middle {sex}", but=words))
    words.append(_pick(draw, f"given {sex}", but=words))
    home = _pick(draw, "place")
    born = date.fromordinal(date(1964, 1, 1).toordinal() + draw.randrange(365 * 38))
    return Person(" ".join(words), sex, home, born)


def _pick(draw: Random, kind: str, but: list[str] | None = None) -> str:
    words, sums = _TABLES[kind]
    while (word := draw.choices(words, cum_weights=sums)[0]) in (but or ()):
        pass  # nobody is called Nguyễn Thị Thị Hà
    return word


def _sums(weights: list[int]) -> list[int]:
    total, sums = 0, []
    for weight in weights:
        total += weight
        sums.append(total)
    return sums


def _table(text: str) -> tuple[list[str], list[int]]:
    parts = text.split()
    return parts[::2], _sums(list(map(int, parts[1::2])))


def _places() -> tuple[list[str], list[int]]:
    pairs = re.findall(r"(\D+)=(\d+)\s", _PLACES)
    return [place.strip() for place, _ in pairs], _sums([int(weight) for _, weight in pairs])


_TABLES = {
    "family": _table(_FAMILY),
    "middle m": _table(_MIDDLE_M),
    "middle f": _table(_MIDDLE_F),
    "given m": _table(_GIVEN_M),
    "given f": _table(_GIVEN_F),
    "first m": _table(_FIRST_MIDDLE_M),
    "first f": _table(_FIRST_MIDDLE_F),
    "place": _places(),
}
