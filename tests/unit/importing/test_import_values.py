"""Cells of a list as values: what a list writes in many ways comes to one."""

import unicodedata

import pytest

from hanam_mail.importing import actions, values

pytestmark = pytest.mark.dieu11


@pytest.mark.parametrize(
    ("shown", "place"),
    [
        ("thôn 3, xã Tiên Sơn, thị xã Duy Tiên", "xã Tiên Sơn"),
        ("Thị xã Duy Tiên, Xã Tiên Sơn", "Xã Tiên Sơn"),
        ("tổ 5 - phường Lê Hồng Phong - thành phố Phủ Lý", "phường Lê Hồng Phong"),
        ("Khu phố 2; thị trấn Quế; huyện Kim Bảng.", "thị trấn Quế"),
        ("Kim Bảng, Hà Nam", "Kim Bảng"),
        ("Duy Tiên", "Duy Tiên"),
        (" . , ", ""),
    ],
)
def test_dieu_5_2c_of_a_home_place_the_commune_goes_into_the_address_wherever_it_stands(shown: str, place: str) -> None:
    assert values.home(shown) == place


@pytest.mark.parametrize(
    ("note", "exact"),
    [
        ("đúng tên", True),
        ("Đúng họ và tên theo CCCD", True),
        ("Giáo viên; đã kiểm tra, đúng tên", True),
        ("đúng tên, chưa có hộp thư", True),
        ("ghi chưa đúng tên, đề nghị sửa", False),
        ("không đúng họ tên", False),
        ("KHÔNG ĐÚNG TÊN", False),
        ("chua đúng tên", False),
        ("sai, không phải đúng tên", False),
        ("đề nghị sửa cho đúng tên", False),
        ("có đúng tên không?", False),
        ("đúng tên?", False),
        ("sử dụng tên", False),
    ],
)
def test_only_a_note_that_says_so_confirms_a_name(note: str, exact: bool) -> None:
    assert actions.says_exact(note) is exact


@pytest.mark.parametrize(
    "shown", ["0226 3850 123", " 0226  3850 123 máy lẻ 12", "0226 3850 123 ma\u0301y le\u0309 12", ""]
)
def test_a_telephone_is_kept_as_the_list_writes_it(shown: str) -> None:
    assert values.phone(shown) == " ".join(unicodedata.normalize("NFC", shown).split())


@pytest.mark.parametrize("shown", ["912345678", "0226 3850 123; 0912 345 678", "có"])
def test_what_is_no_telephone_is_refused_without_being_repeated(shown: str) -> None:
    with pytest.raises(ValueError, match="số điện thoại không ghi được như vậy") as refused:
        values.phone(shown)
    assert shown not in str(refused.value)
