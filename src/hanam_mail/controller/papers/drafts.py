"""Papers that the system drafts for the office: the reply to a request (Đ6.2b), the notice of a stop (Đ10.5)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from hanam_mail.controller.papers.page import PaperSheet
from hanam_mail.controller.papers.paper import Office, Paper, Table, clean, day_text, moment_text
from hanam_mail.controller.papers.stops import Stop
from hanam_mail.registry.events import event_name
from hanam_mail.registry.model import Registry
from hanam_mail.registry.requests import Request, RequestKind, Result

_ASKS = {
    RequestKind.ISSUE: "cấp mới",
    RequestKind.CHANGE: "thay đổi",
    RequestKind.REVOKE: "thu hồi",
    RequestKind.RESTORE: "khôi phục",
    RequestKind.LOCK: "tạm khóa",
    RequestKind.ABSENCE: "báo vắng mặt về",
    RequestKind.RESET: "đặt lại mật khẩu",
}
_DONE = {
    "issue": "Cấp mới",
    "quota": "Đổi dung lượng",
    "lock": "Tạm khóa",
    "absence": "Ghi vắng mặt",
    "restore": "Khôi phục",
    "rename": "Đổi tên",
    "transfer": "Chuyển cơ quan",
    "merge": "Sáp nhập",
    "clerks": "Đổi văn thư",
    "revoke": "Thu hồi",
}
# What brings a first password with it.
_PASSWORDS = {RequestKind.ISSUE, RequestKind.RESTORE, RequestKind.RESET}
_MAILBOX = "hộp thư điện tử công vụ"


@dataclass(frozen=True, slots=True)
class DraftFacts:
    """What drafts name besides the office: the regulation, whom to ask, the mail domain, a first password's term."""

    ground: str
    support: str
    domain: str
    default_months: int


def reply(
    request: Request,
    registry: Registry,
    office: Office,
    site: DraftFacts,
    *,
    refused: str = "",
    day: date | None = None,
) -> Paper:
    """The letter that answers a request. `refused`: why it is not granted, where the register does not say so yet."""
    agency = clean(registry.agencies[request.agency].name)
    asks = ", ".join(_ASKS[kind] for kind in request.asks)
    articles = "khoản 3 Điều 7" if RequestKind.RESTORE in request.asks else "khoản 2 Điều 6"
    known = request.reply if request.reply and request.reply.document else None
    body: list[str | Table] = [
        f"{office.issuer} nhận được ngày {request.received:%d/%m/%Y} Văn bản số {clean(request.document)} "
        f"{day_text(request.dated)} của {agency} đề nghị {asks} {_MAILBOX} (căn cứ: {clean(request.ground)}).",
        f"Thực hiện {articles} {site.ground}, {office.issuer} đã phân loại, xử lý và trả lời như sau:",
        f"1. Phân loại: {asks} {_MAILBOX}.",
    ]
    if refused or request.result is Result.REFUSED:
        body.append(f"2. Kết quả: chưa đủ điều kiện giải quyết. Lý do: {clean(refused) or '.' * 100}")
        body.append(f"Đề nghị {agency} bổ sung và gửi lại văn bản đề nghị.")
    else:
        body += list(_done(request, registry, site))
    body.append(f"Cần hỗ trợ, đề nghị liên hệ: {clean(site.support)}.")
    body.append(f"{office.issuer} trả lời để {agency} biết, thực hiện./.")
    return Paper(
        kind="",
        title=f"V/v trả lời đề nghị {asks} {_MAILBOX}",
        symbol=f"{office.symbol}-{office.section}",
        number=clean(known.document) if known else "",
        day=day or (known.date if known else None),
        to=(agency,),
        body=body,
        receivers=("Như trên",),
        signers=(office.signers["letter"],),
    )


def notice(stop: Stop, office: Office, site: DraftFacts) -> Paper:
    """The notice to all agencies and people that the service stops."""
    same_day = stop.begin.date() == stop.end.date()
    hours = (
        f"từ {moment_text(stop.begin)} đến {stop.end:%H giờ %M} cùng ngày"
        if same_day
        else (f"từ {moment_text(stop.begin)} đến {moment_text(stop.end)}")
    )
    body = [
        f"Thực hiện khoản 5 Điều 10 {site.ground}, {office.issuer} thông báo tạm ngừng Hệ thống thư điện tử công vụ "
        f"(@{site.domain}) để {stop.what} như sau:",
        f"1. Thời gian: {hours}.",
        f"2. Dịch vụ tạm ngừng: {stop.services}.",
        "3. Trong thời gian này thư gửi đến vẫn được giữ lại và giao sau; người dùng không phải gửi lại thư, không "
        "phải đổi mật khẩu. Không ai được yêu cầu cung cấp mật khẩu vì việc bảo trì.",
    ]
    if stop.emergency:
        body.append(f"4. Lý do phải làm ngay, không thể báo trước theo quy định: {stop.emergency}.")
    body.append(f"Cần hỗ trợ, đề nghị liên hệ: {clean(site.support)}.")
    body.append(f"{office.issuer} thông báo để các cơ quan, đơn vị, cá nhân biết và chủ động công việc./.")
    return Paper(
        kind="THÔNG BÁO",
        title="Về việc tạm ngừng Hệ thống thư điện tử công vụ để bảo trì",
        symbol=f"TB-{office.symbol}",
        day=stop.announced,
        to=(),
        body=body,
        receivers=("Các cơ quan, đơn vị, cá nhân sử dụng Hệ thống", f"{office.superior} (để báo cáo)"),
        signers=(office.signers["notice"],),
    )


def pdf(paper: Paper, office: Office) -> bytes:
    """The paper, to be printed and signed."""
    sheet = PaperSheet(paper.title)
    sheet.draw(office, paper)
    return bytes(sheet.output())


def _done(request: Request, registry: Registry, site: DraftFacts) -> Iterator[str | Table]:
    """What was done, mailbox by mailbox."""
    rows = [
        (mailbox.name or registry.agencies[mailbox.agency].name, f"{mailbox.address}@{site.domain}",
         _DONE[event_name(event)], f"{event.done:%d/%m/%Y}")
        for mailbox in registry.mailboxes.values()
        for event in mailbox.history
        if event.request == request.id
    ]  # fmt: skip
    if rows:
        yield f"2. Kết quả: đã thực hiện {len(rows):02} việc đối với các hộp thư sau:"
        numbered = [(str(place), *row) for place, row in enumerate(rows, 1)]
        yield Table(("TT", "Họ tên, đơn vị", "Địa chỉ thư điện tử", "Đã làm", "Ngày"), (9, 46, 64, 24, 22), numbered)
    else:
        yield "2. Kết quả: đã thực hiện theo đề nghị."
    if _PASSWORDS & set(request.asks):
        yield (
            "3. Mật khẩu ban đầu được giao tận tay từng người trong phong bì dán kín. Người nhận phải đổi mật khẩu ở "
            f"lần truy nhập đầu tiên, chậm nhất sau {site.default_months:02} tháng; quá hạn thì hộp thư bị tạm khóa "
            "(điểm d khoản 2 Điều 7)."
        )
