"""What a row asks for, in the words of officials: cấp mới, thu hồi, and the kinds of change."""

import re
from enum import StrEnum

from hanam_mail.importing import denials
from hanam_mail.importing.plain_text import plain
from hanam_mail.registry.requests import RequestKind
from hanam_mail.regulation.naming.text import normal


class UnknownAction(ValueError):
    """A text that names no request."""


class Action(StrEnum):
    """What a list may ask for (Đ6.1). CHANGE does not say yet what is to be changed."""

    ISSUE = "issue"
    REVOKE = "revoke"
    QUOTA = "quota"
    RENAME = "rename"
    TRANSFER = "transfer"
    CHANGE = "change"

    @property
    def kind(self) -> RequestKind:
        """Which of the regulation's three requests it is."""
        return RequestKind(self) if self in (Action.ISSUE, Action.REVOKE) else RequestKind.CHANGE


WORDS = {
    Action.ISSUE: "Cấp mới",
    Action.REVOKE: "Thu hồi",
    Action.QUOTA: "Thay đổi dung lượng",
    Action.RENAME: "Đổi tên",
    Action.TRANSFER: "Chuyển cơ quan",
    Action.CHANGE: "Thay đổi",
}

_LOCK = "tạm khóa phải ghi lý do theo điểm của Đ7.2: dùng hanam-mail lock"
# What needs more than a row of a list: a check of identity, a person who verified, a reason.
_ELSEWHERE = (
    (r"mat khau", "đặt lại mật khẩu phải kiểm tra danh tính người dùng (Đ12.3), không đề nghị bằng danh sách"),
    (r"khoi phuc|mo khoa|mo lai", "khôi phục phải ghi người xác minh (Đ7.3b): dùng hanam-mail restore"),
    (r"tam khoa", _LOCK),
)
# With its accent, or beside what is locked: "Sở Khoa học và Công nghệ" and "Khoa Nhi" lock nothing.
_LOCKS, _LOCKS_BARE = re.compile(r"\b(khóa|khoá)\b"), r"khoa (hop thu|tai khoan|lai|(e ?)?mail|dia chi)|^khoa$"
_MOVE = r"(luan chuyen|dieu dong|chuyen(?! (vien|mon|trach|nganh|de|nghiep)\b))"  # "chuyên viên" goes nowhere
_MAKE = r"(?<!dao )tao"
_ANEW = rf"(cap|{_MAKE}|lap|dang ky|mo|them|bo sung)( hop thu| tai khoan| thu dien tu)? moi"
_OF_RANK = r"(nhat|bac|ham|do|phep|tren|duoi|uy|quyen|truong|pho|so|xa|huyen|tinh|bang|the)\b"
_EXPLICIT = (
    (Action.REVOKE, r"thu hoi|huy bo|(huy|xoa|(?<!hop )(?<!lao )dong) (hop thu|tai khoan|dia chi|thu|e ?mail)|"
                 r"^(huy|xoa)$"),
    (Action.QUOTA, r"dung luong"),
    (Action.RENAME, r"(doi|sua|thay doi|dinh chinh|chinh sua|dieu chinh|thay) (lai )?(ho )?(va )?ten"),
    (Action.TRANSFER, rf"({_MOVE}|dieu chuyen|biet phai)( .*)? (den|sang|toi|ve|tu)|"
                   rf"{_MOVE}( cong tac| co quan| don vi)?|tiep nhan"),
    # "Nâng cấp", "đào tạo", "cập nhật" and "cấp bậc" give nobody a mailbox, nor does "mới" anywhere.
    (Action.ISSUE, rf"{_ANEW}|"
                rf"((?<!nang )cap|{_MAKE}|lap|dang ky)( \d+)? (hop thu|tai khoan|thu|(e ?)?mail|dia chi)|"
                rf"(^|(de nghi|xin|can|yeu cau|duoc|cung|khoi) )(cap(?! {_OF_RANK})|tao(?! dieu kien))|"
                r"^((de nghi|xin|can|yeu cau|them) )?((hop thu|tai khoan|(e ?)?mail|thu dien tu) )?moi$"),
)  # fmt: skip
# A leave is no end, nor is the end of a probation or a secondment: who takes it comes back, or stays.
_LEAVE = (
    r"(rieng|tam|khong( (huong|an))? luong|om|phep|thai|sinh (con|de)|con (om|nho)|cham (con|soc)|nuoi|(dieu )?duong|"
    r"co thoi han|\d+ (ngay|tuan|thang))"
)
REASONS = (
    rf"nghi (huu|(viec|che do)(?! (de |do |vi |huong |ve |theo che do )?{_LEAVE}\b))|thoi viec|giai the|"
    r"cham dut($| (thoi gian )?(hop dong|hd|hdld|lam viec|cong tac|lao dong|quan he|hoat dong|su dung)\b"
    r"(?!.* (tap su|thu viec|biet phai|kiem nhiem)))"
)
_BY_REASON = (
    (Action.REVOKE, REASONS),
    (
        Action.ISSUE,
        r"moi (tuyen|thanh lap|vao)|(tuyen|tuyen dung|thanh lap|nguoi|nhan vien|(can bo|(cong|vien) chuc)) moi",
    ),
    (Action.CHANGE, r"thay doi|dieu chinh|chinh sua|sua( doi)?|cap nhat"),
)
# Who will go has not gone, who goes for a while returns, and of "thay đồng chí An nghỉ hưu" another has.
_NOT_GONE = (
    r"(sap|se|hoan|lui|keo dai( thoi gian)?|tam( thoi)?|chuan bi|du kien|den khi|truoc khi|sau khi|"
    r"(cho|lam|xin) (quyet dinh|giai quyet|thu tuc))"
    rf" ((duoc|cho|xin|den tuoi) )*({REASONS})|\bthay\b(?! doi)"
)
# What is taken back or given is no mailbox ("thu hồi chữ ký số"), or was by mistake. "Thu hồi theo quyết định" has
# other words between, and "cấp mới QĐ số 5" names its ground.
_THINGS = (
    r"chung (thu|chi)|chu ky|cks|token|usb|sim|may (vi )?(tinh|in|quet)|laptop|thiet bi|tai san|con dau|giay|phu cap|"
    r"the (can bo|(cong|vien) chuc|nhan vien|nganh|dang|nha bao|ra vao)"
)
_TAKEN = "quyet dinh|qd|(dieu|luan) (dong|chuyen)|biet phai|bo nhiem|yeu cau|de nghi|van ban|cong van|the|may|dat"
_NOT_OURS = re.compile(
    r"\b(((thu hoi|huy( bo)?|bai bo|rut)( lai)?( toan bo| cac| \d+)*"
    rf" ({_THINGS}|{_TAKEN})|"
    rf"(cap|tao|lap|dang ky|mo|them|bo sung)( moi| lai| doi| phat)?( cac| \d+)* ({_THINGS})|"
    r"(thu hoi|huy( bo)?|xoa|dong|cap|tao)( hop thu| tai khoan)? nham)\b.*)"
)
_DONE = {Action.ISSUE: r"\bđã (được )?cấp\b", Action.REVOKE: r"\bđã (bị )?(thu hồi|hủy|huỷ|xóa|xoá|đóng)\b"}
_IN_TITLES = (
    (Action.ISSUE, r"(cap|tao|lap|dang ky) moi|cap (hop thu|tai khoan|thu|dia chi|e ?mail)"),
    (Action.REVOKE, r"thu hoi|huy (bo|hop thu|tai khoan)"),
    (Action.CHANGE, r"thay doi|dieu chinh|sua doi"),
)
# A request that is not made: a "không", words that may stand between, and the thing itself. Other words between make it
# a reason: "không còn công tác đề nghị thu hồi".
_NO = r"(khong|ko|chua)"
_STOPS = re.compile(r"\b(đừng|chớ|hoãn|dừng|ngừng|rút|hủy|huỷ|bỏ|miễn)\b")  # with accents: Dung, Huy and Bo are names
_BETWEEN = (
    r"(de nghi|yeu cau|xin|can|phai|nen|muon|duoc|bi|co|con|la|lai|nua|ngay|voi|tam thoi|nhu cau|dong y|cho phep|"
    r"thuoc (dien|doi tuong|truong hop)|(truong hop|dien|doi tuong)|(thuc hien|tien hanh)( viec)?|de nghi viec)"
)
_ASKING_AT_ALL = r"(co )?(de nghi|yeu cau|dong y|thuc hien|thuoc (dien|doi tuong))( gi)?$"
_BOX = r"(hop thu|tai khoan|(e ?)?mail|dia chi|thu (dien tu|cong vu))"
_DENIABLE = {
    Action.ISSUE: rf"(cap|tao)($| (moi|lai|phat|cho|them|bo sung|nua|{_BOX}))|(lap|dang ky|mo|them) (moi|{_BOX})",
    Action.REVOKE: rf"thu hoi|(huy|xoa|dong)( bo)?($| {_BOX})",
    Action.QUOTA: r"((tang|nang|them|giam|doi|thay doi|dieu chinh|mo rong) )+dung luong",
    Action.RENAME: r"(doi|sua|thay doi|dinh chinh|chinh sua|dieu chinh|thay) (lai )?(ho )?(va )?ten",
    Action.TRANSFER: rf"((luan |dieu )?chuyen|dieu dong|biet phai|tiep nhan)"
                  rf"($| (cong tac|co quan|don vi|di|den|sang|toi|ve|{_BOX}))",
    Action.CHANGE: r"(thay doi|dieu chinh|chinh sua|sua( doi)?|cap nhat)( gi| thong tin)?$",
}  # fmt: skip
# Who has no mailbox yet, not who shall have none. In the request itself only the passive says so: "chưa cấp" denies.
_MADE = (
    r"(khởi tạo|tạo|tao|thiết lập|lập|lap|mở|mo|đăng ký|dang ky|cấp|cap)\b(?! (mới|moi)\b)"
    r"( (hộp thư|tài khoản|hop thu|tai khoan|(e ?)?mail|địa chỉ|dia chi)\b( (mới|moi)\b)?)?"
)
_HAS_NONE = re.compile(rf"\b(chưa|chua) (từng |hề |tung |he )?(được|duoc) {_MADE}")
_NONE_BESIDE = re.compile(rf"\b(chưa|chua) (từng |hề |tung |he )?((được|duoc) )?{_MADE}")
# Whose not changing denies a change: "chức vụ không thay đổi" is about something else.
_SUBJECTS = {
    Action.QUOTA: "dung luong",
    Action.RENAME: "(ho )?(va )?ten",
    Action.TRANSFER: "co quan|don vi|noi|cong tac",
}
_PARTS = re.compile(r"[,;.\n()/]| [-–] ")
_USE = re.compile(r"\bdùng\b")  # with its accent: Dung and Dũng are names
# What stays is not revoked; of revoked mailboxes letters and data may stay.
_KEPT = (
    r"((tiep tuc|van|con)( con| dang| duoc)* (su dung|cong tac|lam viec|hoat dong)(?! khong)|"
    r"giu (lai|nguyen)(?! (du lieu|noi dung|ban|thu(?! (dien tu|cong vu))))|(duy tri|de lai) (hop thu|tai khoan))"
)
_DATA_KEPT = re.compile(
    r"\b(du lieu|noi dung|ban sao)( hop thu| thu| cu| duoc| van| can| xin| de nghi)* giu (lai|nguyen)\b"
)
# A line says what a list asks for when it speaks of the list or of mailboxes, or begins with it ("II. Thu hồi"): a line
# on the recovery of land ("thu hồi đất") says nothing.
_ON_TOPIC = r"danh sach|hop thu|thu dien tu|thu cong vu|tai khoan|e ?mail"
_NUMBERING = re.compile(r"(([ivxlc]+|[a-z]|[0-9]+) )?((phan|nhom|de nghi|cac|truong hop|ve viec) )*")
# With accents: "sử dụng tên" says something else.
_EXACT = re.compile(r"\bđúng (họ )?(và )?tên\b")
# Beside it they say that it is not so yet, or ask.
_NOT_EXACT = re.compile(r"\b(không|khong|ko|chưa|chua|sai|nhầm|sửa|chỉnh|lại|cần|cho đúng)\b|\?")
_NAMESAKE = (
    r"(trung|cung) (ho )?(va )?ten|(?<!thay )(?<!cho )(?<!cua )(?<!boi )nguoi khac|khac nguoi|"
    r"^(la |day la )?(hai|2) nguoi$|(hai|2) nguoi (khac|cung|trung|rieng)"
)
_NOT_ONE = re.compile(r"\b(khong|chua) (phai |la |cung |chi )*((mot|1) nguoi|nguoi (nay|do|cu|tren|kia|da cap))\b")
_NO_NAMESAKE = r"khong|ko|chua|kiem tra|xem|neu|nghi|co the|tranh|de phong|hay"  # before it, or at the end


def of_text(text: str) -> Action:
    """What the text asks for. Raises ValueError, in Vietnamese, when it is none or several of the known things.

    UnknownAction: none.
    """
    words, small = plain(text), normal(text).casefold()
    for pattern, sentence in _ELSEWHERE:
        if _has(pattern, words):
            raise ValueError(f"“{text}”: {sentence}")
    if _LOCKS.search(small) or (small.isascii() and _has(_LOCKS_BARE, words)):
        raise ValueError(f"“{text}”: {_LOCK}")
    ours = _ours(text)
    found = [ask for ask, pattern in _EXPLICIT if _has(pattern, ours)]
    unclear = f"“{text}” không rõ đề nghị việc gì"
    if not found and ours != words:
        raise ValueError(f"{unclear} với hộp thư: ghi một trong {', '.join(WORDS.values())}, hoặc xóa dòng")
    match found:
        # "Cấp thêm dung lượng" and "chuyển công tác, đề nghị thu hồi" name one thing, the more special one.
        case [Action.REVOKE, Action.TRANSFER] | [Action.QUOTA | Action.RENAME, Action.ISSUE]:
            found = found[:1]
        case [Action.TRANSFER, Action.ISSUE] if not _has(_ANEW, words):  # "cấp mới do chuyển về" may mean either
            found = found[:1]
    if not found:
        found = [ask for ask, pattern in _BY_REASON if _has(pattern, words)]
        if Action.REVOKE in found and _has(_NOT_GONE, words):
            found.remove(Action.REVOKE)
    if len(found) > 1:
        raise ValueError(f"“{text}” đề nghị nhiều việc: mỗi việc một dòng")
    alone = any(re.fullmatch(_NO, plain(part)) for part in _PARTS.split(small))
    if alone and not found:
        raise ValueError(f"{unclear}: ghi một trong {', '.join(WORDS.values())}, hoặc xóa dòng")
    if not found:
        raise UnknownAction(f"không hiểu “{text}”: ghi một trong {', '.join(WORDS.values())}")
    (ask,) = found
    rest = _NONE_BESIDE.sub("", small)
    beside = ask is Action.ISSUE and _has(dict(_EXPLICIT)[ask], plain(rest))  # "cấp mới, chưa đăng ký tài khoản"
    if alone or _denied(ask, rest if beside else text) or (ask in _DONE and re.search(_DONE[ask], small)):
        word = WORDS[ask]
        raise ValueError(
            f"“{text}” không rõ có đề nghị {word.lower()} không: có thì chỉ ghi “{word}”, không thì xóa dòng"
        )
    return ask


def denied_by(note: str, ask: Action) -> bool:
    """Whether what stands beside a request says that it is not made; that one has no mailbox yet does not say so."""
    rest = _NONE_BESIDE.sub("", normal(note).casefold())
    if ask is not Action.REVOKE and _has(rf"{_NO} (co |con )?nhu cau( su dung)?$", plain(rest)):
        return True
    return _denied(ask, rest) or any(_changes_nothing(ask, part) for part in _PARTS.split(rest))


def of_title(text: str) -> Action | None:
    """What a title asks for all rows under it, None when it names nothing, several things or what is not to be done."""
    words = plain(text)
    found = [ask for ask, pattern in _IN_TITLES if _has(pattern, words)]
    if len(found) != 1 or denials.denies(text, found[0]) or not _has(dict(_IN_TITLES)[found[0]], _ours(text)):
        return None
    begins = re.match(dict(_IN_TITLES)[found[0]], _NUMBERING.sub("", words, count=1))
    return found[0] if begins or _has(_ON_TOPIC, words) else None


def names_several(text: str) -> bool:
    """Whether a title names several things that lists ask for, or other things than mailboxes."""
    return sum(_has(pattern, plain(text)) for _, pattern in _IN_TITLES) > 1 or _ours(text) != plain(text)


def says_namesake(text: str) -> bool:
    """Whether a note says that this is another person of the same name (Đ5.2c)."""
    parts = [_NOT_ONE.sub("nguoi khac", plain(part)) for part in re.split(r"[,;.\n()]", text)]
    said = [part for part in parts if _has(_NAMESAKE, part)]
    denied = rf"({_NO_NAMESAKE}) (.* )?({_NAMESAKE})|({_NAMESAKE})( .*)? {_NO}$"
    return bool(said) and "?" not in text and not any(_has(denied, part) for part in said)


def says_exact(text: str) -> bool:
    """Whether a note says that the papers have an unusual name so; "ghi chưa đúng tên" says the contrary."""
    parts = re.split(r"[,;.\n]", normal(text).casefold())
    said = [part for part in parts if _EXACT.search(part)]
    return bool(said) and not any(map(_NOT_EXACT.search, said))


def _denied(ask: Action, text: str) -> bool:
    """Whether the text says that just this is not asked for; "không còn công tác, thu hồi" asks for it."""
    small = normal(text).casefold()
    for part in _PARTS.split(small):
        words = plain(part)
        # What stops a thing denies it too; "hủy hộp thư" has no request behind it and is one.
        stopped = plain(_STOPS.sub("không", _HAS_NONE.sub("", part)))
        if _has(rf"{_NO} ({_BETWEEN} )*({_DENIABLE[ask]}|{_ASKING_AT_ALL})", stopped):
            return True
        if _has(rf"{_NO} ({_BETWEEN} )*({REASONS})", words) and ask is Action.REVOKE:
            return True
        if _has(rf"({_DENIABLE[ask]})( hop thu| tai khoan| hay)* {_NO}$", words):
            return True
        used = _DATA_KEPT.sub("", plain(_USE.sub("sử dụng", part)))
        if ask is Action.REVOKE and _has(_KEPT, used) and not _has(rf"{_NO} .*{_KEPT}", words):
            return True
    return "?" in small and _has(_DENIABLE[ask], plain(small))


def _changes_nothing(ask: Action, part: str) -> bool:
    """Whether a part of a text says of a change that there is none: it begins so, or what shall change stays."""
    if ask.kind is not RequestKind.CHANGE:
        return False
    about = rf"{_BETWEEN}|{_SUBJECTS[ask]}" if ask in _SUBJECTS else _BETWEEN
    no = rf"({_NO} ({_BETWEEN} )*)" + ("?" if "?" in part else "")
    return re.match(rf"(({about}) )*{no}{_DENIABLE[Action.CHANGE]}", plain(part)) is not None


def _ours(text: str) -> str:
    """The words of a text without its parts about other things than mailboxes."""
    words = plain(text)
    if not _NOT_OURS.search(words):
        return words
    return plain(" ".join(_NOT_OURS.sub("", plain(part)) for part in _PARTS.split(normal(text).casefold())))


def _has(pattern: str, words: str) -> bool:
    return re.search(rf"\b(?:{pattern})\b", words) is not None
