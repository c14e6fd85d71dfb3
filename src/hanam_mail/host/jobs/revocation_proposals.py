"""Proposals to revoke (Đ6.2c), as files for a merge request: the system proposes, people decide, git changes the state.

One YAML file a mailbox. The folder always holds exactly what is proposed today: a proposal whose mailbox was used,
restored, excused or revoked meanwhile goes, so that nobody applies a stale one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Proposal:
    """A row of mail.revoke_proposals, in its order."""

    mailbox: str
    name: str
    address: str
    agency: str | None
    agency_code: str | None
    since: date
    cause: str
    ended: date
    state: str

    @property
    def file(self) -> str:
        """The file's name: address and the beginning of the clock."""
        return f"{self.address}.{self.since.isoformat()}.yml"


def text(proposal: Proposal) -> str:
    """The file: why, which entry, the event to add to its history and the command that does it."""
    # JSON strings are YAML strings.
    from json import dumps

    quoted = {name: dumps(getattr(proposal, name), ensure_ascii=False) for name in ("name", "address", "agency")}
    ground = f"Đ6.2c: không hoạt động từ {proposal.since:%d/%m/%Y}, hết hạn {proposal.ended:%d/%m/%Y}"
    return f"""\
# Đề nghị thu hồi hộp thư không hoạt động (Đ6.2c): hệ thống chỉ đề nghị, không tự thu hồi.
# Việc cần làm: có văn bản (của cơ quan hoặc đơn vị quản lý vận hành), chạy lệnh sau trong kho mã,
# rồi tạo yêu cầu hợp nhất:
#   hanam-mail revoke {proposal.address} --document "<số văn bản>" --dated "<ngày văn bản>" \\
#     --reply "<số văn bản trả lời>" --ground "{ground}"
# Lệnh ghi văn bản vào sổ đề nghị và thêm mục `event` dưới đây vào cuối `history` của hộp thư.
mailbox: {proposal.mailbox}
address: {quoted["address"]}
name: {quoted["name"]}
agency: {quoted["agency"]}
agency_code: {proposal.agency_code or "null"}
idle: {{since: {proposal.since.isoformat()}, cause: {proposal.cause}, term_ended: {proposal.ended.isoformat()}}}
state: {proposal.state}
event: {{event: revoke, request: "<số trong sổ yêu cầu>", done: "<ngày thực hiện>"}}
"""


def write(folder: Path, proposals: Iterable[Proposal]) -> tuple[Sequence[str], Sequence[str]]:
    """Bring the folder to what is proposed; the names of files written and of files removed."""
    wanted = {proposal.file: text(proposal) for proposal in proposals}
    have = {path.name for path in folder.glob("*.yml")}
    written = [
        name for name in sorted(wanted) if name not in have or (folder / name).read_text("utf-8") != wanted[name]
    ]
    for name in written:
        (folder / name).write_text(wanted[name], "utf-8")
    removed = sorted(have - wanted.keys())
    for name in removed:
        (folder / name).unlink()
    return written, removed
