"""What a text asks for, and what it says is not asked for: of a revocation nothing is guessed (Đ6.2c)."""

import pytest

from hanam_mail.importing import actions

pytestmark = pytest.mark.dieu6

DENIALS = (
    "Không thu hồi", "Chưa thu hồi", "không đề nghị thu hồi", "Chưa đề nghị thu hồi hộp thư", "khong thu hoi",
    "Không thuộc diện thu hồi", "Đừng thu hồi", "Hủy đề nghị thu hồi", "Tạm hoãn thu hồi", "Thu hồi: không",
    "Thu hồi?", "có thu hồi không", "thu hồi hay không", "Chưa nghỉ hưu", "Không xóa hộp thư", "tiếp tục sử dụng",
    "II. Danh sách tiếp tục sử dụng hộp thư", "II. Các hộp thư giữ lại, không thu hồi", "vẫn đang công tác",
    "vẫn dùng", "III. HỘP THƯ GIỮ NGUYÊN", "Không đề nghị cấp mới", "Không cấp", "Rút đề nghị cấp mới",
    "Danh sách không được cấp hộp thư", "không chuyển công tác", "Không đổi tên", "Không tăng dung lượng",
    "Không thay đổi", "không đề nghị",
)  # fmt: skip
REASONS = (
    "Thu hồi do không còn công tác", "Không còn công tác đề nghị thu hồi", "Hộp thư không sử dụng, đề nghị thu hồi",
    "HỘP THƯ KHÔNG CÒN SỬ DỤNG ĐỀ NGHỊ THU HỒI", "Danh sách không có nhu cầu sử dụng, đề nghị thu hồi",
    "không tiếp tục sử dụng", "Còn sử dụng: Không", "Còn công tác: Không. Thu hồi", "Thôi việc thu hồi", "Hủy hộp thư",
    "Hủy bỏ", "Xóa bỏ", "Hủy (nghỉ hưu)", "Thu hồi, giữ lại dữ liệu", "Thu hồi, không xóa dữ liệu",
    "Cấp mới, chưa có hộp thư", "CÁN BỘ CHƯA CÓ HỘP THƯ ĐỀ NGHỊ CẤP MỚI", "Danh sách cán bộ chưa được cấp hộp thư",
    "HỘP THƯ ĐÃ CẤP ĐỀ NGHỊ THU HỒI", "Danh sách đề nghị cấp mới, thu hồi hộp thư", "Dung lượng không đủ, đề nghị tăng",
    "Chuyển sang Sở Y tế, không đổi địa chỉ", "Trần Văn Dũng bàn giao", "Không trùng tên với ai", "Phòng Tư pháp",
)  # fmt: skip


@pytest.mark.parametrize("text", DENIALS)
def test_a_text_that_says_what_is_not_asked_for_denies(text: str) -> None:
    assert actions.denies(text)
    assert actions.denies(text.upper())


@pytest.mark.parametrize("text", REASONS)
def test_a_reason_with_a_no_in_it_denies_nothing(text: str) -> None:
    assert not actions.denies(text)
