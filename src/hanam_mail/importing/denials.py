"""Titles that say that something is not asked for: "không thu hồi", "giữ lại", "sau khi thu hồi", "đã cấp hộp thư".

They are read as they are accented, since "văn" and "vẫn" are one word without accents.
"""

import re

from hanam_mail.regulation.naming.text import normal

_NO = r"không|khong|đừng|khỏi|miễn|ngoài|trừ|hoãn|dừng|ngừng|rút|hủy|huỷ|bãi bỏ|trước|truoc|sau|đã"
_NOT_YET = r"chưa|chua"
# What may stand between the denial and what is denied: "không thuộc diện thu hồi", "không sử dụng thu hồi" is none.
_BETWEEN = (
    r"khi|lại|cần|phải|có|được|bị|đề nghị|de nghi|yêu cầu|xin|thuộc|nằm|trong|diện|danh sách|việc|đợt|lần|thực hiện|"
    r"tiến hành|nhu cầu|kế hoạch|muốn|đồng ý|cho|nên|ai|đề xuất|quyết định|vội"
)
# By the values of Action, which itself stands on this module.
_DONE = {
    "revoke": r"thu hồi|thu hoi|hủy|huỷ|xóa|xoá|đóng",
    "issue": r"cấp|cap|tạo|lập|mở|đăng ký",
    "change": r"thay đổi|thay doi|điều chỉnh|sửa|chuyển",
}
# "Không còn công tác" and "không tiếp tục sử dụng" are reasons to revoke, no wish to keep.
_NO_LONGER = re.compile(rf"\b({_NO}|{_NOT_YET})( (còn|tiếp tục|sử dụng|được|vẫn|đang))+\b")
_KEPT = re.compile(
    r"\b(giữ (lại|nguyên)|giu (lai|nguyen)|tiếp tục|tiep tuc|(còn|đang|vẫn) (dùng|sử dụng|hoạt động)|"
    r"(đã|da) (có|co) (hộp thư|hop thu|tài khoản|tai khoan|thư|e ?mail))\b"
)
_STAYING = re.compile(r"\b(vẫn|còn lại|còn (công tác|làm việc)|đang (công tác|làm việc)(?! (tại|ở)))\b")


def denies(text: str, ask: str) -> bool:
    """Whether a title says that this is not asked for; "chưa được cấp hộp thư" is a reason to issue one."""
    negations = _NO if ask == "issue" else f"{_NO}|{_NOT_YET}"
    denied = re.search(rf"\b({negations})( ({_BETWEEN}))* ({_DONE[ask]})\b", _words(text))
    return denied is not None or (ask == "revoke" and (keeps(text) or _says(_STAYING, text)))


def keeps(text: str) -> bool:
    """Whether a title speaks of mailboxes that stay as they are."""
    return _says(_KEPT, text)


def _says(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.search(_NO_LONGER.sub(" ", _words(text))) is not None


def _words(text: str) -> str:
    return normal(text).casefold()
