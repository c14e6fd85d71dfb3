"""The paper that first passwords are handed over on: per agency a list to sign and a slip per person, to be cut apart.

A PDF of A4 pages, six slips each. Numbers come from regulation.yml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fpdf import FPDF

from hanam_mail.controller.handover.opening import Handover
from hanam_mail.host.passwords.first_passwords import Rule
from hanam_mail.host.passwords.sealed_file import Slip

# Debian's fonts-dejavu-core: every Vietnamese letter, and a typeface that tells 8 from B.
FONTS = Path("/usr/share/fonts/truetype/dejavu")
_MARGIN = 12.0
_SLIP_HEIGHT = 44.0
_SLIPS = 6
_EVENTS = {"issue": "Cấp mới", "restore": "Khôi phục", "reset": "Cấp lại mật khẩu"}


@dataclass(frozen=True)
class Rules:
    """What a slip says of the rules: Đ8.2b's form of a password, and the terms in force. `max_age_days`: the stricter
    term of the installation, 0 where the regulation's months are all there is."""

    password: Rule
    max_age_months: int
    default_months: int
    max_age_days: int = 0

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> "Rules":
        """From the variables of regulation.yml and passwords.yml."""
        return cls(
            Rule.of(numbers),
            numbers["regulation_password_max_age_months"],
            numbers["regulation_default_password_months"],
            numbers["password_max_age_days"],
        )

    def text(self) -> str:
        """Đ8.2b and what the holder must know, in one paragraph."""
        rule = self.password
        age = f"{self.max_age_days} ngày" if self.max_age_days else f"{self.max_age_months:02} tháng"
        return (
            f"Mật khẩu mới (Điều 8): ít nhất {rule.length:02} ký tự, có chữ in hoa, chữ in thường, chữ số và ký tự đặc "
            f"biệt trong số {' '.join(rule.special_characters)}; đổi lại sau mỗi {age}; "
            f"không cho người khác biết. Mật khẩu ban đầu không đổi trong {self.default_months:02} tháng thì hộp thư "
            "bị tạm khóa (Điều 7)."
        )


def by_agency(slips: Sequence[Slip]) -> dict[str, list[Slip]]:
    """The slips of each agency, by its code."""
    result: dict[str, list[Slip]] = {}
    for slip in sorted(slips, key=lambda slip: (slip.agency, slip.name, slip.address)):
        result.setdefault(slip.agency, []).append(slip)
    return result


def pdf(handover: Handover, slips: Sequence[Slip], rules: Rules, url: str) -> bytes:
    """The sheet of one agency."""
    sheet = _Sheet(f"Bàn giao mật khẩu ban đầu - {slips[0].agency_name}", handover.made.strftime("%d/%m/%Y"))
    sheet.list_to_sign(slips)
    for place, slip in enumerate(slips):
        sheet.slip(place, slip, rules.text(), url)
    return bytes(sheet.output())


class _Sheet(FPDF):
    def __init__(self, title: str, day: str) -> None:
        super().__init__(format="A4")
        self.set_title(title)
        self.set_margins(_MARGIN, _MARGIN)
        for family, file in (("text", "DejaVuSans"), ("password", "DejaVuSansMono")):
            self.add_font(family, "", FONTS / f"{file}.ttf")
            self.add_font(family, "B", FONTS / f"{file}-Bold.ttf")
        self.head, self.day = title, day

    def list_to_sign(self, slips: Sequence[Slip]) -> None:
        """Who receives a slip; no passwords here."""
        self.set_auto_page_break(True, _MARGIN)
        self.add_page()
        self.set_font("text", "B", 13)
        self.multi_cell(0, 7, self.head, new_x="LMARGIN", new_y="NEXT")
        self.set_font("text", "", 9)
        self.multi_cell(
            0,
            5,
            f"Lập ngày {self.day}, {len(slips)} phiếu. Cắt phiếu ở các trang sau, giao tận tay từng người, phong bì "
            "dán kín, người nhận ký vào danh sách này. Hủy phiếu không giao được và báo đơn vị quản trị.",
            new_x="LMARGIN",
            new_y="NEXT",
        )
        self.ln(2)
        self.set_font("text", "", 8)
        with self.table(col_widths=(8, 44, 62, 24, 38), line_height=5, repeat_headings=1) as table:
            table.row(("TT", "Họ và tên", "Địa chỉ thư điện tử", "Lý do", "Ký nhận, ngày"))
            for number, slip in enumerate(slips, 1):
                table.row((str(number), slip.name, slip.address, _EVENTS.get(slip.event, slip.event), ""))

    def slip(self, place: int, slip: Slip, rules: str, url: str) -> None:
        """One slip, `place` from the first of the sheet on."""
        if place % _SLIPS == 0:
            self.set_auto_page_break(False)
            self.add_page()
        top = _MARGIN + (place % _SLIPS) * _SLIP_HEIGHT
        self.set_xy(_MARGIN, top + 3)
        self._line("B", 10, f"{slip.name} - {slip.agency_name}")
        self._line("", 9, f"Địa chỉ: {slip.address}")
        self.set_font("text", "", 9)
        self.cell(43, 7, "Mật khẩu ban đầu:")
        self.set_font("password", "B", 13)
        self.cell(0, 7, slip.password, new_x="LMARGIN", new_y="NEXT")
        self.set_font("text", "", 7.5)
        self.multi_cell(
            0,
            3.8,
            f"Mở {url}, đăng nhập bằng địa chỉ và mật khẩu trên đây, rồi đặt ngay mật khẩu của riêng mình: trước đó "
            f"hộp thư chưa dùng được. {rules}",
            new_x="LMARGIN",
            new_y="NEXT",
        )
        self.set_draw_color(120)
        self.set_dash_pattern(dash=2, gap=1.5)
        self.line(0, top + _SLIP_HEIGHT, self.w, top + _SLIP_HEIGHT)
        self.set_dash_pattern()

    def _line(self, style: str, size: float, text: str) -> None:
        self.set_font("text", style, size)
        while self.get_string_width(text) > self.epw and size > 5:
            size -= 0.5
            self.set_font("text", style, size)
        self.cell(0, 5.5, text, new_x="LMARGIN", new_y="NEXT")
