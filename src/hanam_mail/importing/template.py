"""The blank list that agencies fill in: Vietnamese headings, choices to pick from, examples that import passes over."""

import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from hanam_mail import atomic_file
from hanam_mail.alphabet import vietnamese
from hanam_mail.importing.actions import WORDS, Action
from hanam_mail.registry.model import Registry

_TITLE = "DANH SÁCH ĐỀ NGHỊ CẤP MỚI, THAY ĐỔI, THU HỒI HỘP THƯ ĐIỆN TỬ CÔNG VỤ"
_HEADING_ROW = 7
_ROWS = 200
_EXAMPLE = "Ví dụ"
_KINDS = ("Cá nhân", "Phòng/đơn vị", "Cơ quan")
_SIZES = ("2GB", "4GB", "6GB", "8GB", "10GB", "20GB")
_ASKS = tuple(WORDS[ask] for ask in (Action.ISSUE, Action.QUOTA, Action.RENAME, Action.TRANSFER, Action.REVOKE))
# Heading, width in characters, what the heading's cell says when pointed at.
_COLUMNS: tuple[tuple[str, int, str], ...] = (
    ("STT", 7, "Số thứ tự. Dòng ghi “Ví dụ” không được tính."),
    ("Loại hộp thư", 14, "Chọn từ danh sách."),
    ("Họ và tên / Tên phòng, đơn vị", 32, "Chữ quốc ngữ, Unicode, đủ dấu; không ghi Ông, Bà, chức danh."),
    ("Chức vụ", 18, "Không bắt buộc."),
    ("Phòng, ban, đơn vị", 24, "Không bắt buộc."),
    ("Ngày sinh", 12, "Chỉ cần khi trùng tên: ngày/tháng/năm, hoặc năm. Không được lưu lại."),
    ("Quê quán", 22, "Chỉ cần khi trùng tên: xã, huyện. Không được lưu lại."),
    ("Nội dung đề nghị", 20, "Chọn từ danh sách. Mỗi việc một dòng."),
    ("Hộp thư hiện có", 24, "Bắt buộc khi thay đổi, thu hồi nếu trong cơ quan có người cùng tên."),
    ("Họ và tên mới", 24, "Khi đổi tên."),
    ("Cơ quan mới", 28, "Khi chuyển cơ quan: chọn từ danh sách."),
    ("Dung lượng", 12, "Khi thay đổi dung lượng, ví dụ 4GB."),
    ("Căn cứ", 22, "Số quyết định tuyển dụng, nghỉ hưu, điều động..."),
    ("Ghi chú", 22, "Ghi “trùng tên” nếu đúng là người khác cùng họ tên trong cơ quan."),
)
_EXAMPLES: tuple[dict[str, str], ...] = (
    {"Loại hộp thư": "Cá nhân", "Họ và tên / Tên phòng, đơn vị": "Nguyễn Văn An", "Chức vụ": "Chuyên viên",
     "Nội dung đề nghị": WORDS[Action.ISSUE], "Căn cứ": "15/QĐ-SNV"},
    {"Loại hộp thư": "Phòng/đơn vị", "Họ và tên / Tên phòng, đơn vị": "Phòng Tổ chức - Hành chính",
     "Nội dung đề nghị": WORDS[Action.ISSUE]},
    {"Loại hộp thư": "Cá nhân", "Họ và tên / Tên phòng, đơn vị": "Trần Thị Bình",
     "Nội dung đề nghị": WORDS[Action.REVOKE], "Hộp thư hiện có": "tranthibinh", "Căn cứ": "20/QĐ-SNV nghỉ hưu"},
)  # fmt: skip
_INSTRUCTIONS = (
    "HƯỚNG DẪN LẬP DANH SÁCH",
    "1. Điền tên cơ quan, số và ngày văn bản, căn cứ ở đầu trang “Danh sách”; mỗi người hoặc phòng, mỗi việc một dòng.",
    "2. Ghi tên bằng chữ Unicode (không dùng phông .VnTime, VNI-Times), đủ dấu, đúng như trên giấy tờ.",
    "3. Địa chỉ do hệ thống đặt theo Điều 5 của Quy chế; cơ quan không tự đặt.",
    "4. Trong cơ quan đã có người cùng họ tên: ghi “trùng tên” ở cột Ghi chú và ghi quê quán hoặc ngày sinh (Đ5.2c).",
    "   Quê quán, ngày sinh chỉ dùng để phân biệt địa chỉ, không được lưu ở nơi nào khác.",
    "5. Thay đổi, thu hồi: ghi hộp thư hiện có. Đổi tên: ghi tên mới. Chuyển cơ quan: chọn cơ quan mới.",
    "6. Khôi phục, tạm khóa, đặt lại mật khẩu không đề nghị bằng danh sách này: gửi văn bản riêng (Điều 7, Điều 12).",
    "7. Lưu dạng .xlsx, không đặt mật khẩu, không có macro, không ẩn dòng. Các dòng “Ví dụ” có thể để lại hoặc xóa.",
)
_LINE = Side(style="thin", color="999999")
_BORDER = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_WRAPPED = Alignment(wrap_text=True, vertical="center", horizontal="center")


def write(file: Path, registry: Registry) -> None:
    """Write the template; the agencies to choose from are the registry's. Raises InputError if it cannot be."""
    standing = (agency.name for agency in registry.agencies.values() if agency.merged_into is None)
    names = sorted(standing, key=vietnamese)
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101 - a new workbook has one
    sheet.title = "Danh sách"
    _head(sheet)
    _table(sheet)
    help_sheet = book.create_sheet("Hướng dẫn")
    help_sheet.column_dimensions["A"].width = 120
    for row, line in enumerate(_INSTRUCTIONS, start=1):
        help_sheet.cell(row, 1, line).alignment = Alignment(wrap_text=True)
    help_sheet["A1"].font = Font(bold=True)
    choices = book.create_sheet("Danh mục")
    choices.sheet_state = "hidden"
    for row, name in enumerate(names, start=1):
        choices.cell(row, 1, name)
    book.defined_names["co_quan"] = DefinedName("co_quan", attr_text=f"'Danh mục'!$A$1:$A${max(1, len(names))}")
    _choices(sheet)
    content = io.BytesIO()
    book.save(content)
    atomic_file.write(file, content.getvalue())


def _head(sheet: Worksheet) -> None:
    """The title, and what belongs to the document: read back by document.py."""
    sheet["A1"] = _TITLE
    sheet["A1"].font = Font(bold=True, size=14)
    sheet["A1"].alignment = _WRAPPED
    sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=len(_COLUMNS))
    sheet["A2"] = "(Kèm theo văn bản của cơ quan; cách điền: xem trang Hướng dẫn)"
    sheet["A2"].alignment = _WRAPPED
    sheet.merge_cells(start_row=2, end_row=2, start_column=1, end_column=len(_COLUMNS))
    for row, caption in ((3, "Cơ quan gửi:"), (4, "Văn bản số:"), (5, "Căn cứ:")):
        sheet.cell(row, 1, caption).font = Font(bold=True)
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=2)
        sheet.cell(row, 3).border = _BORDER
    sheet["D4"] = "ngày"
    sheet["D4"].alignment = _WRAPPED
    sheet["E4"].border = _BORDER
    sheet["E4"].number_format = "dd/mm/yyyy"


def _table(sheet: Worksheet) -> None:
    for column, (heading, width, _) in enumerate(_COLUMNS, start=1):
        title = sheet.cell(_HEADING_ROW, column, heading)
        title.font, title.alignment, title.border = Font(bold=True), _WRAPPED, _BORDER
        title.fill = PatternFill("solid", fgColor="DDE8F5")
        sheet.column_dimensions[get_column_letter(column)].width = width
        for row in range(_HEADING_ROW + 1, _HEADING_ROW + 1 + len(_EXAMPLES) + _ROWS):
            sheet.cell(row, column).border = _BORDER
            if heading == "Ngày sinh":
                sheet.cell(row, column).number_format = "dd/mm/yyyy"
    for row, example in enumerate(_EXAMPLES, start=_HEADING_ROW + 1):
        for column, (heading, _, _) in enumerate(_COLUMNS, start=1):
            cell = sheet.cell(row, column, _EXAMPLE if heading == "STT" else example.get(heading))
            cell.font = Font(italic=True, color="808080")
    sheet.row_dimensions[_HEADING_ROW].height = 36
    sheet.freeze_panes = f"D{_HEADING_ROW + 1}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{_HEADING_ROW}:{_HEADING_ROW}"


def _choices(sheet: Worksheet) -> None:
    """What to pick from, and a note at every column."""
    lists = {
        "Loại hộp thư": _quoted(_KINDS),
        "Nội dung đề nghị": _quoted(_ASKS),
        "Dung lượng": _quoted(_SIZES),
        "Cơ quan mới": "co_quan",
    }
    first, last = _HEADING_ROW + 1, _HEADING_ROW + len(_EXAMPLES) + _ROWS
    for column, (heading, _, hint) in enumerate(_COLUMNS, start=1):
        formula = lists.get(heading)
        rule = DataValidation(type="list", formula1=formula) if formula else DataValidation()
        rule.promptTitle, rule.prompt, rule.showInputMessage = heading[:32], hint, True
        rule.showErrorMessage = heading in ("Nội dung đề nghị", "Loại hộp thư")
        rule.error, rule.allow_blank = "Chọn một mục trong danh sách", True
        letter = get_column_letter(column)
        rule.add(f"{letter}{first}:{letter}{last}")
        sheet.add_data_validation(rule)
    sender = DataValidation(type="list", formula1="co_quan", allow_blank=True)
    sender.add("C3")
    sheet.add_data_validation(sender)


def _quoted(choices: Sequence[str]) -> str:
    """Choices as a formula; none may hold a comma."""
    return '"' + ",".join(choices) + '"'
