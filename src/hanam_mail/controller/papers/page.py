"""An administrative document as PDF: A4, the margins, letters and places of Nghị định 30/2020/NĐ-CP, Phụ lục I.

Times stands for Liberation Serif, which has its measures and every Vietnamese letter.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import segno
from fpdf import FPDF

from hanam_mail.controller.papers import paper as forms
from hanam_mail.controller.papers.paper import Office, Paper, Signer, Table

# Debian's fonts-liberation.
FONTS = Path("/usr/share/fonts/truetype/liberation")
# Millimetres (the decree: 20-25 above and below, 30-35 left, 15-20 right), and points.
LEFT, RIGHT, TOP, BOTTOM = 30.0, 15.0, 20.0, 20.0
BODY = 13.0
_LINE = 6.0
_SPACING = 1.25
_INDENT = 10.0
_LEFT_HEAD = 74.0
_GAP = 4.0
_SIGNATURE = 26.0


class PaperSheet(FPDF):
    """Pages of one document."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        # A person's name is no command: by itself the library writes the number of pages for "{nb}".
        self.str_alias_nb_pages = ""
        self.set_title(title)
        self.set_lang("vi-VN")
        self.set_margins(LEFT, TOP, RIGHT)
        # Cells begin and end where the margins are.
        self.c_margin = 0
        self.set_auto_page_break(True, BOTTOM)
        for style, file in (("", "Regular"), ("B", "Bold"), ("I", "Italic"), ("BI", "BoldItalic")):
            self.add_font("text", style, FONTS / f"LiberationSerif-{file}.ttf")
        self.add_font("password", "B", FONTS / "LiberationMono-Bold.ttf")

    def header(self) -> None:
        """The number of the page, from the second on, in the middle of the margin above."""
        if self.page_no() > 1:
            self.set_xy(LEFT, 10)
            self.set_font("text", "", BODY)
            self.cell(0, 6, str(self.page_no()), align="C")
            self.set_xy(LEFT, TOP)

    def draw(self, office: Office, paper: Paper) -> None:
        """The whole document, on pages of its own."""
        self.add_page()
        self._heads(office, paper)
        if paper.kind:
            self._title(paper)
        self._addressed(paper.to)
        for block in paper.body:
            self.table_of(block) if isinstance(block, Table) else self.paragraph(block)
        self._foot(office, paper)

    def paragraph(self, text: str, *, size: float = BODY) -> None:
        """Text with its first line drawn in, both edges even."""
        self.set_font("text", "", size)
        self.ln(2)
        with (
            self.text_columns(text_align="JUSTIFY", line_height=_SPACING) as column,
            column.paragraph(first_line_indent=_INDENT) as drawn,
        ):
            drawn.write(text)

    def table_of(self, table: Table) -> None:
        """Rows under headings that stand on every page."""
        self.ln(3)
        self.set_font("text", "", 11.5)
        with self.table(
            align="LEFT",
            col_widths=tuple(table.widths),
            line_height=5.5,
            padding=(0.8, 1.2),
            repeat_headings=1,
            text_align="LEFT",
        ) as drawn:
            drawn.row([forms.clean(text) for text in table.headings])
            for row in table.rows:
                drawn.row([forms.clean(text) for text in row])
        self.ln(1)

    def code(self, text: str, left: float, top: float, width: float) -> None:
        """A QR code of a text; its quiet zone is the paper around it."""
        rows = segno.make(text, error="m", micro=False).matrix
        module = width / len(rows)
        self.set_fill_color(0)
        for y, row in enumerate(rows):
            for x, dark in enumerate(row):
                if dark:
                    self.rect(left + x * module, top + y * module, module + 0.02, module + 0.02, style="F")

    def fitted(self, text: str, width: float, style: str, size: float, least: float) -> str:
        """Set the largest letters in which a text keeps to one line, and give it; what is longer is seen to be cut."""
        self.set_font("text", style, size)
        while self.get_string_width(text) > width and size > least:
            size -= 0.5
            self.set_font("text", style, size)
        whole = text
        while self.get_string_width(text) > width:
            whole = whole[:-1]
            text = f"{whole.rstrip()}…"
        return text

    def _heads(self, office: Office, paper: Paper) -> None:
        right = self.epw - _LEFT_HEAD
        ends = (
            self._column(LEFT, _LEFT_HEAD, lambda: self._issuer(office, paper)),
            self._column(LEFT + _LEFT_HEAD, right, lambda: self._nation(right)),
        )
        # Number and date stand side by side, below the longer of the heads.
        top = max(ends)
        self.set_xy(LEFT, top)
        self.set_font("text", "", BODY)
        self.cell(_LEFT_HEAD, _LINE, forms.number_text(paper), align="C")
        text = self.fitted(forms.place_text(office, paper), right, "I", BODY, 11)
        self.cell(right, _LINE, text, align="C", new_x="LMARGIN", new_y="NEXT")
        if not paper.kind:
            self.set_y(self._column(LEFT, _LEFT_HEAD, lambda: self._centred(paper.title, _LEFT_HEAD - 4, "", 12, 5)))
        self.ln(_GAP)

    def _column(self, left: float, width: float, draw: Callable[[], None]) -> float:
        """Draw from this height on between two edges; where it ends. The next column begins at the same height."""
        top = self.get_y()
        self.set_left_margin(left)
        self.set_right_margin(self.w - left - width)
        self.set_xy(left, top)
        draw()
        end = self.get_y()
        self.set_left_margin(LEFT)
        self.set_right_margin(RIGHT)
        self.set_xy(LEFT, top)
        return end

    def _issuer(self, office: Office, paper: Paper) -> None:
        self._centred(office.superior.upper(), _LEFT_HEAD, "", 12, 5.5)
        self._centred(office.issuer.upper(), _LEFT_HEAD, "B", 12, 5.5)
        self._rule(LEFT + _LEFT_HEAD / 2, 24)

    def _nation(self, width: float) -> None:
        text = self.fitted(forms.NATION, width, "B", 12.5, 11)
        self.cell(width, 5.5, text, align="C", new_x="LMARGIN", new_y="NEXT")
        self.set_font("text", "B", BODY)
        length = self.get_string_width(forms.MOTTO)
        self._centred(forms.MOTTO, width, "B", BODY, 5.5)
        self._rule(self.l_margin + width / 2, length)

    def _title(self, paper: Paper) -> None:
        self.ln(2)
        self._centred(paper.kind, self.epw, "B", 14, 7)
        self._centred(paper.title, self.epw, "B", BODY, _LINE)
        self._rule(LEFT + self.epw / 2, 50)

    def _addressed(self, to: Sequence[str]) -> None:
        """One in the line of "Kính gửi", several below it."""
        if not to:
            return
        self.set_font("text", "", BODY)
        self.ln(2)
        names = [forms.clean(name) for name in to]
        if len(names) == 1:
            self._centred(f"Kính gửi: {names[0]}.", self.epw, "", BODY, _LINE)
        else:
            self.cell(0, _LINE, "Kính gửi:", align="C", new_x="LMARGIN", new_y="NEXT")
            for place, name in enumerate(names, 1):
                self.set_x(LEFT + 45)
                self.multi_cell(
                    0, _LINE, f"- {name}{'.' if place == len(names) else ';'}", new_x="LMARGIN", new_y="NEXT"
                )
        self.ln(1)

    def _foot(self, office: Office, paper: Paper) -> None:
        """Signatures, and who gets the paper: beside a single signature, below two. Never parted by a page's end."""
        receivers = [forms.clean(name) for name in paper.receivers]
        below = len(paper.signers) > 1
        height = 20 + _SIGNATURE + (10 + 5 * len(receivers) if below else 0)
        if self.will_page_break(height):
            self.add_page()
        self.ln(5)
        top = self.get_y()
        half = self.epw / 2
        ends = []
        for place, signer in enumerate(paper.signers, 2 - len(paper.signers)):
            self.set_xy(LEFT, top)
            ends.append(self._column(LEFT + place * half, half, lambda signer=signer: self._signature(signer, half)))  # type: ignore[misc]
        self.set_xy(LEFT, max(ends) + 3 if below else top)
        self.set_font("text", "BI", 12)
        self.cell(half, 5.5, "Nơi nhận:", new_x="LMARGIN", new_y="NEXT")
        self.set_font("text", "", 11)
        for name in receivers:
            self.multi_cell(half, 4.8, f"- {name};", align="L", new_x="LMARGIN", new_y="NEXT")
        self.multi_cell(half, 4.8, f"- Lưu: {office.archive}.", align="L", new_x="LMARGIN", new_y="NEXT")
        self.set_y(max([self.get_y(), *ends]))

    def _signature(self, signer: Signer, width: float) -> None:
        for text in filter(None, (signer.authority, signer.position)):
            self._centred(text.upper(), width, "B", BODY, _LINE)
        self.ln(_SIGNATURE)
        if signer.name:
            self._centred(signer.name, width, "B", 14, _LINE)

    def _centred(self, text: str, width: float, style: str, size: float, height: float) -> None:
        self.set_font("text", style, size)
        self.multi_cell(width, height, forms.clean(text), align="C", new_x="LMARGIN", new_y="NEXT")

    def _rule(self, middle: float, length: float) -> None:
        """The thin line below a head."""
        y = self.get_y() + 0.6
        self.set_line_width(0.25)
        self.line(middle - length / 2, y, middle + length / 2, y)
        self.ln(2.5)
