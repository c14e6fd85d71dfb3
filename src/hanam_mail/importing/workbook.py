"""Sheets out of an XLSX file that container.py found safe: cached values, merged cells filled, hidden rows marked."""

import contextlib
import io
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import openpyxl
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from hanam_mail.importing import container, headings
from hanam_mail.importing.container import RefusedFile
from hanam_mail.importing.sheet import CellFault, Sheet, SheetRow, Value

_OF_TEMPLATE = "Danh mục"  # the hidden sheet of the template
_NO_VALUE = "công thức chưa có kết quả: mở tệp bằng Excel, lưu lại, hoặc dán giá trị (Paste Values)"


def parse(workbook: container.Workbook, file: str) -> list[Sheet]:
    """The sheets that hold something, in their order; of hidden ones lists alone have rows.

    Raises RefusedFile for a damaged file.
    """
    try:
        # openpyxl remarks on styles and extensions it does not keep, in part on stdout, where JSON goes.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            values = openpyxl.load_workbook(io.BytesIO(workbook.content), data_only=True)
            # Only without data_only does openpyxl tell a formula without a cached value from an empty cell.
            formulas = openpyxl.load_workbook(io.BytesIO(workbook.content)) if workbook.formulas else None
        sheets = [
            _read(sheet, formulas[sheet.title] if formulas else None, workbook, file) for sheet in values.worksheets
        ]
    except RefusedFile:
        raise
    except Exception as error:
        # A damaged file makes openpyxl raise nearly anything; the container itself was sound.
        raise RefusedFile(
            "tệp hỏng, không đọc được bảng tính: mở bằng Excel hoặc LibreOffice rồi lưu lại dạng .xlsx"
        ) from error
    # Hidden sheets that are no lists hold what pickers choose from, and often old rubbish: they are only named.
    return [
        replace(sheet, rows=()) if sheet.hidden and not _is_list(sheet) else sheet
        for sheet in sheets
        if sheet.rows and not (sheet.hidden and sheet.title == _OF_TEMPLATE and not _is_list(sheet))
    ]


def _read(sheet: Worksheet, formulas: Any, limits: container.Workbook, file: str) -> Sheet:
    title = unicodedata.normalize("NFC", sheet.title)
    rows = tuple(_rows(sheet, formulas, limits))
    return Sheet(file, title, rows, _hidden_columns(sheet), hidden=sheet.sheet_state != "visible")


def _is_list(sheet: Sheet) -> bool:
    """Whether the sheet has headings of a list. What pickers choose from has offices, posts and requests, no people."""
    return any(headings.names_entries(found) for row in sheet.rows if (found := headings.find([row])))


def _rows(sheet: Worksheet, formulas: Any, limits: container.Workbook) -> Iterator[SheetRow]:
    height, width = min(sheet.max_row, limits.rows), min(sheet.max_column, limits.columns)
    if not height or not width:
        return
    cells = list(sheet.iter_rows(max_row=height, max_col=width))
    grid = [[_value(cell, formulas) for cell in row] for row in cells]
    for merged in sheet.merged_cells.ranges:
        top, left = merged.min_row - 1, merged.min_col - 1
        if top < height and left < width:
            for row in grid[top : merged.max_row]:
                row[left : merged.max_col] = [grid[top][left]] * len(row[left : merged.max_col])
    for number, values in enumerate(grid, start=1):
        if any(value is not None for value in values):
            yield SheetRow(
                number, tuple(values), _doubt(cells[number - 1], hidden=bool(sheet.row_dimensions[number].hidden))
            )


def _hidden_columns(sheet: Worksheet) -> frozenset[int]:
    hidden: set[int] = set()
    for dimension in sheet.column_dimensions.values():
        if dimension.hidden and dimension.min and dimension.max:
            # One entry of the file may span all columns to the right.
            hidden.update(range(dimension.min - 1, min(dimension.max, container.MAX_COLUMNS)))
    return frozenset(hidden)


def _doubt(cells: Sequence[Any], *, hidden: bool) -> str:
    if hidden:
        return "dòng đang ẩn: hiện dòng lên nếu cần, hoặc xóa"
    filled = [cell for cell in cells if isinstance(cell.value, str)]
    if filled and all(cell.font.strike for cell in filled):
        return "dòng bị gạch ngang: bỏ gạch nếu cần, hoặc xóa"
    return ""


def _value(cell: Any, formulas: Any) -> Value:
    value = cell.value
    if value is None:
        if cell.data_type == "str":
            return None  # a formula whose result is no text at all: =IF(B6="","",…) beside an empty row
        formula = None if formulas is None else formulas.cell(cell.row, cell.column)
        return CellFault(_NO_VALUE) if formula is not None and formula.data_type == "f" else None
    if cell.data_type == "e":
        return CellFault(f"ô báo lỗi {value}: sửa lại trong bảng tính")
    match value:
        case bool():
            return "x" if value else None  # a ticked box
        case datetime():
            return value.date()
        case str():
            # Excel writes a line end typed into a cell as _x000D_.
            return unicodedata.normalize("NFC", unescape(value)) if value.strip() else None
        case int() | date():
            return value
        case float() if abs(value) < 1e15:
            return value
        case _:
            return CellFault(f"không đọc được giá trị “{str(value)[:40]}”: viết lại dạng chữ")
