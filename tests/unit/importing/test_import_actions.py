"""What a text asks for, and what it says is not asked for: of a revocation nothing is guessed (Đ6.2c)."""

import pytest

from hanam_mail.importing import actions, titles
from hanam_mail.importing.actions import Action

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
    "Hủy bỏ", "Xóa bỏ", "Hủy (nghỉ hưu)", "Thu hồi, giữ lại dữ liệu", "Thu hồi; dữ liệu hộp thư được giữ lại",
    "Thu hồi, không xóa dữ liệu",
    "Cấp mới, chưa có hộp thư", "CÁN BỘ CHƯA CÓ HỘP THƯ ĐỀ NGHỊ CẤP MỚI", "Danh sách cán bộ chưa được cấp hộp thư",
    "HỘP THƯ ĐÃ CẤP ĐỀ NGHỊ THU HỒI", "Danh sách đề nghị cấp mới, thu hồi hộp thư", "Dung lượng không đủ, đề nghị tăng",
    "Chuyển sang Sở Y tế, không đổi địa chỉ", "Trần Văn Dũng bàn giao", "Không trùng tên với ai", "Phòng Tư pháp",
)  # fmt: skip


@pytest.mark.parametrize("text", DENIALS)
def test_a_text_that_says_what_is_not_asked_for_denies(text: str) -> None:
    assert any(actions.denied_by(text, ask) for ask in Action)
    assert any(actions.denied_by(text.upper(), ask) for ask in Action)


@pytest.mark.parametrize("text", REASONS)
def test_a_reason_with_a_no_in_it_denies_nothing(text: str) -> None:
    assert not any(actions.denied_by(text, ask) for ask in Action)


@pytest.mark.parametrize(
    "text", ["Không thu hồi", "Chưa thu hồi", "Không đề nghị cấp mới", "Chưa cấp hộp thư", "Không, thu hồi",
             "Thu hồi?", "Không đổi tên", "Chưa nghỉ hưu", "Đã thu hồi", "Đã được cấp", "Hủy đề nghị cấp mới",
             "Không tăng dung lượng", "Chuyển cơ quan, không thu hồi", "Không thay đổi", "Không",
             "Đã được cấp hộp thư", "Chưa tạo mail", "Chưa cấp hộp thư mới", "Chưa lập tài khoản"],
)  # fmt: skip
def test_dieu_6_2c_a_cell_that_denies_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"“{text.replace('?', '.')}” không rõ (có )?đề nghị|nhiều việc"):
        actions.of_text(text)


@pytest.mark.parametrize(
    "text", ["Tiếp tục sử dụng", "Mới về", "Đi đào tạo", "Nâng cấp hộp thư", "Cán bộ chuyên trách", "Chuyên viên",
             "Sắp nghỉ hưu", "Chuẩn bị nghỉ hưu", "Thay đồng chí An nghỉ hưu", "Nghỉ chế độ thai sản", "Cấp bậc hàm",
             "Không đề nghị", "Trung cấp", "Tạo điều kiện", "Khoa học", "Khoa Nhi"],
)  # fmt: skip
def test_what_names_no_request_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(actions.UnknownAction, match="không hiểu"):
        actions.of_text(text)


@pytest.mark.parametrize(
    "text", ["Nghỉ việc riêng không lương", "Tạm nghỉ việc", "Tạm thời nghỉ việc", "Nghỉ việc không hưởng lương",
             "Nghỉ chế độ con ốm", "Nghỉ chế độ dưỡng sức", "Nghỉ việc 3 tháng", "Chấm dứt thời gian tập sự",
             "Chấm dứt thời gian biệt phái", "Chấm dứt công tác biệt phái", "Sẽ nghỉ hưu", "Sẽ được nghỉ chế độ",
             "Hoãn nghỉ hưu", "Kéo dài thời gian nghỉ hưu", "Chấm dứt hợp đồng thử việc", "Hợp đồng thư ký"],
)  # fmt: skip
def test_dieu_6_2c_who_goes_for_a_while_or_later_is_not_revoked(text: str) -> None:
    with pytest.raises(actions.UnknownAction, match="không hiểu"):
        actions.of_text(text)


@pytest.mark.parametrize(
    "text", ["Thu hồi quyết định nghỉ việc", "Hủy bỏ quyết định điều động", "Hủy quyết định điều động sang Sở Y tế",
             "Hủy bỏ điều động", "Thu hồi chứng thư số", "Thu hồi chữ ký số", "Thu hồi chữ ký số (nghỉ hưu)",
             "Thu hồi 02 token", "Thu hồi máy tính", "Thu hồi nhầm", "Hộp thư bị thu hồi nhầm", "Cấp chứng thư số",
             "Cấp mới chữ ký số", "Cấp nhầm", "Hủy bỏ yêu cầu"],
)  # fmt: skip
def test_dieu_6_2c_what_is_asked_of_other_things_is_not_asked_of_a_mailbox(text: str) -> None:
    for written in (text, text.upper()):
        with pytest.raises(ValueError, match="không rõ đề nghị việc gì với hộp thư"):
            actions.of_text(written)


@pytest.mark.parametrize(
    "title", ["DANH SÁCH ĐỀ NGHỊ THU HỒI CHỨNG THƯ SỐ", "II. Thu hồi chữ ký số", "Danh sách cấp mới chứng thư số",
              "Danh sách thu hồi chữ ký số, cấp mới hộp thư"],
)  # fmt: skip
def test_dieu_6_2c_a_title_about_other_things_asks_for_nothing(title: str) -> None:
    assert actions.of_title(title) is None


def test_dieu_6_2c_a_section_about_other_things_inherits_nothing() -> None:
    for before in (Action.ISSUE, Action.REVOKE, Action.CHANGE):
        assert titles.below("II. Cấp mới chứng thư số", before, ()) is None
        assert titles.below("II. Thu hồi máy tính", before, ()) is None


def test_a_title_may_name_other_things_besides_mailboxes() -> None:
    assert actions.of_title("DANH SÁCH THU HỒI HỘP THƯ, CHỮ KÝ SỐ") is Action.REVOKE
    assert actions.of_title("Danh sách thu hồi hộp thư theo Quyết định số 5") is Action.REVOKE


@pytest.mark.parametrize(
    "text", ["Thu hồi dung lượng thừa", "Cập nhật, do nghỉ hưu", "Cấp mới thay hộp thư đã thu hồi",
             "Cán bộ mới, nghỉ hưu", "Đổi tên và thu hồi", "Cấp mới do chuyển từ Sở Y tế về"],
)  # fmt: skip
def test_a_text_that_names_several_things_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="nhiều việc"):
        actions.of_text(text)


@pytest.mark.parametrize("text", ["Khóa", "Khoá hộp thư", "tạm khoa", "Tạm khóa lại", "khoa hop thu"])
def test_dieu_7_2_a_lock_is_not_asked_for_by_a_list(text: str) -> None:
    with pytest.raises(ValueError, match="hanam-mail lock"):
        actions.of_text(text)


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        ("Cấp", Action.ISSUE), ("Mới", Action.ISSUE), ("Tạo", Action.ISSUE), ("Đề nghị cấp", Action.ISSUE),
        ("Cấp TK", Action.ISSUE),
        ("Chưa có, xin cấp", Action.ISSUE), ("Cấp lại", Action.ISSUE), ("Khởi tạo", Action.ISSUE),
        ("Cung cấp mail", Action.ISSUE),
        ("Cấp 01 hộp thư", Action.ISSUE), ("Hộp thư mới", Action.ISSUE), ("Mới tuyển dụng", Action.ISSUE),
        ("Phòng mới thành lập", Action.ISSUE), ("Cấp mới cho chuyên viên", Action.ISSUE), ("Cấp bổ sung", Action.ISSUE),
        ("Bổ sung mới", Action.ISSUE), ("Chuyển sang Sở Y tế, cấp địa chỉ mới", Action.TRANSFER),
        ("Cấp mới, chưa được cấp bao giờ", Action.ISSUE), ("Cấp mới hộp thư Khoa Nhi", Action.ISSUE),
        ("Cấp mới, chưa đăng ký tài khoản", Action.ISSUE), ("Cấp mới (chưa cấp mail)", Action.ISSUE),
        ("Thu hồi do không còn công tác", Action.REVOKE), ("Không sử dụng, thu hồi", Action.REVOKE),
        ("Hủy", Action.REVOKE), ("Mới nghỉ hưu", Action.REVOKE), ("Đã nghỉ hưu", Action.REVOKE),
        ("Nghỉ chế độ", Action.REVOKE),
        ("Thu hồi theo Quyết định số 5", Action.REVOKE), ("Thu hồi do cấp nhầm", Action.REVOKE),
        ("Nghỉ hưu theo Quyết định số 5/QĐ-SNV, thu hồi hộp thư", Action.REVOKE), ("Nghỉ việc", Action.REVOKE),
        ("Thu hồi hộp thư, chữ ký số", Action.REVOKE), ("Chấm dứt hợp đồng", Action.REVOKE),
        ("Chấm dứt HĐLĐ", Action.REVOKE),
        ("Chấm dứt", Action.REVOKE), ("Chấm dứt thời gian biệt phái, thu hồi hộp thư", Action.REVOKE),
        ("Thu hồi chữ ký số, thu hồi hộp thư", Action.REVOKE), ("Nghỉ việc theo QĐ số 5", Action.REVOKE),
        ("Nghỉ việc, chấm dứt hợp đồng", Action.REVOKE), ("Cấp mới Tiên Sơn", Action.ISSUE),
        ("Cấp mới theo Quyết định số 5", Action.ISSUE), ("Cấp mới QĐ số 5", Action.ISSUE),
        ("Cập nhật", Action.CHANGE), ("Cập nhật họ tên", Action.CHANGE), ("Cập nhật tên phòng", Action.CHANGE),
        ("Cập nhật số điện thoại", Action.CHANGE), ("Tăng dung lượng, tiếp tục sử dụng", Action.QUOTA),
        ("Chuyển đến Sở Khoa học và Công nghệ", Action.TRANSFER), ("CHUYỂN ĐẾN SỞ KHOA HỌC", Action.TRANSFER),
        ("Chuyển sang Sở Giáo dục và Đào tạo", Action.TRANSFER), ("Chuyen sang So Khoa hoc", Action.TRANSFER),
    ],
)  # fmt: skip
def test_dieu_6_1_each_wording_asks_for_one_thing(text: str, ask: Action) -> None:
    assert actions.of_text(text) is ask


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ("trùng tên", True), ("Trùng tên, người khác", True), ("là người khác", True), ("cùng họ và tên", True),
        ("trùng tên, không phải một người", True), ("Không phải là cùng một người", True), ("hai người", True),
        ("không phải người cũ", True), ("2 người khác nhau", True), ("đã kiểm tra, trùng tên", True),
        ("Trùng tên (chưa có hộp thư)", True), ("TRÙNG TÊN VỚI ĐỒNG CHÍ HÙNG PHÒNG TỔ CHỨC", True),
        ("Không trùng tên với ai", False), ("không phải người khác", False), ("Kiểm tra trùng tên?", False),
        ("kiểm tra trùng tên", False), ("chưa rõ có trùng tên không", False), ("trùng tên không", False),
        ("xem có trùng tên", False), ("nếu trùng tên thì cấp theo năm sinh", False), ("không trùng tên", False),
        ("thay người khác nghỉ hưu", False), ("bàn giao cho người khác", False), ("phòng có 2 người", False),
        ("khong trung ten", False), ("", False),
    ],
)  # fmt: skip
def test_dieu_5_2c_only_a_note_that_says_so_confirms_a_namesake(note: str, says: bool) -> None:
    assert actions.says_namesake(note) is says
