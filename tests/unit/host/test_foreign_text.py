"""What strangers wrote stands in our letters as plain text that nobody can click (Đ4.2, Đ10.6)."""

import pytest

from hanam_mail.host.jobs.foreign_text import bears_mark, shown

pytestmark = [pytest.mark.dieu4, pytest.mark.dieu10]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kính gửi Sở Y tế: công văn số 12.5/STTTT, v.v", "Kính gửi Sở Y tế: công văn số 12.5/STTTT, v[.]v"),
        ("https://xau.example/a?b", "https[:]//xau[.]example/a?b"),
        ("www.xau.example", "www[.]xau[.]example"),
        ("An <an@xau.example>", "An <an@xau[.]example>"),
        ("tel:0912345678 mailto:a@b", "tel[:]0912345678 mailto[:]a@b"),
        ("vidu\u3002vn/a 1.1.1.1/thu-giu/?ma=1", "vidu[.]vn/a 1[.]1[.]1[.]1/thu-giu/?ma=1"),
        ("ngày 30.11.2026, mục 1.2.3", "ngày 30.11.2026, mục 1.2.3"),
        ("a\r\nBcc: x@y\n\n<script>", "a Bcc: x@y <script>"),
        ("a\u202egnp.exe\u2066\u200b\x00\x1b[2J", "a gnp[.]exe [2J"),
        ("a" + "\u0301" * 500, "a\u0301\u0301"),
        ("  \u3164\u00ad ", "\u3164"),
        ("", ""),
        ("x" * 500, "x" * 29 + "…"),
    ],
)
def test_it_is_one_line_of_bounded_length_without_links(text: str, expected: str) -> None:
    assert shown(text, 30 if len(text) == 500 else 200) == expected


@pytest.mark.parametrize(("text", "bears"), [("Tệp: TUYỆT MẬT.zip", True), ("Tệp: mật khẩu mới.zip", False)])
def test_what_would_hold_our_own_letter_is_known(text: str, bears: bool) -> None:
    assert bears_mark(text) == bears
    assert bears_mark("MẬT\n" * 30_000)
