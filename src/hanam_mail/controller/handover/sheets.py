"""The paper that first passwords are handed over on: per agency a record to sign, and a slip per person.

A PDF of A4 pages: the record in the form of administrative documents, then five slips a page, to be cut apart, each
with a QR code of the page where passwords are changed; never of the password. Numbers come from regulation.yml.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hanam_mail.controller.handover.opening import Handover
from hanam_mail.controller.papers.page import LEFT, TOP, PaperSheet
from hanam_mail.controller.papers.paper import Office, Paper, Signer, Table, clean
from hanam_mail.host.passwords import first_passwords
from hanam_mail.host.passwords.first_passwords import PasswordRule
from hanam_mail.host.passwords.sealed_file import Slip

CHANGE_PAGE = "/mat-khau/"
_SLIP_HEIGHT = 51.0
_SLIPS = 5
_CODE = 27.0
_EVENTS = {"issue": "Cấp mới", "restore": "Khôi phục", "reset": "Cấp lại mật khẩu"}
_BLANK = "." * 43


@dataclass(frozen=True)
class Rules:
    """What a slip says of the rules: Đ8.2b's form of a password, and the terms in force. `max_age_days`: the stricter
    term of the installation, 0 where the regulation's months are all there is; `ground`: the regulation by name."""

    password: PasswordRule
    max_age_months: int
    default_months: int
    max_age_days: int = 0
    ground: str = ""

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> "Rules":
        """From the variables of regulation.yml and passwords.yml."""
        return cls(
            PasswordRule.of(numbers),
            numbers["regulation_password_max_age_months"],
            numbers["regulation_default_password_months"],
            numbers["password_max_age_days"],
            ground(numbers),
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


def ground(numbers: Mapping[str, Any]) -> str:
    """The regulation by its title and decision, as papers name their ground."""
    province = numbers["regulation_province"]
    return (
        f"{numbers['regulation_title']} {province['kind']} {province['name']} ban hành kèm theo Quyết định số "
        f"{numbers['regulation_decision']}"
    )


def record(handover: Handover, slips: Sequence[Slip], rules: Rules, office: Office, day: date | None = None) -> Paper:
    """The record of the handover to one agency, which everybody on it signs; no passwords here."""
    agency = slips[0].agency_name
    who = f"Đại diện: {_BLANK} Chức vụ: {_BLANK}"
    rows = [
        (str(number), slip.name, slip.address, _EVENTS.get(slip.event, slip.event), "")
        for number, slip in enumerate(slips, 1)
    ]
    return Paper(
        kind="BIÊN BẢN",
        title="Bàn giao mật khẩu ban đầu hộp thư điện tử công vụ",
        symbol=f"BB-{office.symbol}",
        to=(),
        body=(
            f"Căn cứ {rules.ground};",
            f"Bên giao: {office.issuer}.",
            who,
            f"Bên nhận: {clean(agency)}.",
            who,
            f"Bên giao đã giao {len(slips):02} phiếu mật khẩu lập ngày {handover.made:%d/%m/%Y}, mỗi phiếu trong một "
            "phong bì dán kín. Bên nhận giao tận tay từng người; người nhận ký vào danh sách dưới đây. Phiếu không "
            "giao được thì hủy và báo bên giao.",
            Table(("TT", "Họ và tên", "Địa chỉ thư điện tử", "Lý do", "Ký nhận, ngày"), (9, 39, 67, 22, 28), rows),
            "Biên bản lập thành 02 bản có giá trị như nhau, mỗi bên giữ 01 bản./.",
        ),
        receivers=("Bên giao", "Bên nhận"),
        signers=(Signer("Đại diện bên nhận", "", ""), office.signers["handover"]),
        day=day,
    )


def pdf(
    handover: Handover, slips: Sequence[Slip], rules: Rules, url: str, office: Office, day: date | None = None
) -> bytes:
    """The record and the slips of one agency."""
    sheet = _Slips(f"Bàn giao mật khẩu ban đầu - {clean(slips[0].agency_name)}")
    sheet.draw(office, record(handover, slips, rules, office, day))
    sheet.set_auto_page_break(False)
    for place, slip in enumerate(slips):
        sheet.slip(place, slip, rules.text(), url, office)
    return bytes(sheet.output())


class _Slips(PaperSheet):
    """Slips have no numbers of pages: they are cut apart."""

    cut = False

    def header(self) -> None:
        if not self.cut:
            super().header()

    def slip(self, place: int, slip: Slip, rules: str, url: str, office: Office) -> None:
        """One slip, `place` from the first of the sheet on."""
        self.cut = True
        if place % _SLIPS == 0:
            self.add_page()
        top = TOP + (place % _SLIPS) * _SLIP_HEIGHT
        width = self.epw - _CODE - 5
        self.set_xy(LEFT, top + 3)
        head = f"{office.issuer.upper()} - PHIẾU GIAO MẬT KHẨU BAN ĐẦU"
        self.cell(width, 5, self.fitted(head, width, "", 9, 7), new_x="LMARGIN", new_y="NEXT")
        for style, text in (
            ("B", f"{clean(slip.name)} - {clean(slip.agency_name)}"),
            ("", f"Địa chỉ: {clean(slip.address)}"),
        ):
            self.cell(width, 5.5, self.fitted(text, width, style, 12, 8), new_x="LMARGIN", new_y="NEXT")
        self._password(slip.password)
        self.set_font("text", "", 9)
        self.multi_cell(
            width,
            3.6,
            f"Mở {url}{CHANGE_PAGE} (hoặc quét mã bên phải), nhập địa chỉ và mật khẩu trên đây, gõ liền không có dấu "
            f"cách, rồi đặt ngay mật khẩu của riêng mình: trước đó hộp thư chưa dùng được. {rules}",
            align="L",
            new_x="LMARGIN",
            new_y="NEXT",
        )
        left = self.w - self.r_margin - _CODE
        self.code(f"{url}{CHANGE_PAGE}", left, top + 5, _CODE)
        self.set_xy(left - 4, top + 6 + _CODE)
        self.set_font("text", "I", 9)
        self.cell(_CODE + 8, 4, "Trang đổi mật khẩu", align="C")
        self.set_draw_color(120)
        self.set_dash_pattern(dash=2, gap=1.5)
        self.line(0, top + _SLIP_HEIGHT, self.w, top + _SLIP_HEIGHT)
        self.set_dash_pattern()
        self.set_draw_color(0)

    def _password(self, password: str) -> None:
        """In groups with some air between: nothing stands there that somebody could type."""
        self.set_font("text", "", 12)
        self.cell(34, 8, "Mật khẩu ban đầu:")
        self.set_font("password", "B", 15)
        for group in first_passwords.groups(password):
            self.cell(self.get_string_width(group) + 3.5, 8, group)
        self.set_xy(LEFT, self.get_y() + 8.5)
